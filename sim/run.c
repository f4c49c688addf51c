/*
 * run.c: one run of the machine, from its first instruction or from a mark, to its end.
 */
#include "sim/watch.h"

void sim_stop(int status, const char *message)
{
	void *dead;

	sim_charge();
	sim_mix(sim.events);
	sim_mix(sim.clock_ns);
	sim.status = status;
	sim.message = message;
	fiber_switch(&dead, sim.main_sp);
	__builtin_unreachable();
}

void sim_exit(int status)
{
	sim_stop(status, NULL);
}

static void boot_cpu(uintptr_t unused)
{
	static struct sim_boot boot;

	(void)unused;
	boot = (struct sim_boot){
		.cmdline = sim.cfg.cmdline,
		.ram_base = RAM_BASE,
		.ram_bytes = sim.cfg.ram_bytes,
		.cpus = sim.cfg.cpus,
		.seed = sim.cfg.from_mark ? 0 : sim.cfg.seed,
	};
	sim_entry_boot(&boot);
}

static void go(void *sp)
{
	fiber_switch(&sim.main_sp, sp);
}

void sim_seed(uint64_t seed)
{
	for (unsigned i = 0; i < RNG_SOURCES; i++)
		rng_seed(&sim.rng[i], seed, (enum rng_source)i);
}

/* On the host's stack; the machine goes on at @sp. */
static int run_on(void *sp)
{
	sim.running = true;
	do
		go(sp);
	while (mark_asks(&sp));
	if (bound.on)
		bound_explore(go);
	sim.running = false;
	sim_budget = INT64_MAX;
	return sim.status;
}

int sim_run(void)
{
	void *mark = mark_place();

	if (mark)
		return run_on(mark);
	sim.hash = 0xcbf29ce484222325ull;
	sim_seed(sim.cfg.seed);
	mark_prepare();
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		sim.cpu[i].timer_at = sim.cpu[i].hint_at = sim.cpu[i].again_at =
			sim.cpu[i].tick_at = SIM_NEVER;
	sim_set_busy(0, true);
	if (sim.cfg.strategy->begin)
		sim.cfg.strategy->begin();
	sim.at_places = replay_places() > 0;
	sim.always = hooks_always(sim.cfg.watch);
	sim.bias = (sim.cfg.watch && !sim.always) || sim.at_places || bound.on ? -(1ll << 62) : 0;
	watch_begin();
	devices_begin();
	sim_budget = sim.armed = sim.bias;
	return run_on(fiber_prepare(memory_boot_stack(), boot_cpu, 0));
}
