/*
 * accept: whether the scheduler's model can do what a trace shows.
 *
 * usage: accept DIR [--doctor KIND NUMBER]
 *
 * Each operation that the trace has is a step of the model (sched_model.c), of which the trace says
 * what came of it: who was taken, who was hinted, in whose place somebody was queued. Between them
 * lie steps that leave no trace: a CPU claims a promise before it tells whom it hints, counts the
 * hint behind that, finds nothing. When they were is not known, so what is followed is the set of
 * all states in which the machine may be. The trace is accepted when it never gets empty.
 *
 * With --doctor the trace is changed first, in the first place behind the NUMBERth operation where
 * that can be done; accept_trace.c lists the kinds. Status: 0 accepted, 1 rejected, 2 no trace, or
 * no such place; 3: it holds what the model does not know.
 */
#include "accept.h"

static struct model *set;
static unsigned set_n, set_room;
static struct op *next_op[CPUS]; /* the first of each CPU that was not taken yet */
static usize at_event;

static struct seen_cpu {
	u32 stack;
	i32 next_tid; /* of its last switch */
	bool ready;   /* its last poll ended the task */
	bool was_out;
} seen[CPUS];
static struct slot slots[TASKS];
struct sched_params model_params[TASKS];

static bool add(const struct model *s)
{
	for (unsigned i = 0; i < set_n; i++)
		if (!memcmp(&set[i], s, sizeof *s))
			return false;
	if (set_n == set_room) {
		set_room = set_room ? 2 * set_room : 64;
		set = realloc(set, set_room * sizeof *set);
		if (!set)
			abort();
	}
	memcpy(&set[set_n++], s, sizeof *s);
	return true;
}

_Noreturn void unknown(const char *what)
{
	printf("the model does not know %s\n", what);
	exit(3);
}

/* The hint that CPU c tells of next; NULL: its next operation is something else. */
static const struct trace_sched_hint *hint_next(unsigned c)
{
	const struct op *o = next_op[c];

	return o && o->event[0].id == TRACE_EV_SCHED_HINT ? TRACE_PAYLOAD(&o->event[0], sched_hint)
							  : NULL;
}

static bool lock_free(unsigned c)
{
	return m.locked == NOBODY || m.locked == c;
}

/* A CPU takes, or finds nobody. The trace says so a little later, before the lock is given back if
 * somebody was found. */
static bool takes(unsigned c)
{
	const struct op *o = next_op[c];
	const struct trace_event *e;
	bool found;

	if (!lock_free(c) || step_goes_on(c))
		return false;
	if (!model_shown_n)
		return true;
	found = model_shown[0].task != NOBODY;
	m.switches[c] = 1;
	m.prev[c] = model_shown[0].other;
	m.prev_state[c] = m.prev[c] == NOBODY ? DEAD : m.state[m.prev[c]];
	if (found)
		m.locked = (u8)c;
	if (!o || o->event[0].id == TRACE_EV_CPU_OFFLINE)
		return true;
	e = part(o, TRACE_EV_SCHED_SWITCH);
	return e && (TRACE_PAYLOAD(e, sched_switch)->next_tid != 0) == found;
}

/* The claim that m.giving[c] stands for is the one that the trace tells of. */
static bool claims_as_told(unsigned c)
{
	const struct trace_sched_hint *h = hint_next(c);

	if (m.giving[c] == NOBODY)
		return true;
	if (!h ||
	    (m.giving[c] == NO_HINT ? h->target_cpu != TRACE_NO_CPU : h->target_cpu != m.giving[c]))
		return false;
	return m.giving[c] == NO_HINT || m.sends[c] == h->ipi;
}

/*
 * A look begins before it is told: it reads how many hints there are. It goes by the hints that the
 * trace says it spends. @over: a quantum is over, of which the trace says nothing if the task goes
 * on.
 */
static bool look_begins(unsigned c, bool over)
{
	const struct op *o = next_op[c];
	unsigned t = m.running[c];

	if (!o || o->event[0].id != TRACE_EV_SCHED_LOOK || m.looks[c] ||
	    m.hints[c] != TRACE_PAYLOAD(&o->event[0], sched_look)->hinted)
		return false;
	m.looks[c] = 1;
	if (m.phase[c] == LOOK)
		return !over && !step_goes_on(c);
	if (m.phase[c] != RUN || m.giving[c] != NOBODY || m.coming[c] ||
	    (over && (t == NOBODY || !model_params[t].quantum_ns)))
		return false;
	m.interrupted[c] = 0;
	return !step_interrupted(c, over ? TICK : SPURIOUS) && m.phase[c] == TAKE;
}

/* A step of CPU c, in state m, that leaves no trace; false: there is none. */
static bool hidden_step(unsigned c)
{
	unsigned target = m.giving[c];
	const struct trace_sched_hint *h = hint_next(c);

	model_shown_n = 0;
	if (m.coming[c]) {
		m.coming[c] = 0;
		m.online |= 1ull << c;
		m.idle |= 1ull << c;
		m.promised[c] = RANK_IDLE;
		return true;
	}
	if (m.plugs_out[c] != NOBODY) {
		m.online &= ~(1ull << m.plugs_out[c]);
		m.subject[c] = m.plugs_out[c];
		m.plugs_out[c] = NOBODY;
		m.phase[c] = PLUGGED;
		return true;
	}
	if (target != NOBODY) {
		if (!m.number[c] || m.hints[target] + 1 != m.number[c])
			return false;
		m.hints[target]++;
		m.number[c] = 0;
		return !step_give(c);
	}
	if (m.switches[c] || m.looks[c])
		return false;
	if (m.asks[c])
		return !step_goes_on(c);
	switch (m.phase[c]) {
	case TAKE:
	case TAKE_HELD:
		return takes(c);
	case SETTLE:
		return (!m.spent[c] || lock_free(c)) && !step_goes_on(c) && claims_as_told(c);
	case YIELDED:
	case OTHERS:
	case WOKEN:
	case PLUGGED:
		return !step_goes_on(c) && claims_as_told(c);
	case TELL:
		return !m.spent[c] && m.chose[c] && !step_goes_on(c);
	case RUN: /* a CPU is told to come back; the trace says so behind the hint */
		if (!h || h->tid || h->target_cpu >= CPUS || !m.leaving[h->target_cpu])
			return false;
		return !step_plug(c, h->target_cpu);
	default:
		return false;
	}
}

/* Adds all states that steps without a trace lead to. */
static void close_set(void)
{
	for (unsigned i = 0; i < set_n; i++)
		for (unsigned way = 0; way < 3 * CPUS; way++) {
			unsigned c = way / 3;

			memcpy(&m, &set[i], sizeof m);
			if (way % 3 == 0 ? hidden_step(c) : look_begins(c, way % 3 == 2))
				add(&m);
		}
}

static _Noreturn void reject(const struct trace_event *e, const char *why)
{
	const struct event_layout *l = event_layout(e->id);
	u32 seq = 0;

	(void)event_seq(e, &seq);
	printf("rejected at event %zu, CPU %u, seq %u, %s: %s\n", at_event, e->cpu, seq, l->name,
	       why);
	for (unsigned i = 0; i < l->n; i++)
		if (l->fields[i].kind == FIELD_INT)
			printf("  %s %lld\n", l->fields[i].name,
			       (long long)field_value(&l->fields[i], e->payload));
	printf("in none of the %u states in which the machine may be before it, such as\n", set_n);
	for (unsigned i = 0; i < set_n && i < 4; i++)
		print_state(&set[i], slots);
	exit(1);
}

/* From here: each returns whether state m can take the step that the operation tells of, and takes
 * it. */

static bool runs(unsigned c)
{
	return m.phase[c] == RUN && m.giving[c] == NOBODY && m.locked == NOBODY && !m.coming[c];
}

/* A task notes itself without the lock. */
static bool may_note(unsigned c)
{
	return m.phase[c] == RUN && m.giving[c] == NOBODY;
}

static bool wakes(const struct op *o)
{
	const struct trace_sched_wakeup *w =
		TRACE_PAYLOAD(part(o, TRACE_EV_SCHED_WAKEUP), sched_wakeup);
	const struct trace_event *r = part(o, TRACE_EV_SCHED_RELEASE),
				 *q = part(o, TRACE_EV_SCHED_ENQUEUE);
	unsigned t = slot_of(slots, w->tid);
	u64 from_ns;

	if (w->result == TRACE_wake_result_dead)
		return t == NOBODY || m.state[t] == DEAD;
	if (t == NOBODY || !(m.running[o->cpu] == t ? may_note(o->cpu) : runs(o->cpu)) ||
	    (m.state[t] == WAITING) != (w->result == TRACE_wake_result_released) ||
	    m.state[t] == DEAD)
		return false;
	if (m.state[t] != WAITING)
		return !step_wake(o->cpu, t, 0);
	if (!r || !q)
		return false;
	from_ns = TRACE_PAYLOAD(r, sched_release)->deadline_ns - model_params[t].deadline_ns;
	if (!model_params[t].deadline_ns)
		from_ns = TRACE_PAYLOAD(r, sched_release)->release_ns;
	return !step_wake(o->cpu, t, from_ns) && m.key[t] == TRACE_PAYLOAD(q, sched_enqueue)->key;
}

static bool looks(const struct op *o)
{
	bool began = m.looks[o->cpu];

	m.looks[o->cpu] = 0;
	return began;
}

static bool switches(const struct op *o)
{
	const struct trace_sched_switch *s =
		TRACE_PAYLOAD(part(o, TRACE_EV_SCHED_SWITCH), sched_switch);
	unsigned c = o->cpu, prev;

	prev = m.prev[c];
	if (!m.switches[c] || prev != slot_of(slots, s->prev_tid) ||
	    m.running[c] != slot_of(slots, s->next_tid))
		return false;
	m.switches[c] = 0;
	if (m.locked == c)
		m.locked = NOBODY;
	switch (s->why) {
	case TRACE_switch_why_preempted:
		return m.at_head[c] && m.left[c] == prev;
	case TRACE_switch_why_quantum:
		return !m.at_head[c] && m.left[c] == prev;
	case TRACE_switch_why_unfit:
		return m.left[c] == prev && m.goes[c];
	case TRACE_switch_why_blocked:
		return m.prev_state[c] == WAITING;
	case TRACE_switch_why_exited:
		return m.prev_state[c] == DEAD;
	case TRACE_switch_why_yielded:
		return m.prev_state[c] == READY || m.prev_state[c] == RUNNING;
	default:
		return prev == NOBODY;
	}
}

static bool hints(const struct op *o)
{
	const struct trace_sched_hint *h = TRACE_PAYLOAD(&o->event[0], sched_hint);
	unsigned c = o->cpu;

	if (m.giving[c] == NOBODY || m.number[c] || !claims_as_told(c))
		return false;
	if (m.phase[c] == RUN && m.subject[c] != NOBODY && h->tid &&
	    slot_of(slots, h->tid) != m.subject[c])
		return false;
	m.number[c] = h->number;
	return m.giving[c] != NO_HINT || !step_give(c);
}

static bool queues(const struct op *o)
{
	const struct trace_sched_enqueue *q =
		TRACE_PAYLOAD(part(o, TRACE_EV_SCHED_ENQUEUE), sched_enqueue);
	unsigned c = o->cpu, t = slot_of(slots, q->tid);

	model_shown_n = 0;
	if (!lock_free(c) || m.giving[c] != NOBODY)
		return false;
	if (q->why == TRACE_enqueue_why_yield) {
		if (!runs(c) || m.running[c] != t || !m.noted[t] || step_poll_ends(c, WAITS))
			return false;
		return m.key[t] == q->key;
	}
	if (q->at_head != (q->why == TRACE_enqueue_why_preempt) || m.phase[c] != ARRIVE ||
	    m.left[c] != t || m.at_head[c] != q->at_head)
		return false;
	return !step_goes_on(c) && m.key[t] == q->key;
}

static bool ends(const struct op *o)
{
	const struct trace_sched_job_done *d =
		TRACE_PAYLOAD(part(o, TRACE_EV_JOB_DONE), sched_job_done);
	unsigned c = o->cpu, t = slot_of(slots, d->tid);

	if (!runs(c) || t == NOBODY || m.running[c] != t || (m.noted[t] && !seen[c].ready))
		return false;
	return !step_poll_ends(c, seen[c].ready ? ENDS : WAITS);
}

static bool settled(const struct op *o)
{
	unsigned c = o->cpu;

	return m.phase[c] == TELL && m.giving[c] == NOBODY && (m.spent[c] || !m.chose[c]) &&
	       !step_goes_on(c);
}

static bool told_to_leave(const struct op *o)
{
	const struct trace_cpu_leaves *l = TRACE_PAYLOAD(&o->event[0], cpu_leaves);

	if (!l->leaves)
		return !m.leaving[l->cpu];
	if (!may_note(o->cpu) || m.leaving[l->cpu])
		return false;
	m.leaving[l->cpu] = 1;
	m.plugs_out[o->cpu] = (u8)l->cpu;
	return true;
}

static bool leaves_out(const struct op *o)
{
	return m.goes[o->cpu] && !m.asks[o->cpu] && m.phase[o->cpu] != RUN;
}

/* The step that the operation tells of, by its first event. */
static bool (*step_for(const struct op *o))(const struct op *)
{
	if (part(o, TRACE_EV_SCHED_WAKEUP))
		return wakes;
	if (part(o, TRACE_EV_SCHED_SWITCH))
		return switches;
	if (part(o, TRACE_EV_SCHED_ENQUEUE))
		return part(o, TRACE_EV_SCHED_RELEASE) ? NULL : queues;
	switch (o->event[0].id) {
	case TRACE_EV_SCHED_LOOK:
		return looks;
	case TRACE_EV_SCHED_HINT:
		return hints;
	case TRACE_EV_JOB_DONE:
		return ends;
	case TRACE_EV_SCHED_SETTLED:
		return settled;
	case TRACE_EV_CPU_LEAVES:
		return told_to_leave;
	case TRACE_EV_CPU_OFFLINE:
		return leaves_out;
	default:
		return NULL;
	}
}

/* Keeps the states that can take the step, behind it. */
static void filter(const struct trace_event *e, bool (*step)(const struct op *), const struct op *o,
		   const char *why)
{
	struct model *before;
	unsigned n;

	close_set();
	before = set;
	n = set_n;
	set = NULL;
	set_n = set_room = 0;
	for (unsigned i = 0; i < n; i++) {
		memcpy(&m, &before[i], sizeof m);
		model_shown_n = 0;
		if (step(o))
			add(&m);
	}
	if (!set_n) {
		set = before;
		set_n = n;
		reject(e, why);
	}
	free(before);
}

/* Stacks belong to one CPU, or to one suspended poll. */
static void change_stack(const struct op *o)
{
	const struct trace_worker_switch *w = TRACE_PAYLOAD(&o->event[0], worker_switch);
	unsigned frozen = slot_of(slots, w->frozen_tid),
		 next = slot_of(slots, seen[o->cpu].next_tid);

	if (w->from_worker != seen[o->cpu].stack)
		reject(&o->event[0], "the CPU is not on the stack that it leaves");
	for (unsigned c = 0; c < CPUS; c++)
		if (seen[c].stack == w->to_worker)
			reject(&o->event[0], "a CPU is on the stack that is entered");
	for (unsigned t = 0; t < TASKS; t++)
		if (slots[t].stack == w->to_worker && t != next)
			reject(&o->event[0],
			       "another task's poll is suspended on the stack that is entered");
	if (next != NOBODY && slots[next].stack && slots[next].stack != w->to_worker)
		reject(&o->event[0], "the poll that goes on is suspended on another stack");
	if (next != NOBODY)
		slots[next].stack = 0;
	if (frozen != NOBODY)
		slots[frozen].stack = w->from_worker;
	seen[o->cpu].stack = w->to_worker;
}

static void apply_op(const struct op *o)
{
	bool (*step)(const struct op *) = step_for(o);
	const struct trace_event *switched = part(o, TRACE_EV_SCHED_SWITCH);

	if (o->event[0].id == TRACE_EV_WORKER_SWITCH) {
		change_stack(o);
		return;
	}
	if (!step)
		unknown(event_layout(o->event[0].id)->name);
	if (part(o, TRACE_EV_SCHED_AFFINITY) && step == wakes) {
		const struct trace_sched_affinity *a =
			TRACE_PAYLOAD(part(o, TRACE_EV_SCHED_AFFINITY), sched_affinity);

		model_params[slot_of(slots, a->tid)].cpus = a->cpus;
	}
	filter(switched ? switched : &o->event[0], step, o, "the model cannot do that");
	if (switched)
		seen[o->cpu].next_tid = TRACE_PAYLOAD(switched, sched_switch)->next_tid;
}

/* Events that are no operations. */

static unsigned here, here_task;

static bool polls(const struct op *o)
{
	(void)o;
	return m.phase[here] == RUN && m.giving[here] == NOBODY && m.running[here] == here_task;
}

static bool comes(const struct op *o)
{
	(void)o;
	if (m.out[here] || m.online >> here & 1)
		return true; /* it was out of scheduling */
	m.coming[here] = 1;
	return true;
}

static bool forgets(const struct op *o)
{
	(void)o;
	m.state[here_task] = WAITING;
	m.noted[here_task] = m.owed[here_task] = m.last[here_task] = m.suspended[here_task] = 0;
	m.key[here_task] = 0;
	return true;
}

/* And nothing is to be told of it any more. */
static bool is_dead(unsigned t)
{
	for (unsigned i = 0; i < set_n && slots[t].tid; i++) {
		const struct model *s = &set[i];

		for (unsigned c = 0; c < CPUS; c++)
			if (s->subject[c] == t || (s->switches[c] && s->prev[c] == t))
				return false;
		if (s->state[t] != DEAD)
			return false;
	}
	return true;
}

static void spawned(const struct trace_event *e)
{
	const struct trace_sched_process_fork *f = TRACE_PAYLOAD(e, sched_process_fork);

	here_task = 0;
	while (here_task < TASKS && !is_dead(here_task))
		here_task++;
	if (here_task == TASKS)
		unknown("so many tasks");
	if (f->budget_ns ||
	    (f->class != SCHED_CEDF && f->class != SCHED_EDF && f->class != SCHED_FIFO &&
	     f->class != SCHED_RR && f->class != SCHED_PANICKED))
		unknown("servers and classes with shares");
	slots[here_task] = (struct slot){.tid = f->child_tid};
	model_params[here_task] = (struct sched_params){.class = f->class,
							.level = f->prio,
							.deadline_ns = f->deadline_ns,
							.quantum_ns = f->quantum_ns};
	filter(e, forgets, NULL, "");
}

static void apply_event(const struct trace_event *e)
{
	here = e->cpu;
	switch (e->id) {
	case TRACE_EV_TASK_SPAWN:
		spawned(e);
		break;
	case TRACE_EV_CPU_ONLINE:
		filter(e, comes, NULL, "");
		break;
	case TRACE_EV_POLL_BEGIN:
		if (TRACE_PAYLOAD(e, async_poll_begin)->worker != seen[here].stack)
			reject(e, "the CPU is on another stack");
		here_task = slot_of(slots, TRACE_PAYLOAD(e, async_poll_begin)->tid);
		filter(e, polls, NULL, "the model's CPU does not run this task");
		break;
	case TRACE_EV_POLL_END:
		seen[here].ready =
			TRACE_PAYLOAD(e, async_poll_end)->result == TRACE_poll_result_ready;
		here_task = slot_of(slots, TRACE_PAYLOAD(e, async_poll_end)->tid);
		filter(e, polls, NULL, "the model's CPU does not run this task");
		break;
	case TRACE_EV_CPU_IDLE:
		here_task = NOBODY;
		if (TRACE_PAYLOAD(e, power_cpu_idle)->state == 1)
			filter(e, polls, NULL, "the model's CPU does not go idle");
		break;
	case TRACE_EV_PANIC:
		unknown("a panic of the kernel");
	default:
		break;
	}
}

static void begin(void)
{
	runqueue_init(1);
	memset(&m, 0, sizeof m);
	m.locked = NOBODY;
	for (unsigned c = 0; c < CPUS; c++)
		m.running[c] = m.left[c] = m.subject[c] = m.giving[c] = m.plugs_out[c] = NOBODY;
	for (unsigned t = 0; t < TASKS; t++)
		m.state[t] = DEAD;
	add(&m);
}

int main(int argc, char **argv)
{
	struct op *ops;
	usize steps = 0;
	unsigned most = 0;

	if (argc != 2 && !(argc == 5 && !strcmp(argv[2], "--doctor"))) {
		fprintf(stderr, "usage: accept DIR [--doctor KIND NUMBER]\n");
		return 2;
	}
	ops = read_trace(argv[1]);
	if (argc == 5)
		doctor(ops, argv[3], (unsigned)atoi(argv[4]));
	begin();
	link_ops(ops, next_op);
	for (struct op *o = ops; o->n; o++, at_event++) {
		if (o->dropped)
			continue;
		if (o->has_seq)
			apply_op(o);
		else
			apply_event(&o->event[0]);
		if (is_step(o))
			next_op[o->cpu] = o->next;
		steps += o->has_seq;
		most = MAX(most, set_n);
	}
	printf("accepted: %zu operations, at most %u states at a time\n", steps, most);
	return 0;
}
