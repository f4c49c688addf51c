/* What the kernel's spin locks cost: how many each CPU took, and how long it held one. */
#include "sim.h"

static struct {
	uint64_t taken, held, since, longest;
} locks[SIM_CPUS_MAX];

/* Events that the current CPU has run, up to this one. */
static uint64_t now(void)
{
	return sim.cpu[sim.cur].ran + (uint64_t)(sim.armed - sim_budget);
}

void sim_lock_taken(void)
{
	locks[sim.cur].taken++;
	if (!locks[sim.cur].held++)
		locks[sim.cur].since = now();
}

void sim_lock_given(void)
{
	uint64_t length = now() - locks[sim.cur].since;

	if (!--locks[sim.cur].held && length > locks[sim.cur].longest)
		locks[sim.cur].longest = length;
}

uint64_t sim_locks_taken(void)
{
	return locks[sim.cur].taken;
}

uint64_t sim_locks_longest(void)
{
	uint64_t longest = locks[sim.cur].longest;

	locks[sim.cur].longest = 0;
	return longest;
}
