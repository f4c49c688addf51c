/*
 * fault.c: exceptions that are no interrupts, told in words. Source of the codes: Arm ARM
 * (DDI 0487) D19.2.40, ESR_EL1.
 */
#include "aarch64.h"
#include "base/printf.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "regs.h"

_Static_assert(sizeof(struct regs) == REGS_BYTES, "vectors.S fills it");
_Static_assert(offsetof(struct regs, sp) == REGS_SP, "vectors.S fills it");
_Static_assert(offsetof(struct regs, frame) == REGS_FRAME, "vectors.S fills it");

#define PSTATE_I (1u << 7)
#define GUARD_BYTES 4096u

enum {
	EC_UNKNOWN = 0x00,
	EC_ILLEGAL_STATE = 0x0e,
	EC_SVC = 0x15,
	EC_SYSREG = 0x18,
	EC_FPAC = 0x1c,
	EC_INSTRUCTION_ABORT = 0x21,
	EC_PC_ALIGNMENT = 0x22,
	EC_DATA_ABORT = 0x25,
	EC_SP_ALIGNMENT = 0x26,
	EC_SERROR = 0x2f,
	EC_BREAKPOINT = 0x31,
	EC_STEP = 0x33,
	EC_WATCHPOINT = 0x35,
	EC_BRK = 0x3c,
};

static const struct {
	u8 code;
	const char *name;
} classes[] = {
	{EC_UNKNOWN, "undefined instruction"},
	{0x07, "floating-point instruction"},
	{0x0d, "branch target"},
	{EC_ILLEGAL_STATE, "illegal execution state"},
	{EC_SVC, "svc"},
	{EC_SYSREG, "trapped system register"},
	{EC_FPAC, "pointer authentication"},
	{EC_INSTRUCTION_ABORT, "instruction abort"},
	{EC_PC_ALIGNMENT, "misaligned pc"},
	{EC_DATA_ABORT, "data abort"},
	{EC_SP_ALIGNMENT, "misaligned sp"},
	{EC_SERROR, "asynchronous error (SError)"},
	{EC_BREAKPOINT, "hardware breakpoint"},
	{EC_STEP, "single step"},
	{EC_WATCHPOINT, "watchpoint"},
	{EC_BRK, "brk instruction"},
};

static const char *class_name(u64 ec)
{
	for (usize i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].code == ec)
			return classes[i].name;
	return "exception";
}

/* Fault status of aborts: bits 5:2 name the kind, 1:0 the level, for those that have one. */
static const char *abort_kind(u64 status)
{
	static const char *const kinds[16] = {
		[0] = "address too large",
		[1] = "not mapped",
		[2] = "access flag",
		[3] = "not permitted",
		[5] = "external error on a table walk",
	};

	if (status == 0x10)
		return "external error";
	if (status == 0x11)
		return "tag mismatch";
	if (status == 0x21)
		return "misaligned";
	if (status == 0x30)
		return "TLB conflict";
	return kinds[(status >> 2) & 15] ? kinds[(status >> 2) & 15] : "other";
}

static bool is_abort(u64 ec)
{
	return ec == EC_DATA_ABORT || ec == EC_INSTRUCTION_ABORT;
}

/* Just below SP there is nothing: a guard page, most likely. */
static bool is_overflow(const struct regs *r, u64 ec)
{
	return ec == EC_DATA_ABORT && r->sp - r->far < GUARD_BYTES && r->far >= GUARD_BYTES;
}

static void print_regs(const struct regs *r)
{
	for (int i = 0; i < 30; i += 3)
		kprintf("  x%-2d %016lx  x%-2d %016lx  x%-2d %016lx\n", i, r->x[i], i + 1,
			r->x[i + 1], i + 2, r->x[i + 2]);
	kprintf("  x30 %016lx  sp  %016lx  pc  %016lx\n", r->x[30], r->sp, r->pc);
	kprintf("  esr %016lx  far %016lx  pstate %lx\n", r->esr, r->far, r->pstate);
}

static void describe(const struct regs *r, char *text, usize bytes)
{
	u64 ec = (r->esr >> 26) & 0x3f;
	const char *access = ec == EC_INSTRUCTION_ABORT ? "execute"
			     : r->esr & 0x40            ? "write"
							: "read";

	/* What clang and gcc 12 let a failed check of theirs execute. */
	if (ec == EC_BRK && ((r->esr & 0xffff) == 0x5503 || (r->esr & 0xffff) == 1000))
		ksnprintf(text, bytes, "division by zero, pc %p", (void *)r->pc);
	else if (is_overflow(r, ec))
		ksnprintf(text, bytes, "stack overflow: sp %p, fault at %p, pc %p", (void *)r->sp,
			  (void *)r->far, (void *)r->pc);
	else if (is_abort(ec))
		ksnprintf(text, bytes, "%s: cannot %s %p%s: %s, pc %p", class_name(ec), access,
			  (void *)r->far, r->far < 4096 ? " (null pointer)" : "",
			  abort_kind(r->esr & 0x3f), (void *)r->pc);
	else
		ksnprintf(text, bytes, "%s, esr %lx, pc %p", class_name(ec), r->esr,
			  (void *)r->pc);
}

void aarch64_fault(struct regs *r)
{
	u64 ec = (r->esr >> 26) & 0x3f;
	char text[FAULT_TEXT_BYTES];

	arch_current_set(arch_cpu()->current);
	describe(r, text, sizeof text);
	/* An SError belongs to nobody. */
	if (ec != EC_SERROR && !arch_cpu()->arch.faults)
		panic_contain(&(struct fault){.what = text,
					      .pc = r->pc,
					      .fp = r->x[29],
					      .address = is_abort(ec) ? r->far : 0,
					      .irqs = !(r->pstate & PSTATE_I)});
	/* A fault of the report itself is told without the registers; a third one leaves. */
	if (++arch_cpu()->arch.faults > 2)
		board_exit(PANIC_STATUS);
	console_panic_mode();
	if (arch_cpu()->arch.faults == 1) {
		kprintf("\n%s on CPU %u\n", class_name(ec), arch_cpu()->id);
		print_regs(r);
	}
	panic("%s", text);
}
