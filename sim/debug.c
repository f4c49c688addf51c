/*
 * debug.c: what a debugger on the host needs to go to any event of a run, also back
 * (tools/sim/debug.py). It writes sim_debug_at and sets sim_debug_capped, and has a breakpoint at
 * sim_debug_stop. The run is the same, event for event, with and without it.
 */
#include "sim/sim.h"

uint64_t sim_debug_at;	/* the event after whose count sim_debug_stop is called; 0: none */
bool sim_debug_capped; /* the budget ends only for that */

void __attribute__((noinline)) sim_debug_stop(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Where everything is, in the order that debug.py reads it. */
extern const void *const sim_debug_table[];
const void *const sim_debug_table[] = {
	&sim.events,  &sim.armed,    &sim_budget,	&sim.bias,	   &sim.cur,
	&sim.cpu[0].sp, &sim.cpu[1].sp, &sim.cfg.cpus,	__start_ktext,	   __stop_ktext,
	&sim_debug_at, &sim_debug_capped, &sim.running, (const void *)sim_debug_stop, (const void *)sim_stop,
	&sim.clock_ns, &sim.fraction, &sim.step,
};
