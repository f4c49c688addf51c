/*
 * arch_impl.h: the inline part of the contract in arch/arch.h, for AArch64 at EL1. TPIDR_EL1
 * holds the CPU's structure. Sources: Arm ARM (DDI 0487) C5.2 (DAIF), D12 (generic timer).
 */
#pragma once

#include "base/types.h"

#define ARCH_POISON 0

#include "regs.h"

struct arch_cpu {
	u64 mpidr;       /* affinity fields of MPIDR_EL1 */
	unsigned faults; /* exceptions so far that were no interrupts: they nest, they do not end */
	/* For exceptions that are no interrupts; TPIDRRO_EL0 points to its end. */
	u8 fault_stack[FAULT_STACK_BYTES] __attribute__((aligned(16)));
};

#define ARCH_DAIF_IRQ 0x80u

/* volatile: a stack may change its CPU between two reads, so they must not be merged. */
static inline struct cpu *arch_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(c));
	return c;
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline bool arch_irq_enabled(void)
{
	u64 daif;

	__asm__ volatile("mrs %0, daif" : "=r"(daif));
	return !(daif & ARCH_DAIF_IRQ);
}

static inline void arch_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

extern u64 aarch64_clock_zero; /* CNTVCT_EL0 when the boot CPU started */

/* isb: without it the counter may be read before earlier instructions (Arm ARM D12.1.2). */
static inline u64 arch_clock_ticks(void)
{
	u64 ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
	return ticks - aarch64_clock_zero;
}

/* A move to the register that is always zero. */
#define arch_mark(n) __asm__ volatile("movz xzr, #%c0" ::"i"(n) : "memory")

/* No code runs at EL0, so its stack pointer is free, but for the entry of a fault (vectors.S). */
static inline struct task *arch_current(void)
{
	struct task *t;

	__asm__ volatile("mrs %0, sp_el0" : "=r"(t)::"memory");
	return t;
}

static inline void arch_current_set(struct task *t)
{
	__asm__ volatile("msr sp_el0, %0" ::"r"(t) : "memory");
}

static inline uptr arch_sp(void)
{
	uptr sp;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	return sp;
}

/* One plain load or store each: a hypervisor can emulate only these for a device. */
static inline u8 mmio_read8(uptr a)
{
	u32 v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return (u8)v;
}

static inline u16 mmio_read16(uptr a)
{
	u32 v;

	__asm__ volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return (u16)v;
}

static inline u32 mmio_read32(uptr a)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline u64 mmio_read64(uptr a)
{
	u64 v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline void mmio_write8(uptr a, u8 v)
{
	__asm__ volatile("strb %w0, [%1]" ::"rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write16(uptr a, u16 v)
{
	__asm__ volatile("strh %w0, [%1]" ::"rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write32(uptr a, u32 v)
{
	__asm__ volatile("str %w0, [%1]" ::"rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write64(uptr a, u64 v)
{
	__asm__ volatile("str %x0, [%1]" ::"rZ"(v), "r"(a) : "memory");
}

static inline void mmio_barrier(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}
