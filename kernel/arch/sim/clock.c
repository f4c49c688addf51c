/*
 * clock.c: each virtual CPU's one-shot timer. The clock counts nanoseconds.
 */
#include "arch/arch.h"

void arch_timer_init(void)
{
	sim_timer_set(SIM_NEVER);
}

void arch_timer_set(u64 deadline_ns)
{
	sim_timer_set(deadline_ns);
}
