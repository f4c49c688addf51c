/*
 * stack.c: the kernel's changes of stacks, and the registers of a CPU that have no effect elsewhere.
 */
#include "sim/watch.h"

void *sim_stack_prepare(void *top, void (*entry)(void))
{
	asan_memory((char *)top - SIM_STACK_BYTES, SIM_STACK_BYTES, true); /* what an abandoned one left */
	void *sp = fiber_prepare(top, (void (*)(uintptr_t))(void *)entry, 0);

	if (sim.cfg.watch)
		watch_prepared(sp);
	return sp;
}

/* Of the registers that a stack goes on with, one may have another bit than it was left with. */
static void __attribute__((noinline)) flip(void *load)
{
	uint64_t bit; /* from 1 */

	if (fault_strikes(FAULT_REGISTER_FLIP, &bit))
		((uint8_t *)fiber_registers(load))[(bit - 1) / 8] ^= (uint8_t)(1u << (bit - 1) % 8);
}

/* The compiler makes the call a jump, so that the saved stack ends in the kernel's caller. */
void sim_stack_switch(void **save, void *load)
{
	if (sim.cfg.watch)
		watch_switch((char *)__builtin_dwarf_cfa() - fiber_saved_bytes, load);
	sim_memory_usable(save, sizeof *save);
	if (sim_faults)
		flip(load);
	fiber_switch(save, load);
}

void *sim_cpu_local(void)
{
	return sim.local;
}

void sim_cpu_set_local(void *local)
{
	sim.local = sim.cpu[sim.cur].local = local;
}

void *sim_cpu_word(unsigned n)
{
	SIM_EVENT(SIM_PC); /* and only then this CPU */
	return ((void **)sim_cpu_local())[n];
}

bool sim_irq_enabled(void)
{
	return sim.cpu[sim.cur].irq_on;
}
