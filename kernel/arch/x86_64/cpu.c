/*
 * cpu.c: each CPU's segments, and the stacks and gates for interrupts and exceptions. Source:
 * Intel SDM vol. 3, 6.14.1 (gates), 6.14.5 (interrupt stack table), 8.2.3 (TSS descriptor).
 *
 * A page fault has a stack of its own, so that one which a stack overflow causes is reported
 * precisely: without it the CPU could only raise a double fault, whose saved state is undefined
 * (6.15). Double fault and NMI have their own as they may strike while that one is in use.
 */
#include "core/cpu.h"
#include "base/panic.h"
#include "base/string.h"
#include "mm/page.h"
#include "x86.h"

#define MSR_GS_BASE 0xc0000101u

enum { VECTOR_NMI = 2, VECTOR_DOUBLE_FAULT = 8, EXCEPTIONS = 32, VECTORS = 256 };
enum { IST_NONE, IST_FAULT, IST_DOUBLE_FAULT, IST_NMI };

#define FAULT_STACKS_ORDER 3
#define FAULT_STACKS_BYTES ((usize)PAGE_BYTES << FAULT_STACKS_ORDER)
#define GATE_INTERRUPT     0x8e /* present, interrupts masked on entry */
#define DESC_TSS           0x89
#define VECTOR_STUB_BYTES  16

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

static struct gate idt[VECTORS];
static u8 boot_fault_stacks[FAULT_STACKS_BYTES] __attribute__((aligned(16)));

extern const u8 x86_vectors[];

/* The stack may be what is wrong, or too short for the report. */
static u8 ist_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case VECTOR_NMI:
		return IST_NMI;
	}
	return vector < EXCEPTIONS ? IST_FAULT : IST_NONE;
}

static void idt_init(void)
{
	for (unsigned v = 0; v < VECTORS; v++) {
		u64 at = (uptr)x86_vectors + v * VECTOR_STUB_BYTES;

		idt[v] = (struct gate){
			.offset_low = (u16)at,
			.selector = SEL_CODE64,
			.ist = ist_of(v),
			.type = GATE_INTERRUPT,
			.offset_mid = (u16)(at >> 16),
			.offset_high = (u32)(at >> 32),
		};
	}
}

static void segments_init(struct arch_cpu *a, u8 *stacks)
{
	u64 tss = (uptr)&a->tss;
	u64 limit = sizeof(a->tss) - 1;

	a->gdt[SEL_CODE64 / 8] = DESC_CODE64;
	a->gdt[SEL_DATA / 8] = DESC_DATA;
	a->gdt[SEL_TSS / 8] =
		limit | (tss & 0xffffff) << 16 | (u64)DESC_TSS << 40 | (tss >> 24 & 0xff) << 56;
	a->gdt[SEL_TSS / 8 + 1] = tss >> 32;
	a->tss.iomap = sizeof(a->tss);
	a->tss.ist[IST_FAULT - 1] = (uptr)stacks + FAULT_STACKS_BYTES / 2;
	a->tss.ist[IST_DOUBLE_FAULT - 1] = (uptr)stacks + FAULT_STACKS_BYTES / 4 * 3;
	a->tss.ist[IST_NMI - 1] = (uptr)stacks + FAULT_STACKS_BYTES;
}

/* The selectors stay as entry.S loaded them: these descriptors are the same. */
static void segments_load(struct arch_cpu *a)
{
	const struct table_pointer gdt = {sizeof(a->gdt) - 1, (uptr)a->gdt};
	const struct table_pointer table = {sizeof(idt) - 1, (uptr)idt};

	__asm__ volatile("lgdt %0" ::"m"(gdt));
	__asm__ volatile("ltr %w0" ::"r"(SEL_TSS));
	__asm__ volatile("lidt %0" ::"m"(table));
}

void arch_cpu_init(struct cpu *c)
{
	u8 *stacks = boot_fault_stacks;

	wrmsr(MSR_GS_BASE, (uptr)c);
	if (c->id == 0)
		idt_init();
	else
		stacks = page_alloc(FAULT_STACKS_ORDER);
	if (!stacks)
		panic("no memory for the fault stacks of CPU %u", c->id);
	segments_init(&c->arch, stacks);
	segments_load(&c->arch);
}
