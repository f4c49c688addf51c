/*
 * engine.c: virtual CPUs, virtual time, delivery of interrupts. See README.md for the model.
 */
#include "sim/watch.h"

#define RELAX_EVENTS 32	    /* what a pause costs; Skylake's takes about 40 ns, older ones 3 */
#define TIMER_LATE_NS 64    /* a timer fires up to this much late */
#define HINT_NS_BITS 9	    /* a hint travels up to 2^9 ns longer than the strategy wants */
#define TURN_EVENTS (1 << 16)
#define EVENTS_FAR (1 << 24) /* a budget when nothing is due */

struct sim sim;
int64_t sim_budget = INT64_MAX;

static struct vcpu *this_cpu(void)
{
	return &sim.cpu[sim.cur];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Time.
 */

/* The clock and the counters are brought up to date with the hooks that ran since. */
static void charge_events(uint64_t n)
{
	this_cpu()->progress += n;
	sim.fraction += n * sim.step;
	sim.clock_ns += sim.fraction / SIM_FRACTION;
	sim.fraction %= SIM_FRACTION;
}

void sim_charge(void)
{
	uint64_t used = (uint64_t)(sim.armed - sim_budget);

	sim.armed = sim_budget;
	sim.events += used;
	this_cpu()->ran += used;
	sim.slice -= (int64_t)used;
	charge_events(used);
}

void sim_set_busy(unsigned cpu, bool busy)
{
	unsigned n;

	sim.busy = busy ? sim.busy | CPU_BIT(cpu) : sim.busy & ~CPU_BIT(cpu);
	sim.halted = busy ? sim.halted & ~CPU_BIT(cpu) : sim.halted | CPU_BIT(cpu);
	n = (unsigned)__builtin_popcountll(sim.busy);
	sim.step = SIM_FRACTION / (n ? n : 1);
}

/* Events of the running CPU until the clock reaches ns, or fewer when that is far; at least 0. */
static int64_t events_until(uint64_t ns)
{
	uint64_t d;

	if (ns <= sim.clock_ns)
		return 0;
	d = least(ns - sim.clock_ns, EVENTS_FAR / SIM_CPUS_MAX);
	return (int64_t)((d * SIM_FRACTION - sim.fraction + sim.step - 1) / sim.step);
}

uint64_t sim_due(unsigned cpu)
{
	uint64_t due = least(sim.cpu[cpu].timer_at, sim.cpu[cpu].hint_at);

	due = least(due, least(sim.cpu[cpu].again_at, sim.cpu[cpu].tick_at));
	if (cpu == 0 && !console_masked() && !devices_take_input())
		due = least(due, console_due());
	if (cpu == 0 && (sim.lines | sim.edges) & sim.unmasked)
		due = 0;
	return due;
}

static bool started(unsigned cpu)
{
	return (sim.busy | sim.halted) & CPU_BIT(cpu);
}

static bool pending(unsigned cpu)
{
	return sim_due(cpu) <= sim.clock_ns;
}

/* The CPUs that can run: busy, or halted with an interrupt pending. */
static uint64_t candidates(void)
{
	uint64_t set = sim.busy;

	FOR_EACH_CPU(i, sim.halted)
		if (pending(i))
			set |= CPU_BIT(i);
	return set;
}

/* A CPU that halted and can run again is level with the one that is furthest behind: its count of
 * what it has run says nothing about the time that it has spent. */
static void catch_up(struct vcpu *v)
{
	uint64_t floor = SIM_NEVER;

	FOR_EACH_CPU(i, sim.busy)
		floor = least(floor, sim.cpu[i].progress);
	if (floor != SIM_NEVER)
		v->progress = floor;
}

/* Events until the current CPU's turn is over; see sim_turn_over. */
static int64_t turn_left(void)
{
	return TURN_EVENTS - (int64_t)(this_cpu()->ran - sim.turn);
}

bool sim_turn_over(void)
{
	return turn_left() <= 0;
}

/*
 * Sets the budget so that it ends with the slice, or earlier when an interrupt becomes pending
 * that this CPU can take or that a halted CPU waits for. CPUs that can run and could not when the
 * slice was chosen make it shorter. The clock is up to date.
 */
void sim_arm(void)
{
	uint64_t due = this_cpu()->irq_on ? sim_due(sim.cur) : SIM_NEVER;
	uint64_t others = candidates() & ~CPU_BIT(sim.cur);
	bool fair = sim.cfg.strategy->fair || sim.cfg.record;
	int64_t budget;

	if (others & ~sim.others) {
		FOR_EACH_CPU(i, others & ~sim.others & sim.halted)
			catch_up(&sim.cpu[i]);
		budget = sim.cfg.strategy->slice(others);
		sim.slice = budget < sim.slice ? budget : sim.slice;
	}
	sim.others = others;
	FOR_EACH_CPU(i, sim.halted & ~others)
		due = least(due, sim_due(i));
	if (sim.cfg.until_ns)
		due = least(due, sim.cfg.until_ns);
	due = least(due, devices_due());
	budget = events_until(due);
	if (budget > sim.slice)
		budget = sim.slice;
	if (fair && budget > turn_left())
		budget = turn_left();
	if (sim.cfg.max_events && (uint64_t)budget > sim.cfg.max_events - sim.events)
		budget = (int64_t)(sim.cfg.max_events - sim.events);
	budget = budget > 0 ? budget - 1 : 0; /* the hook that finds it spent is an event, too */
	sim_debug_capped = sim_debug_at > sim.events && (uint64_t)budget > sim_debug_at - sim.events - 1;
	if (__builtin_expect(sim_debug_capped, 0))
		budget = (int64_t)(sim_debug_at - sim.events - 1);
	sim_budget = sim.armed = budget + sim.bias;
	sim.horizon_ns =
		sim.clock_ns + (sim.fraction + ((uint64_t)budget + 1) * sim.step) / SIM_FRACTION;
}

uint64_t sim_now_ns(void)
{
	return sim_here_now_ns((const struct sim_here *)&sim, sim_budget);
}

uint64_t sim_clock_ns(void)
{
	return sim_now_ns() + sim.skew_ns;
}

/*
 * Who runs.
 */

bool sim_was_enough(void)
{
	return sim.cfg.until_ns && sim.clock_ns >= sim.cfg.until_ns;
}

static void check_limits(void)
{
	if (sim.interrupted)
		sim_stop(EXIT_INTERRUPTED, "interrupted");
	if (sim.cfg.max_events && sim.events >= sim.cfg.max_events)
		sim_stop(EXIT_LIMIT, "stopped by --max-events");
	if (sim_was_enough())
		sim_stop(EXIT_LIMIT, "stopped by --until");
}

/* Every CPU halts: the clock jumps to the first interrupt that will end that, or to what a device does. */
static void jump(void)
{
	uint64_t due = devices_due(), waited;

	FOR_EACH_CPU(i, sim.halted)
		due = least(due, sim_due(i));
	if (console_interactive()) {
		check_limits();
		console_flush();
		waited = due == SIM_NEVER ? SIM_NEVER : due - sim.clock_ns;
		waited = console_wait(waited);
		sim.clock_ns = least(due, sim.clock_ns + waited);
		return;
	}
	if (due == SIM_NEVER)
		sim_stop(EXIT_NO_PROGRESS, "no progress: every CPU halts and no event is due");
	sim.clock_ns = due;
	sim.fraction = 0;
}

/* Gives the machine to the CPU that the strategy chooses; comes back when this one is chosen. */
static void schedule(enum where where)
{
	struct vcpu *from = this_cpu();
	unsigned next, plain;
	uint64_t set, all;

	while ((set = candidates()) == 0) {
		jump();
		devices_run();
		if (sim.cfg.devices)
			check_limits();
	}
	all = set;
	if (sim_faults)
		set = fault_unstalled(set, where);
	FOR_EACH_CPU(i, set & sim.halted)
		catch_up(&sim.cpu[i]);
	next = sim.cfg.strategy->choose(set, where);
	plain = strategy_plain(all, where);
	if (sim.cfg.record && next != plain)
		replay_note(next);
	if (next != plain || next != sim.cur || sim_turn_over())
		sim.turn = sim.cpu[next].ran;
	sim.slice = EVENTS_FAR;
	sim.others = 0;
	if (next == sim.cur)
		return;
	sim.switches++;
	sim_mix(0x100 + next);
	sim.cur = next;
	sim.local = this_cpu()->local;
	sim.skew_ns = this_cpu()->skew_ns;
	if (sim.cfg.watch)
		race_turn();
	sim_arm();
	fiber_switch(&from->sp, this_cpu()->sp);
}

/*
 * Interrupts.
 */

/* Takes one pending interrupt off; -1 when there is none. */
static int acknowledge(void)
{
	unsigned up = (sim.lines | sim.edges) & sim.unmasked;
	struct vcpu *v = this_cpu();
	uint64_t ns;

	if (v->hint_at <= sim.clock_ns) {
		v->hint_at = SIM_NEVER;
		return SIM_IRQ_HINT;
	}
	if (v->again_at <= sim.clock_ns) {
		v->again_at = SIM_NEVER;
		return SIM_IRQ_HINT;
	}
	if (v->timer_at <= sim.clock_ns) {
		v->timer_at = SIM_NEVER;
		if (fault_strikes(FAULT_TIMER_DOUBLED, &ns))
			v->tick_at = sim.clock_ns + ns;
		return SIM_IRQ_TIMER;
	}
	if (v->tick_at <= sim.clock_ns) {
		v->tick_at = SIM_NEVER;
		return SIM_IRQ_TIMER;
	}
	if (sim.cur != 0)
		return -1;
	if (!console_masked() && !devices_take_input() && console_due() <= sim.clock_ns)
		return SIM_IRQ_CONSOLE;
	if (up) {
		sim.edges &= ~(up & -up);
		return SIM_IRQ_DEVICE + __builtin_ctz(up);
	}
	return -1;
}

/* The kernel's handler; may return on another CPU. */
static void enter(int irq, uintptr_t pc)
{
	sim_entry_irq((enum sim_irq)irq, pc);
}

/* Apart, since what it keeps is large. */
static __attribute__((noinline)) void enter_watched(int irq, uintptr_t pc)
{
	struct interrupted i;

	watch_irq_enter(&i);
	sim_entry_irq((enum sim_irq)irq, pc);
	watch_irq_exit(&i);
}

/* Takes what is pending, on this stack, as the hardware would. The clock is up to date before
 * and after. May return on another CPU. */
static void deliver(uintptr_t pc)
{
	int irq;

	while (this_cpu()->irq_on && (irq = acknowledge()) >= 0) {
			sim.irqs++;
		sim_mix(0x200 + (unsigned)irq);
		this_cpu()->irq_on = false;
		sim_arm();
		(sim.cfg.watch ? enter_watched : enter)(irq, pc);
		sim_charge();
		this_cpu()->irq_on = true;
		if (irq >= SIM_IRQ_DEVICE)
			devices_handled((unsigned)irq - SIM_IRQ_DEVICE);
	}
}

void sim_slow(uintptr_t pc)
{
	bool there = sim.at_places && replay_at(pc, this_cpu()->ran + (uint64_t)(sim.armed - sim_budget));

	if (sim_budget >= sim.bias && !there)
		return;
	sim.pc = pc;
	sim_charge();
	if (__builtin_expect(sim_debug_at && sim.events >= sim_debug_at, 0)) {
		sim_debug_at = 0;
		sim_debug_stop();
	}
	if (sim_debug_capped && !there) {
		sim_arm();
		return;
	}
	if (there)
		sim.slice = 0;
	/* A handler that ends with a jump to a hook returns to the engine, elsewhere under --watch. */
	sim_mix(sim_in_kernel(pc) ? pc : 0);
	sim_mix(sim.clock_ns);
	devices_run();
	check_limits();
	console_poll();
	deliver(pc);
	if (sim.slice <= 0 || (sim.cfg.strategy->fair && sim_turn_over())) {
		schedule(AT_EVENT);
		deliver(pc);
	} else if (sim.cfg.record && sim_turn_over()) {
		if (strategy_plain(candidates(), AT_EVENT) != sim.cur)
			replay_note(sim.cur);
		sim.turn = this_cpu()->ran;
	}
	sim_arm();
}

void sim_choose(uintptr_t pc)
{
	sim_charge();
	sim.pc = pc;
	schedule(AT_EVENT);
	deliver(pc);
	sim_arm();
}

/*
 * The port.
 */

bool sim_irq_save(void)
{
	bool on = this_cpu()->irq_on;

	this_cpu()->irq_on = false;
	if (on && sim.cfg.watch)
		watch_masked();
	return on;
}

void sim_irq_restore(bool enabled)
{
	struct vcpu *v = this_cpu();

	if (!enabled || v->irq_on)
		return;
	if (sim.cfg.watch)
		watch_unmasked();
	v->irq_on = true;
	if (sim_due(sim.cur) <= sim.horizon_ns) {
		sim_charge();
		sim_arm();
	}
	SIM_EVENT(SIM_PC);
}

void sim_hint(unsigned cpu)
{
	struct rng *r = &sim.rng[RNG_HINT];
	uint64_t at = sim_now_ns() + sim.cfg.hint_ns +
		      rng_below(r, 1u << rng_below(r, HINT_NS_BITS + 1));

	if (cpu >= sim.cfg.cpus || !started(cpu))
		return; /* as on a real bus: nobody is there */
	if (sim_faults && fault_hint(cpu, &at))
		return;
	sim.cpu[cpu].hint_at = least(sim.cpu[cpu].hint_at, at);
	if (at <= sim.horizon_ns && (sim.halted & CPU_BIT(cpu) || cpu == sim.cur)) {
		sim_charge();
		sim_arm();
	}
}

void sim_timer_set(uint64_t deadline_ns)
{
	uint64_t late;

	sim_charge();
	if (sim_faults)
		fault_machine();
	if (deadline_ns != SIM_NEVER) {
		deadline_ns -= least(deadline_ns, sim.skew_ns);
		deadline_ns = deadline_ns > sim.clock_ns ? deadline_ns : sim.clock_ns;
		deadline_ns += rng_below(&sim.rng[RNG_TIMER], TIMER_LATE_NS);
		deadline_ns += fault_strikes(FAULT_TIMER_LATE, &late) ? late : 0;
	}
	this_cpu()->timer_at = deadline_ns;
	sim_arm();
}

void sim_relax(void)
{
	sim_charge();
	charge_events(RELAX_EVENTS);
	sim.events++;
	sim.pc = SIM_PC;
	devices_run();
	check_limits();
	deliver(SIM_PC);
	this_cpu()->ran++;
	schedule(AT_RELAX);
	deliver(SIM_PC);
	sim_arm();
}

void sim_idle(void)
{
	uintptr_t pc = (uintptr_t)arch_idle_halt + 1;

	sim_charge();
	sim.pc = pc;
	if (sim.cfg.watch) {
		locks_none("when its CPU halts", SIM_PC);
		watch_unmasked();
	}
	this_cpu()->irq_on = true;
	devices_run();
	if (!pending(sim.cur)) {
		this_cpu()->ran++;
		sim_set_busy(sim.cur, false);
		do
			schedule(AT_HALT);
		while (!pending(sim.cur));
		sim_set_busy(sim.cur, true);
	}
	deliver(pc);
	this_cpu()->irq_on = false;
	if (sim.cfg.watch)
		watch_masked();
	sim_arm();
}

void sim_spend(uint64_t events)
{
	sim_charge();
	charge_events(events);
	devices_run();
	sim_arm();
}

static void start_cpu(uintptr_t cpu)
{
	sim_entry_cpu((unsigned)cpu);
}

int sim_cpu_start(unsigned cpu, void *stack_top)
{
	struct vcpu *v = &sim.cpu[cpu];
	uint64_t skew_ns;

	if (cpu >= sim.cfg.cpus || started(cpu))
		return -1;
	sim_charge();
	v->sp = fiber_prepare(stack_top, start_cpu, cpu);
	v->progress = this_cpu()->progress;
	if (fault_strikes(FAULT_CLOCK_SKEW, &skew_ns))
		v->skew_ns = skew_ns;
	if (sim.cfg.watch)
		watch_cpu_start(cpu);
	sim_set_busy(cpu, true);
	sim_arm();
	return 0;
}
