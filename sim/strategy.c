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

static unsigned time_choose(const uint8_t *can_run, unsigned n, bool relaxing)
{
	unsigned best = can_run[0];

	(void)relaxing;
	for (unsigned i = 1; i < n; i++) {
		const struct vcpu *v = &sim.cpu[can_run[i]], *b = &sim.cpu[best];

		if (v->progress < b->progress ||
		    (v->progress == b->progress && v->halted && !b->halted))
			best = can_run[i];
	}
	return best;
}

static int64_t time_slice(const uint8_t *others, unsigned n)
{
	uint64_t mine = sim.cpu[sim.cur].progress, next = UINT64_MAX;

	for (unsigned i = 0; i < n; i++)
		if (sim.cpu[others[i]].progress < next)
			next = sim.cpu[others[i]].progress;
	return (int64_t)(next > mine ? next - mine : 0) + 1 + (int64_t)draw(2 * sim.cfg.mean);
}

/* random: any CPU, for any number of events: for finding bugs, not for looking at times. */

static unsigned random_choose(const uint8_t *can_run, unsigned n, bool relaxing)
{
	unsigned pick = can_run[draw(n)];

	/* a CPU that waits in a spin loop gains nothing from going on */
	while (relaxing && n > 1 && pick == sim.cur)
		pick = can_run[draw(n)];
	return pick;
}

static int64_t random_slice(const uint8_t *others, unsigned n)
{
	(void)others;
	(void)n;
	return 1 + (int64_t)draw(2 * sim.cfg.mean);
}

static const struct strategy by_time = {
	.name = "time",
	.meaning = "CPUs advance side by side, with some jitter",
	.mean = 200,
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
