/*
 * time.h: the clock, and per-CPU one-shot timers.
 *
 * All times are unsigned 64-bit nanoseconds since boot. The trace records raw clock ticks; the
 * two share their zero.
 */
#pragma once

#include "arch/arch.h"
#include "base/heap.h"
#include "base/types.h"

extern u64 clock_hz; /* ticks a second of arch_clock_ticks(), set by the board with clock_init */

/** Declares the frequency; 1 kHz to 10 GHz, else panics. Once, on the boot CPU. */
void clock_init(u64 hz);

/** Nanoseconds since boot. Any context, after clock_init; 0 before. */
u64 clock_ns(void);

/** Ticks for @p ns nanoseconds, rounded up. */
u64 clock_ns_to_ticks(u64 ns);

/*
 * A timer calls fn once, in interrupt context on the CPU that armed it, at or after its time.
 * Equal times fire in the order they were armed.
 */
struct timer {
	struct heap_node node;
	void (*fn)(struct timer *t);
	struct cpu *cpu; /* whose queue holds it; NULL when in none */
};

static inline void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	t->fn = fn;
	t->cpu = NULL;
}

/**
 * Arms @p t, which must be in no queue, on this CPU for @p at_ns. The memory stays the caller's
 * until the timer fired or timer_cancel returned. Context: any; takes this CPU's timer lock.
 */
void timer_arm(struct timer *t, u64 at_ns);

/**
 * Takes @p t back. True when it had not fired; when false, fn has returned, unless this is
 * called from fn itself. Context: any except under a lock that fn takes.
 */
bool timer_cancel(struct timer *t);

/** Fires what is due, and sets the hardware for what is next. From irq_timer; masked. */
void timer_interrupt(void);

/** Sets the hardware timer to the earlier of the queue's head and the quantum's end. Masked. */
void timer_program(void);
