/*
 * time.h: the clock, and per-CPU one-shot timers.
 *
 * All times are unsigned 64-bit nanoseconds since boot. The trace records raw clock ticks; the
 * two share their zero.
 */
#pragma once

#include "arch/arch.h"
#include "base/types.h"
#include "base/wheel.h"
#include <stdatomic.h>

extern u64 clock_hz; /* ticks a second of arch_clock_ticks(), set by the board with clock_init */

/** Declares the frequency; 1 kHz to 10 GHz, else panics. Once, on the boot CPU. */
void clock_init(u64 hz);

/* Nanoseconds per tick: ns = (ticks << pre) * mult / 2^64, with one 128-bit product and exact to
 * one part in 2^60; for 290 years. Set by clock_init; 0 before. */
struct clock_scale {
	u64 mult;
	unsigned pre;
};
extern struct clock_scale clock_scale;

/** The time that arch_clock_ticks() == @p ticks stands for, as the trace records it. */
static inline u64 clock_ticks_to_ns(u64 ticks)
{
	const struct clock_scale *c = &clock_scale;

	return (u64)((unsigned __int128)(ticks << c->pre) * c->mult >> 64);
}

/** Nanoseconds since boot. Any context, after clock_init; 0 before. */
static inline u64 clock_ns(void)
{
	return clock_ticks_to_ns(arch_clock_ticks());
}

/** Ticks for @p ns nanoseconds, rounded up; saturates at UINT64_MAX. */
u64 clock_ns_to_ticks(u64 ns);

/*
 * A timer calls fn once, in interrupt context on the CPU that armed it, at or after its time, to the
 * nanosecond as far as the clock goes. Timers of a CPU fire in the order of their times, equal times
 * in the order in which they were armed. To arm and to cancel one takes O(1), and an interrupt does
 * a bounded amount of work, however many timers there are (base/wheel.h).
 */
struct timer {
	struct wheel_node node;
	void (*fn)(struct timer *t);
	_Atomic(struct cpu *) cpu; /* where it was last armed; NULL before */
	bool queued;		   /* in that CPU's wheel; guarded by its timer_lock */
};

static inline void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	t->fn = fn;
	t->queued = false;
	/* relaxed: whoever is handed the timer later is ordered behind this by the handing over */
	atomic_store_explicit(&t->cpu, NULL, memory_order_relaxed);
}

/**
 * Arms @p t, which must be in no queue, on this CPU for @p at_ns; what is before the CPU's last
 * timer interrupt counts as the nanosecond after it. The memory stays the caller's
 * until the timer fired or timer_cancel returned. Context: any; takes this CPU's timer lock.
 */
void timer_arm(struct timer *t, u64 at_ns);

/**
 * Takes @p t back. True when it had not fired; when false, fn has returned, unless this is
 * called from fn itself. Context: any except under a lock that fn takes. fn must not touch t
 * after it let somebody else arm t anew: that one's timer_cancel would not wait for it.
 */
bool timer_cancel(struct timer *t);

/** Sets the hardware timer to the earlier of the queue's head and the quantum's end. Masked. */
void timer_program(void);
