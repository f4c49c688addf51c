/*
 * fault.c: exceptions, told in words. Source: Intel SDM vol. 3, 6.15 and 4.7 (error code of a
 * page fault).
 */
#include "fault.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/printf.h"
#include "core/cpu.h"
#include "core/ksym.h"
#include "core/log.h"
#include "core/panic.h"
#include "mmu.h"
#include "x86.h"

extern const char text_end[];

enum { NMI = 2, DOUBLE_FAULT = 8, PAGE_FAULT = 14, MACHINE_CHECK = 18 };

#define RFLAGS_IF (1u << 9)
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_RESERVED = 8, PF_EXECUTE = 16 };

#define NULL_PAGE_BYTES 4096u
#define GUARD_BYTES     4096u

static const char *const names[] = {
	[0] = "divide error",
	[1] = "debug exception",
	[2] = "non-maskable interrupt",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range exceeded",
	[6] = "invalid opcode",
	[7] = "floating-point instruction",
	[DOUBLE_FAULT] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack-segment fault",
	[13] = "general protection",
	[PAGE_FAULT] = "page fault",
	[16] = "x87 floating-point error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD floating-point exception",
	[21] = "control protection",
};

static const char *name_of(u64 vector)
{
	return vector < ARRAY_LEN(names) && names[vector] ? names[vector] : "exception";
}

static void print_frame(const struct x86_frame *f, u64 cr2)
{
	kprintf("  rax %016lx  rbx %016lx  rcx %016lx\n", f->rax, f->rbx, f->rcx);
	kprintf("  rdx %016lx  rsi %016lx  rdi %016lx\n", f->rdx, f->rsi, f->rdi);
	kprintf("  r8  %016lx  r9  %016lx  r10 %016lx\n", f->r8, f->r9, f->r10);
	kprintf("  r11 %016lx  r12 %016lx  r13 %016lx\n", f->r11, f->r12, f->r13);
	kprintf("  r14 %016lx  r15 %016lx  rbp %016lx\n", f->r14, f->r15, f->rbp);
	kprintf("  rip %016lx  rsp %016lx  rflags %lx\n", f->rip, f->rsp, f->rflags);
	kprintf("  cr2 %016lx  cr3 %016lx  error %lx\n", cr2, read_cr3(), f->error);
}

/* Who called an address that is no code: it made no stack frame, so the back trace leaves out its
 * caller, whose return address is on the top of the stack. */
static void print_caller(u64 rsp)
{
	u64 pc = x86_mapped(rsp) ? *(const u64 *)ALIGN_DOWN(rsp, 8) : 0;
	uptr offset;
	const char *name = ksym_find(pc, &offset);

	if (name && pc < (uptr)text_end)
		kprintf("  perhaps called by %p %s+0x%lx\n", (void *)pc, name, offset);
}

static void page_fault_text(const struct x86_frame *f, u64 cr2, char *text, usize bytes)
{
	const char *access = f->error & PF_EXECUTE ? "execute"
			     : f->error & PF_WRITE ? "write"
						   : "read";
	const char *why = f->error & PF_RESERVED  ? "damaged page table"
			  : f->error & PF_PRESENT ? "protected"
						  : "not mapped";

	/* A push below the stack, or an access to a local variable of a frame that hangs over. */
	if (!(f->error & PF_PRESENT) && cr2 >= NULL_PAGE_BYTES &&
	    ALIGN_DOWN(cr2, (u64)GUARD_BYTES) == ALIGN_DOWN(f->rsp - sizeof(u64), (u64)GUARD_BYTES))
		ksnprintf(text, bytes, "stack overflow: rsp %p, fault at %p, rip %p",
			  (void *)f->rsp, (void *)cr2, (void *)f->rip);
	else
		ksnprintf(text, bytes, "page fault: cannot %s %p%s: %s, rip %p", access,
			  (void *)cr2, cr2 < NULL_PAGE_BYTES ? " (null pointer)" : "", why,
			  (void *)f->rip);
}

void x86_exception(const struct x86_frame *f)
{
	u64 cr2 = read_cr2();
	char text[FAULT_TEXT_BYTES];

	panic_join();
	if (f->vector == PAGE_FAULT)
		page_fault_text(f, cr2, text, sizeof text);
	else
		ksnprintf(text, sizeof text, "%s, error code %lx, rip %p", name_of(f->vector),
			  f->error, (void *)f->rip);
	if (f->vector != NMI && f->vector != DOUBLE_FAULT && f->vector != MACHINE_CHECK)
		panic_contain(&(struct fault){.what = text,
					      .pc = f->rip,
					      .fp = f->rbp,
					      .address = f->vector == PAGE_FAULT ? cr2 : 0,
					      .irqs = f->rflags & RFLAGS_IF});
	console_panic_mode();
	kprintf("\n%s on CPU %u\n", name_of(f->vector), cpu_id());
	print_frame(f, cr2);
	if (f->vector == PAGE_FAULT && f->error & PF_EXECUTE)
		print_caller(f->rsp);
	panic("%s", text);
}
