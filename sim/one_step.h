/*
 * one_step.h: what the kernel's code that is compiled without hooks has in place of calls of port.h
 * (sim.mk puts this before it). Such code is one step of the machine: no time passes, nothing
 * strikes and no other CPU runs before it ends, so the clock and the CPU are read from the
 * simulator's own variables, and interrupts need not be masked.
 */
#pragma once

#include "sim/here.h"
#include "sim/port.h"
#include <stdatomic.h>

extern const struct sim_here here __asm__("sim");
extern const int64_t sim_budget;

static inline uint64_t here_clock_ns(void)
{
	return sim_here_now_ns(&here, sim_budget) + here.skew_ns;
}

/* One thread of the host executes all CPUs, so nothing has to be locked; as in hooks.c. */
#undef atomic_fetch_add_explicit
#define atomic_fetch_add_explicit(at, n, order)                                                    \
	({                                                                                         \
		__auto_type at_ = (at);                                                            \
		__auto_type was_ = atomic_load_explicit(at_, memory_order_relaxed);                \
                                                                                                   \
		atomic_store_explicit(at_, was_ + (n), memory_order_relaxed);                      \
		was_;                                                                              \
	})

#define sim_cpu_local()     here.local
#define sim_clock_ns()      here_clock_ns()
#define sim_irq_save()      false
#define sim_irq_restore(on) ((void)(on))
