#include "inv_model.h"

static const struct rule rules[RULES] = {
	[RULE_S1] = {"S1", "files and packets",
		"Each stream is a row of whole packets with possible sizes and times."},
	[RULE_S2] = {"S2", "records",
		"Each record has a known event, the length of that event, and a time that is not before the "
		"last one's."},
	[RULE_S4] = {"S4", "packet numbers",
		"Packets of a CPU follow each other without a gap. (Packets that were overwritten before the "
		"first are no fault: the ring keeps the newest.)"},
	[RULE_S5] = {"S5", "operation numbers",
		"Scheduler operations are numbered in their order: seq never goes back, and one operation is "
		"on one CPU."},
	[RULE_R1] = {"R1", "the best is chosen",
		"A CPU takes the most urgent of the tasks that may run there and were queued before it began "
		"to look: by class, then by key, and among equal keys in order of arrival, preempted tasks "
		"first."},
	[RULE_R1B] = {"R1b", "global order",
		"When no CPU is in the middle of an operation and no hint is pending, no waiting task outranks "
		"one that runs on a CPU that it may use, unless no worker stack was left for it."},
	[RULE_R2] = {"R2", "deadlines are fixed at release",
		"A key is fixed at the release and stays; only a task that waited, or whose job just ended, is "
		"released; a preempted task goes before its equals, every other behind them, in one order over all queues."},
	[RULE_R3] = {"R3", "one queue",
		"A runnable task is in exactly one run queue, a running one in none and on one CPU, a CPU takes "
		"only a task that is queued, and queues the one it preempted before it does anything else."},
	[RULE_R5] = {"R5", "one interrupt", "A wake-up sends at most one interrupt."},
	[RULE_R6] = {"R6", "no wake-up is lost",
		"A task that is woken while it runs or is ready is polled again before it waits."},
	[RULE_R7] = {"R7", "work conservation",
		"No CPU idles while a task that may run there is queued and no hint is pending, and no interrupt "
		"strikes between enabling interrupts and halting."},
	[RULE_R8] = {"R8", "stacks",
		"A task is queued only after its stack was left, and a stack that a CPU is on is entered by no "
		"other."},
	[RULE_R11] = {"R11", "decisions", "Each recorded decision names the task that the CPU then takes."},
	[RULE_A] = {"A", "affinity", "A CPU takes no task that may not run there, and is hinted for none."},
	[RULE_H] = {"H", "hints",
		"Who queues a task finds a CPU to look, or that none needs to, before anything else; and a hint "
		"is seen by the next look of its CPU."},
	[RULE_J] = {"J", "jobs and polls",
		"A job that ends is the one released last, jobs are numbered without gap, and the polls of a "
		"task follow each other on the CPU that runs it."},
	[RULE_D] = {"D", "DAGs",
		"Each reactor reacts once to each period that was released, in order, after all that it waits "
		"for are done with it, in a job that has the period's deadline: the time it was due and the "
		"sink's; and a period counts as missed when it took longer."},
	[RULE_P1] = {"P1", "deadlines", "EDF: a job's deadline is its release and the relative deadline."},
	[RULE_P2] = {"P2", "who takes a CPU",
		"A task is preempted only by one that outranks it; at the end of its quantum it gives way to "
		"equals too."},
	[RULE_P3] = {"P3", "turns",
		"Round robin: a turn lasts a quantum, however often it is preempted; no look after it leaves "
		"the CPU to the task while an equal waits."},
	[RULE_P4] = {"P4", "virtual deadlines",
		"Fair: keys are what service and weights make them, and of the requests that may be served the "
		"first one due is."},
	[RULE_P5] = {"P5", "lag",
		"Fair, on one CPU: nobody is ahead of its share by more than its request, nor behind by more "
		"than the longest, while nobody comes or goes."},
	[RULE_P6] = {"P6", "levels",
		"MLFQ: a task goes a level down when it has used what its level allows, and up only with a "
		"boost."},
	[RULE_P7] = {"P7", "passes", "Stride: a pass is the service received over the tickets."},
	[RULE_P8] = {"P8", "draws",
		"Lottery: each draw is the next one of the run's seed, over the tickets, and the first finish "
		"wins."},
	[RULE_P9] = {"P9", "servers",
		"EDF: a task with a budget is queued by its server's deadline, which moves on by a period for "
		"each budget that it uses; a hard server waits until then."},
	[RULE_P10] = {"P10", "misses", "A job that ended after its deadline is said to have missed it, by as much; no other is."},
	[RULE_P11] = {"P11", "charges", "A task is charged for what it ran since it took the CPU or was charged last."},
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
	v->flat = 1ull << TRACE_sched_class_fair | 1ull << TRACE_sched_class_lottery |
		  1ull << TRACE_sched_class_stride;
	v->own_order = 1ull << TRACE_sched_class_fair;
	while (v->cpus_n < CPUS_MAX && config->cpus >> v->cpus_n)
		v->cpus_n++;
	model_forget(v);
	v->complete = config->from_start;
	for (unsigned c = 0; v->complete && c < CPUS_MAX; c++)
		v->cpus[c].hint_unknown = v->cpus[c].unseen = false;
	return v;
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
	cpus_check(v);
	v->now = now;
	v->group_open = false;
}

static void group_begin(struct inv *v, u32 seq)
{
	v->seq = seq;
	v->have_seq = v->group_open = true;
	v->group_over = false;
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
			inv_say(v, RULE_S5, NULL, "operation %u is on CPU %u and on CPU %u", seq, v->group_cpu,
				v->now->cpu);
		v->group_over = false;
	} else if (seq == v->seq + 1) {
		v->counts.judged[RULE_S5]++;
		group_end(v);
		group_begin(v, seq);
	} else {
		if (seq_before(seq, v->seq))
			inv_say(v, RULE_S5, NULL, "operation %u comes after operation %u", seq, v->seq);
		lose(v);
		group_begin(v, seq);
	}
	v->group_ticks = v->now->ticks;
}

void inv_event(struct inv *v, const struct trace_event *e)
{
	u32 seq = 0;
	bool has_seq;

	if (e->cpu >= CPUS_MAX)
		return;
	v->now = e;
	v->counts.events++;
	if (e->after_loss)
		lose(v);
	has_seq = event_seq(e, &seq);
	if (has_seq)
		on_seq(v, seq);
	else if (e->cpu == v->group_cpu)
		v->group_over = true;
	cpu_goes_on(v, has_seq, seq);
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
