/*
 * arch_impl.h: the machine that the proofs run on: one CPU, nothing interrupts it. It fulfils the
 * part of kernel/arch/arch.h that code below the executor uses.
 */
#pragma once

#include "base/types.h"

#define ARCH_POISON 0

struct arch_cpu {
	unsigned id;
};

extern struct cpu *proof_cpu;
extern u64 proof_clock_ticks;

static inline struct cpu *arch_cpu(void)
{
	return proof_cpu;
}

/* The second word of the CPU's struct, as for x86_64. */
static inline struct task *arch_current(void)
{
	return ((struct task **)proof_cpu)[1];
}

#define arch_current_set(t) ((void)(t))

static inline void arch_irq_enable(void)
{
}

static inline void arch_irq_disable(void)
{
}

static inline bool arch_irq_enabled(void)
{
	return true;
}

static inline void arch_relax(void)
{
}

static inline u64 arch_clock_ticks(void)
{
	return proof_clock_ticks;
}

static inline uptr arch_sp(void)
{
	return (uptr)__builtin_frame_address(0);
}

static inline void mmio_barrier(void)
{
}

#define arch_mark(n) ((void)(n))
