/*
 * mark.c: --seed-from mark. A program that says where what is to be examined begins (sim_mark) makes the seed count
 * from there on: until then there is one plain schedule, the same for all seeds, and no fault strikes. So
 * with --batch the machine is saved there once, and each further run begins with a copy of the few pages
 * that its like have written (pages.c). It is the same run as one from the boot on, hash for hash.
 *
 * Checkers have much state of their own, and input arrives at times of the boot: with these, and
 * when something that the boot depends on changed, a run begins with the boot.
 */
#include "sim/sim.h"
#include <string.h>

#define BOOT_SEED 0

static bool faults; /* they may strike, from the mark on */

/* The machine at the mark. */
static struct {
	bool asked, taken, again;
	void *sp; /* of the stack that came to it */
	struct sim sim;
	int64_t budget;
} saved;

void mark_prepare(void)
{
	if (!sim.cfg.from_mark)
		return;
	sim_seed(BOOT_SEED);
	sim.later = sim.cfg.strategy;
	sim.cfg.strategy = &by_plain;
	faults = sim_faults;
	sim_faults = false;
}

/* The seed's choices begin. */
static void begin(void)
{
	sim.cfg.strategy = sim.later;
	sim.later = NULL;
	sim_faults = faults;
	sim_seed(sim.cfg.seed);
	if (sim.cfg.strategy->begin)
		sim.cfg.strategy->begin();
	sim.slice = 0;
	sim.others = 0;
	sim_arm();
}

void sim_mark(unsigned mark)
{
	size_t bytes;

	if (mark != SIM_MARK_BEGIN || !sim.later)
		return;
	sim_charge();
	(void)console_input(&bytes);
	if (sim.cfg.batch && !SIM_ASAN && !sim.cfg.watch && !sim.cfg.devices && !sim.at_places && !bytes && memory_keep()) {
		console_flush();
		saved.asked = true;
		fiber_switch(&saved.sp, sim.main_sp); /* comes back once for each run */
	}
	begin();
}

bool mark_asks(void **sp)
{
	if (!saved.asked)
		return false;
	saved.asked = false;
	saved.taken = true;
	saved.sim = sim;
	saved.budget = sim_budget;
	locks_keep(true);
	console_keep(true);
	pages_watch();
	*sp = saved.sp;
	return true;
}

/* What the way to the mark depends on. */
static bool same_way(const struct sim_config *a, const struct sim_config *b)
{
	return a->cpus == b->cpus && a->ram_bytes == b->ram_bytes && a->hint_ns == b->hint_ns &&
	       a->from_mark == b->from_mark && !a->watch && !a->devices && a->max_events == b->max_events &&
	       a->until_ns == b->until_ns && strcmp(a->cmdline, b->cmdline) == 0;
}

bool mark_again(void)
{
	size_t bytes;

	(void)console_input(&bytes);
	if (!saved.taken || bytes || replay_places() || !same_way(&sim.cfg, &saved.sim.cfg))
		return false;
	memory_again();
	pages_back();
	sim_copy(&sim, &saved.sim);
	sim.later = sim.cfg.strategy;
	sim_budget = saved.budget;
	faults = sim_faults;
	locks_keep(false);
	console_keep(false);
	saved.again = true;
	return true;
}

void *mark_place(void)
{
	bool again = saved.again;

	saved.again = false;
	return again ? saved.sp : NULL;
}

void mark_end(void)
{
	if (saved.taken)
		pages_end();
	saved.taken = false;
}
