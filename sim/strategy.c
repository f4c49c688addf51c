/*
 * strategy.c: who runs next, and for how long. All choices come from RNG_SCHEDULE.
 */
#include "sim/sim.h"
#include <stdlib.h>

static uint64_t draw(uint64_t n)
{
	return rng_below(&sim.rng[RNG_SCHEDULE], n);
}

static unsigned any_of(uint64_t set)
{
	for (uint64_t skip = draw((uint64_t)__builtin_popcountll(set)); skip; skip--)
		set &= set - 1;
	return (unsigned)__builtin_ctzll(set);
}

/* A CPU that waits in a spin loop gains nothing from going on. */
static uint64_t gainers(uint64_t set, enum where where)
{
	return where == AT_RELAX && set != CPU_BIT(sim.cur) ? set & ~CPU_BIT(sim.cur) : set;
}

unsigned strategy_plain(uint64_t set, enum where where)
{
	uint64_t behind;

	if (where == AT_EVENT && set & CPU_BIT(sim.cur) && !sim_turn_over())
		return sim.cur;
	if (set != CPU_BIT(sim.cur) && where != AT_HALT)
		set &= ~CPU_BIT(sim.cur);
	behind = sim.cur + 1 < SIM_CPUS_MAX ? set & ~(CPU_BIT(sim.cur + 1) - 1) : 0;
	return (unsigned)__builtin_ctzll(behind ? behind : set);
}

/* time: CPUs advance side by side, like equal CPUs of one machine: the one that is furthest
 * behind runs until it is ahead of all others by a jitter of some hundred events. */

static unsigned time_choose(uint64_t set, enum where where)
{
	unsigned best = (unsigned)__builtin_ctzll(set);

	(void)where;
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

static unsigned random_choose(uint64_t set, enum where where)
{
	return any_of(gainers(set, where));
}

static int64_t random_slice(uint64_t others)
{
	(void)others;
	return 1 + (int64_t)draw(2 * sim.cfg.mean);
}

/* every: any CPU, after each event. */

static int64_t every_slice(uint64_t others)
{
	(void)others;
	return 1;
}

/* Points in the run at which something changes, drawn before it begins, over cfg.length events. */

#define POINTS_MAX 64

static struct {
	uint64_t at[POINTS_MAX + 1]; /* ascending; UINT64_MAX ends */
	unsigned next;
} points;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void points_draw(uint64_t n)
{
	points.next = 0;
	for (uint64_t i = 0; i < n; i++)
		points.at[i] = 1 + draw(sim.cfg.length);
	points.at[n] = UINT64_MAX;
	qsort(points.at, n, sizeof *points.at, compare);
}

static int64_t points_slice(uint64_t others)
{
	uint64_t at = points.at[points.next];

	(void)others;
	if (at == UINT64_MAX)
		return INT64_MAX;
	return at > sim.events ? (int64_t)(at - sim.events) : 1;
}

/* True once at each point. */
static bool points_reached(void)
{
	if (sim.events < points.at[points.next])
		return false;
	points.next++;
	return true;
}

/* pct: the CPU with the highest priority runs; priorities are drawn, and at depth - 1 points the
 * running CPU gets one below all others. A bug that needs d ordered steps in n events of k CPUs
 * shows with probability 1 / (k n^(d-1)) at least. Source: Burckhardt, Kothari, Musuvathi,
 * Nagarakatti: "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010.
 * Who spins in a loop, or is not done for a long time, goes below all, too: the algorithm knows
 * only threads that block. */

static struct {
	uint64_t of[SIM_CPUS_MAX], least;
} priority;

static void pct_begin(void)
{
	priority.least = 1ull << 62;
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		priority.of[i] = priority.least + (draw(1ull << 40) << 8) + i + 1;
	points_draw(sim.cfg.depth - 1);
}

static unsigned pct_choose(uint64_t set, enum where where)
{
	unsigned best = (unsigned)__builtin_ctzll(set);

	if (where == AT_RELAX || (where == AT_EVENT && (points_reached() || sim_turn_over())))
		priority.of[sim.cur] = priority.least--;
	FOR_EACH_CPU(i, set)
		if (priority.of[i] > priority.of[best])
			best = i;
	return best;
}

static int64_t pct_slice(uint64_t others)
{
	FOR_EACH_CPU(i, others)
		if (priority.of[i] > priority.of[sim.cur])
			return 1;
	return points_slice(others);
}

/* bounded: plain, but for cfg.depth preemptions. Few are needed for most bugs: Musuvathi, Qadeer:
 * "Iterative context bounding for systematic testing of multithreaded programs", PLDI 2007. */

static void bounded_begin(void)
{
	points_draw(sim.cfg.depth);
}

static unsigned bounded_choose(uint64_t set, enum where where)
{
	uint64_t others = set & ~CPU_BIT(sim.cur);

	if (where == AT_EVENT && points_reached() && others)
		return any_of(others);
	return strategy_plain(set, where);
}

static unsigned plain_choose(uint64_t set, enum where where)
{
	return strategy_plain(set, where);
}

static int64_t plain_slice(uint64_t others)
{
	(void)others;
	return INT64_MAX;
}

const struct strategy by_plain = {
	.name = "plain",
	.meaning = "no choices: until a mark",
	.mean = 1,
	.fair = true,
	.choose = plain_choose,
	.slice = plain_slice,
};

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

static const struct strategy every_point = {
	.name = "every",
	.meaning = "any CPU runs next, after each event",
	.mean = 1,
	.choose = random_choose,
	.slice = every_slice,
};

static const struct strategy by_priority = {
	.name = "pct",
	.meaning = "drawn priorities that change at --depth - 1 points",
	.mean = 1,
	.fair = true,
	.begin = pct_begin,
	.choose = pct_choose,
	.slice = pct_slice,
};

static const struct strategy bounded = {
	.name = "bounded",
	.meaning = "--depth preemptions at drawn points, else none",
	.mean = 1,
	.fair = true,
	.begin = bounded_begin,
	.choose = bounded_choose,
	.slice = points_slice,
};

const struct strategy *const strategies[] = {&by_time,	   &by_chance, &every_point,
					     &by_priority, &bounded,   &by_replay, NULL};
