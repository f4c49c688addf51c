/*
 * strategy.c: who runs next, and for how long. All choices come from RNG_SCHEDULE.
 */
#include "sim/sim.h"

static uint64_t draw(uint64_t n)
{
	return rng_below(&sim.rng[RNG_SCHEDULE], n);
}

/* time: CPUs advance side by side, like equal CPUs of one machine: the one that is furthest
 * behind runs until it is ahead of all others by a jitter of some hundred events. */

static unsigned time_choose(uint64_t set, bool relaxing)
{
	unsigned best = (unsigned)__builtin_ctzll(set);

	(void)relaxing;
	FOR_EACH_CPU(i, set)
	{
		uint64_t a = sim.cpu[i].progress, b = sim.cpu[best].progress;

		if (a < b || (a == b && sim.halted & CPU_BIT(i) && sim.busy & CPU_BIT(best)))
			best = i;
	}
	return best;
}

static int64_t time_slice(uint64_t others)
{
	uint64_t mine = sim.cpu[sim.cur].progress, next = UINT64_MAX;

	FOR_EACH_CPU(i, others)
		if (sim.cpu[i].progress < next)
			next = sim.cpu[i].progress;
	return (int64_t)(next > mine ? next - mine : 0) + 1 + (int64_t)draw(2 * sim.cfg.mean);
}

/* random: any CPU, for any number of events: for finding bugs, not for looking at times. */

static unsigned random_choose(uint64_t set, bool relaxing)
{
	/* a CPU that waits in a spin loop gains nothing from going on */
	if (relaxing && set != CPU_BIT(sim.cur))
		set &= ~CPU_BIT(sim.cur);
	for (uint64_t skip = draw((uint64_t)__builtin_popcountll(set)); skip; skip--)
		set &= set - 1;
	return (unsigned)__builtin_ctzll(set);
}

static int64_t random_slice(uint64_t others)
{
	(void)others;
	return 1 + (int64_t)draw(2 * sim.cfg.mean);
}

static const struct strategy by_time = {
	.name = "time",
	.meaning = "CPUs advance side by side, with some jitter",
	.mean = 200,
	.hint_ns = 100,
	.choose = time_choose,
	.slice = time_slice,
};

static const struct strategy by_chance = {
	.name = "random",
	.meaning = "any CPU runs next, for any number of events: finds bugs",
	.mean = 20,
	.choose = random_choose,
	.slice = random_slice,
};

const struct strategy *const strategies[] = {&by_time, &by_chance, NULL};
