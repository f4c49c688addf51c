#include "invariants.h"

#include "inv_rules.h"

static const struct rule rules[] = {
	{"S1", "files and packets", "Each stream is a row of whole packets with possible sizes and times."},
	{"S2", "records", "Each record has a known event, the length of that event, and a time that is "
			  "not before the last one's."},
	{"S4", "packet numbers", "Packets of a CPU follow each other without a gap. (Packets that were "
				 "overwritten before the first are no fault: the ring keeps the newest.)"},
	{"S5", "operation numbers", "Scheduler operations are numbered in the order of the lock: seq never "
				    "goes back, and one operation is on one CPU."},
	{"R1", "the best is chosen", "A CPU takes the most urgent task that may run there: by class, then by key, and among equal "
				     "keys in order of arrival, preempted tasks first."},
	{"R1b", "global order", "After each scheduler operation no waiting task outranks one that runs on "
				"a CPU that it may use, unless a hint is pending or no worker stack was "
				"left for it."},
	{"R2", "deadlines are fixed at release", "A key is fixed at the release and stays; only a task that "
						 "waited is released, or one whose job just ended; a preempted task "
						 "goes before its equals, every other behind them."},
	{"R3", "one queue", "A runnable task is in exactly one run queue, a running one in none and on one "
			    "CPU, and a CPU takes only a task that is queued."},
	{"R5", "one interrupt", "A wake-up sends at most one interrupt."},
	{"R6", "no wake-up is lost", "A task that is woken while it runs or is ready is polled again before "
				     "it waits."},
	{"R7", "work conservation", "No CPU idles while a task that may run there is queued and no hint is "
				    "pending, and no interrupt strikes between enabling interrupts and "
				    "halting."},
	{"R8", "stacks", "A task is queued only after its stack was left, and a stack that a CPU is on is "
			 "entered by no other."},
	{"R11", "decisions", "Each recorded decision names the task that the CPU then takes."},
	{"A", "affinity", "A CPU takes no task that may not run there, and is hinted for none."},
	{"J", "jobs and polls", "A job that ends is the one released last, jobs are numbered without gap, "
				"and the polls of a task follow each other on the CPU that runs it."},
	{"D", "DAGs", "Each reactor reacts once to each period that was released, in order, after all that it "
		      "waits for are done with it, in a job that has the period's deadline: the time it was due "
		      "and the sink's; and a period counts as missed when it took longer."},
};

const struct rule *rule_at(unsigned i)
{
	return i < ARRAY_LEN(rules) ? &rules[i] : NULL;
}

static u32 map_size(unsigned tasks)
{
	u32 size = 16;

	while (size < 2 * tasks)
		size *= 2;
	return size;
}

usize inv_arena_bytes(unsigned tasks)
{
	return sizeof(struct inv) + (usize)tasks * (sizeof(struct model_task) + sizeof(u32)) +
	       map_size(tasks) * sizeof(u32);
}

struct inv *inv_begin(void *arena, usize bytes, const struct inv_config *config)
{
	struct inv *v = arena;

	if (!config->tasks || config->tasks > 1u << 20 || bytes < inv_arena_bytes(config->tasks))
		return NULL;
	events_init();
	__builtin_memset(arena, 0, inv_arena_bytes(config->tasks));
	v->config = *config;
	v->tasks = (void *)(v + 1);
	v->queued = (void *)(v->tasks + config->tasks);
	v->map = v->queued + config->tasks;
	v->map_mask = map_size(config->tasks) - 1;
	model_forget(v);
	v->complete = config->from_start;
	for (unsigned c = 0; v->complete && c < CPUS_MAX; c++)
		v->cpus[c].hint_unknown = false;
	return v;
}

/* At the end of an operation nobody may be between a CPU and a queue. */
static void check_limbo(struct inv *v)
{
	for (u32 i = 0; v->limbo && i < v->tasks_n; i++) {
		struct model_task *t = &v->tasks[i];

		if (t->state == MODEL_LIMBO) {
			inv_say(v, "R3", t, "%t left CPU %u as ready, but is in no run queue", t, t->cpu);
			t->state = MODEL_UNKNOWN;
			v->limbo--;
		} else if (t->leaving) {
			inv_say(v, "R3", t, "%t is in a run queue, but CPU %u still runs it", t, t->cpu);
			t->leaving = false;
			v->limbo--;
		}
	}
	v->limbo = 0;
}

static bool hint_pending(const struct inv *v)
{
	for (unsigned c = 0; c < CPUS_MAX; c++)
		if (v->cpus[c].hint || v->cpus[c].hint_unknown)
			return true;
	return false;
}

static void check_cpu(struct inv *v, unsigned cpu, struct model_task *best)
{
	const struct model_cpu *c = &v->cpus[cpu];
	const struct model_task *runs = c->activity == CPU_BUSY ? model_find(v, c->tid) : NULL;

	if (best->reported)
		return;
	if (c->activity == CPU_IDLE) {
		inv_say(v, "R7", best, "CPU %u idles while %t waits in a run queue and no hint is pending",
			cpu, best);
		best->reported = true;
	} else if (runs && runs->key_known && !best->exhausted && model_outranks(best, runs)) {
		inv_say(v, "R1b", best, "%t (%s, key %k) waits while %t (%s, key %k) runs on CPU %u, and "
			"no hint is pending", best, class_name(best->class), best->key, runs,
			class_name(runs->class), runs->key, cpu);
		best->reported = true;
	}
}

static void check_order(struct inv *v)
{
	if (hint_pending(v))
		return;
	v->counts.evaluated++;
	for (unsigned c = 0; v->queued_n && c < CPUS_MAX; c++) {
		struct model_task *best = v->cpus[c].activity ? model_best(v, c) : NULL;

		if (best)
			check_cpu(v, c, best);
	}
}

/* Judges the operation whose events were all seen. Reports carry the time of its last event. */
static void group_end(struct inv *v)
{
	struct trace_event last = {.ticks = v->group_ticks, .cpu = (u16)v->group_cpu,
				   .id = TRACE_EV_SCHED_LOOK, .payload = (const u8 *)&v->seq,
				   .bytes = sizeof(struct trace_sched_look)};
	const struct trace_event *now = v->now;

	if (!v->group_open)
		return;
	v->now = &last; /* a sched_look begins with its seq */
	if (v->limbo)
		check_limbo(v);
	if (v->decision)
		inv_say(v, "R11", NULL, "CPU %u decided, but did not switch", v->group_cpu);
	if (v->group_wake && v->group_ipis > 1)
		inv_say(v, "R5", NULL, "one wake-up sent %u interrupts", v->group_ipis);
	check_order(v);
	v->now = now;
	v->group_open = false;
}

static void group_begin(struct inv *v, u32 seq)
{
	v->seq = seq;
	v->have_seq = v->group_open = true;
	v->group_over = v->group_wake = v->decision = false;
	v->group_ipis = 0;
	v->group_cpu = v->now->cpu;
	v->counts.operations++;
}

static void lose(struct inv *v)
{
	v->counts.losses += v->have_seq;
	model_forget(v);
}

static void on_seq(struct inv *v, u32 seq)
{
	if (!v->have_seq) {
		if (seq > 1)
			model_forget(v);
		group_begin(v, seq);
	} else if (seq == v->seq) {
		if (v->now->cpu != v->group_cpu)
			inv_say(v, "S5", NULL, "operation %u is on CPU %u and on CPU %u", seq, v->group_cpu,
				v->now->cpu);
		v->group_over = false;
	} else if (seq == v->seq + 1) {
		group_end(v);
		group_begin(v, seq);
	} else {
		if ((i32)(seq - v->seq) < 0)
			inv_say(v, "S5", NULL, "operation %u comes after operation %u", seq, v->seq);
		lose(v);
		group_begin(v, seq);
	}
	v->group_ticks = v->now->ticks;
}

void inv_event(struct inv *v, const struct trace_event *e)
{
	u32 seq;

	if (e->cpu >= CPUS_MAX)
		return;
	v->now = e;
	v->counts.events++;
	if (e->after_loss)
		lose(v);
	if (event_seq(e, &seq))
		on_seq(v, seq);
	else if (e->cpu == v->group_cpu)
		v->group_over = true;
	inv_apply(v, e);
	if (e->loss_follows)
		lose(v);
}

void inv_end(struct inv *v)
{
	if (v->group_over)
		group_end(v);
}

const struct inv_counts *inv_counts(const struct inv *v)
{
	return &v->counts;
}
