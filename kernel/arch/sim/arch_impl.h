/*
 * arch_impl.h: the simulator's part of arch.h: each function is one call of sim/port.h.
 */
#pragma once

#include "sim/port.h"

#define ARCH_POISON 1

struct arch_cpu {
	unsigned id;
};

/* Atomic: it reads a register of the virtual CPU, no memory that a hook would see. */
static inline struct cpu *arch_cpu(void)
{
	return (struct cpu *)sim_cpu_local();
}

#define arch_irq_save arch_irq_save /* here it is one step */
static inline bool arch_irq_save(void)
{
	return sim_irq_save();
}

static inline void arch_irq_restore(bool enabled)
{
	sim_irq_restore(enabled);
}

static inline void arch_irq_enable(void)
{
	sim_irq_restore(true);
}

static inline void arch_irq_disable(void)
{
	sim_irq_save();
}

static inline bool arch_irq_enabled(void)
{
	return sim_irq_enabled();
}

static inline void arch_relax(void)
{
	sim_relax();
}

static inline u64 arch_clock_ticks(void)
{
	return sim_clock_ns();
}

#define arch_lock_wanted(lock, shared) sim_lock_wanted(lock, shared)
#define arch_lock_taken(lock, shared)  sim_lock_taken(lock, shared)
#define arch_lock_given(lock)	       sim_lock_given(lock)
#define arch_lock_none()	       sim_lock_none()

#define arch_memory_taken(p, bytes, slack) sim_memory_taken(p, bytes, slack)
#define arch_memory_given(p, bytes)	   sim_memory_given(p, bytes)
#define arch_memory_usable(p, bytes)	   sim_memory_usable(p, bytes)

#define arch_mark(n) sim_mark(n)

static inline struct task *arch_current(void)
{
	return (struct task *)sim_cpu_word(1);
}

#define arch_current_set(t) ((void)(t))

static inline uptr arch_sp(void)
{
	return (uptr)__builtin_frame_address(0);
}

static inline u8 mmio_read8(uptr at)
{
	return (u8)sim_mmio_read(at, 1);
}

static inline u16 mmio_read16(uptr at)
{
	return (u16)sim_mmio_read(at, 2);
}

static inline u32 mmio_read32(uptr at)
{
	return (u32)sim_mmio_read(at, 4);
}

static inline u64 mmio_read64(uptr at)
{
	return sim_mmio_read(at, 8);
}

static inline void mmio_write8(uptr at, u8 value)
{
	sim_mmio_write(at, value, 1);
}

static inline void mmio_write16(uptr at, u16 value)
{
	sim_mmio_write(at, value, 2);
}

static inline void mmio_write32(uptr at, u32 value)
{
	sim_mmio_write(at, value, 4);
}

static inline void mmio_write64(uptr at, u64 value)
{
	sim_mmio_write(at, value, 8);
}

/* seq_cst: orders the memory that a device shares with the registers, in both directions */
static inline void mmio_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
