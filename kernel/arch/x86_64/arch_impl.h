/*
 * arch_impl.h: the inline part of the contract in arch/arch.h, for x86_64. The GS base holds the
 * CPU's structure, whose first word points to itself. Sources: Intel SDM vol. 2 and 3.
 */
#pragma once

#include "base/types.h"
#include "segments.h"

#define ARCH_POISON 0

/* Intel SDM vol. 3, 8.7: the stacks that the CPU switches to. */
struct x86_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap;
} __attribute__((packed));

struct arch_cpu {
	u64 gdt[GDT_ENTRIES];
	struct x86_tss tss;
	u32 apic_id;
};

/* volatile: a stack may change its CPU between two reads, so they must not be merged. */
static inline struct cpu *arch_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* One load: no change of CPU can come between finding the structure and reading it. volatile: as
 * above. */
static inline struct task *arch_current(void)
{
	struct task *t;

	__asm__ volatile("mov %%gs:8, %0" : "=r"(t));
	return t;
}

#define arch_current_set(t) ((void)(t))

static inline void arch_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline bool arch_irq_enabled(void)
{
	u64 flags;

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(flags)::"memory");
	return flags & (1u << 9);
}

static inline void arch_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* lfence: without it the counter may be read before earlier instructions (SDM vol. 2, RDTSC). */
static inline u64 x86_tsc(void)
{
	u32 low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return low | (u64)high << 32;
}

extern u64 boot_tsc; /* the time-stamp counter when the kernel was entered */

static inline u64 arch_clock_ticks(void)
{
	return x86_tsc() - boot_tsc;
}

/* A no-operation with an offset (SDM vol. 2, NOP) that no compiler pads with. */
#define arch_mark(n) __asm__ volatile("nopl %c0(%%rax,%%rax)" ::"i"(0x46420000 | (n)) : "memory")

static inline uptr arch_sp(void)
{
	uptr sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return sp;
}

/* mov only: a hypervisor need not emulate more for a device. */
#define X86_MMIO(bits, suffix, reg)                                                                \
	static inline u##bits mmio_read##bits(uptr a)                                              \
	{                                                                                          \
		u##bits v;                                                                         \
		__asm__ volatile("mov" suffix " (%1), %0" : "=" reg(v) : "r"(a) : "memory");       \
		return v;                                                                          \
	}                                                                                          \
	static inline void mmio_write##bits(uptr a, u##bits v)                                     \
	{                                                                                          \
		__asm__ volatile("mov" suffix " %0, (%1)" ::reg(v), "r"(a) : "memory");            \
	}
X86_MMIO(8, "b", "q")
X86_MMIO(16, "w", "r")
X86_MMIO(32, "l", "r")
X86_MMIO(64, "q", "r")
#undef X86_MMIO

static inline void mmio_barrier(void)
{
	__asm__ volatile("mfence" ::: "memory");
}
