/* Reading a trace as operations, and changing it so that no machine could have made it. */
#include "accept.h"

static usize ops_n;

int fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return 2;
}

static const void *writable_copy(const void *payload, usize bytes)
{
	void *copy = malloc(bytes + 8);

	if (!copy)
		abort();
	return memcpy(copy, payload, bytes);
}

/* The operation that the event belongs to: the one that was read last, or a new one. */
static struct op *op_for(struct op *ops, bool has_seq, u32 seq)
{
	for (usize i = ops_n; has_seq && i-- > 0 && ops[i].seq + 64 > seq;)
		if (ops[i].has_seq && ops[i].seq == seq)
			return &ops[i];
	return &ops[ops_n++];
}

static void read_event(struct op *ops, const struct trace_event *e)
{
	u32 seq = 0;
	bool has_seq = event_seq(e, &seq);
	struct op *o = op_for(ops, has_seq, seq);

	if (o->n == OP_EVENTS)
		unknown("so long an operation");
	if (e->cpu >= CPUS)
		unknown("so many CPUs");
	o->event[o->n] = *e;
	o->event[o->n++].payload = writable_copy(e->payload, e->bytes);
	o->cpu = e->cpu;
	o->seq = seq;
	o->has_seq = has_seq;
}

static const struct trace_event *find(const struct op *o, unsigned id)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->event[i].id == id && !o->dropped)
			return &o->event[i];
	return NULL;
}

struct op *read_trace(const char *dir)
{
	static struct trace t;
	char err[512];
	struct op *ops;
	struct merge merge;
	struct trace_event e;
	u32 expected = 1;

	if (trace_load(&t, dir, err, sizeof err)) {
		fprintf(stderr, "accept: %s\n", err);
		exit(2);
	}
	if (!t.from_start || t.discarded || t.faults_n) {
		fprintf(stderr, "accept: %s: the trace is not complete\n", dir);
		exit(2);
	}
	ops = calloc(t.events + 1, sizeof *ops);
	if (!ops)
		abort();
	merge_begin(&merge, &t);
	while (merge_next(&merge, &e))
		read_event(ops, &e);
	/* Where the machine stopped, CPUs were between taking a number and recording all of it. */
	for (struct op *o = ops; o->n; o++) {
		if (!o->has_seq)
			continue;
		if (o->seq != expected++ ||
		    (find(o, TRACE_EV_SCHED_DECISION) && !find(o, TRACE_EV_SCHED_SWITCH)) ||
		    (find(o, TRACE_EV_SCHED_RELEASE) && !find(o, TRACE_EV_SCHED_WAKEUP)))
			o->n = 0;
	}
	return ops;
}

#define PAYLOAD(o, id, name)                                                                       \
	((struct trace_##name *)(uptr)(find(o, id) ? find(o, id)->payload : NULL))

static struct trace_sched_switch *switch_to_task(struct op *o)
{
	struct trace_sched_switch *s = PAYLOAD(o, TRACE_EV_SCHED_SWITCH, sched_switch);

	return s && s->next_tid ? s : NULL;
}

/* Two CPUs, one after the other, get each other's task. */
static bool swap(struct op *o)
{
	struct trace_sched_switch *one = switch_to_task(o), *other = NULL;
	i32 tid;

	for (struct op *p = o + 1; one && p->n && !other; p++)
		if ((other = switch_to_task(p)) &&
		    (p->cpu == o->cpu || other->next_tid == one->next_tid))
			return false;
	if (!one || !other)
		return false;
	tid = one->next_tid;
	one->next_tid = other->next_tid;
	other->next_tid = tid;
	return true;
}

static bool drop_wake(struct op *o)
{
	struct trace_sched_wakeup *w = PAYLOAD(o, TRACE_EV_SCHED_WAKEUP, sched_wakeup);
	struct trace_sched_switch *s;

	if (!w || w->result != TRACE_wake_result_released)
		return false;
	for (struct op *p = o + 1; p->n;
	     p++) /* who is woken has a CPU later, or nothing shows it */
		if ((s = switch_to_task(p)) && s->next_tid == w->tid)
			return o->dropped = true;
	return false;
}

static bool two_owners(struct op *o)
{
	struct trace_worker_switch *w = PAYLOAD(o, TRACE_EV_WORKER_SWITCH, worker_switch), *v;

	if (!w || !w->from_worker)
		return false;
	for (struct op *p = o + 1; p->n; p++)
		if (p->cpu != o->cpu && (v = PAYLOAD(p, TRACE_EV_WORKER_SWITCH, worker_switch))) {
			w->to_worker = v->from_worker; /* it is on it still */
			return v->from_worker;
		}
	return false;
}

/* Another of those that wait is taken. */
static bool wrong_pick(struct op *o)
{
	struct trace_sched_switch *s = switch_to_task(o);
	const struct trace_sched_decision *d = PAYLOAD(o, TRACE_EV_SCHED_DECISION, sched_decision);

	for (unsigned i = 0; s && d && i < d->candidates_len; i++) {
		const struct trace_candidate *c = (const struct trace_candidate *)(d + 1) + i;

		if (c->tid != s->next_tid && !(c->flags & 1)) {
			s->next_tid = c->tid;
			return true;
		}
	}
	return false;
}

static bool drop_hint(struct op *o)
{
	struct trace_sched_hint *h = PAYLOAD(o, TRACE_EV_SCHED_HINT, sched_hint);

	return h && h->number && (o->dropped = true);
}

static bool wrong_target(struct op *o)
{
	struct trace_sched_hint *h = PAYLOAD(o, TRACE_EV_SCHED_HINT, sched_hint);

	if (!h || !h->number || CPUS < 2)
		return false;
	h->target_cpu = (h->target_cpu + 1) % CPUS;
	return true;
}

static bool wrong_end(struct op *o)
{
	struct trace_sched_enqueue *q = PAYLOAD(o, TRACE_EV_SCHED_ENQUEUE, sched_enqueue);

	if (!q || (q->why != TRACE_enqueue_why_preempt && q->why != TRACE_enqueue_why_quantum))
		return false;
	q->at_head ^= 1;
	return true;
}

/* A look spends a hint that was never given. */
static bool spends_more(struct op *o)
{
	struct trace_sched_look *l = PAYLOAD(o, TRACE_EV_SCHED_LOOK, sched_look);

	if (l)
		l->hinted++;
	return l;
}

void doctor(struct op *ops, const char *kind, unsigned number)
{
	static const struct {
		const char *name;
		bool (*change)(struct op *);
	} kinds[] = {{"swapped-dispatches", swap}, {"dropped-wake", drop_wake},
		     {"two-owners", two_owners},   {"wrong-pick", wrong_pick},
		     {"dropped-hint", drop_hint},  {"wrong-target", wrong_target},
		     {"wrong-end", wrong_end},     {"unknown-hint", spends_more}};

	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		for (struct op *o = ops; o->n && !strcmp(kind, kinds[i].name); o++)
			if (o - ops >= number && kinds[i].change(o))
				return;
	printf("there is no such place\n");
	exit(2);
}

const struct trace_event *part(const struct op *o, unsigned id)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->event[i].id == id)
			return &o->event[i];
	return NULL;
}

void print_state(const struct model *s, const struct slot *slots)
{
	static const char *const phase[] = {"runs",
					    "begins to look",
					    "takes",
					    "takes",
					    "hints for a yielded task",
					    "settles",
					    "tells that it settled",
					    "queues the one it left",
					    "hints for the one it left",
					    "hints for the one it woke",
					    "plugs"};

	printf("  ");
	for (unsigned c = 0; c < CPUS; c++) {
		printf("CPU %u %s", c, phase[s->phase[c]]);
		if (s->running[c] != NOBODY)
			printf(" task %d", slots[s->running[c]].tid);
		if (s->giving[c] != NOBODY)
			printf(", hints %u", s->giving[c]);
		printf("%s; ", s->out[c] ? ", out" : "");
	}
	printf("waiting, in order of arrival:");
	for (unsigned i = 0; i < s->queued; i++)
		printf(" %d", slots[s->order[i]].tid);
	printf("\n");
}

unsigned slot_of(const struct slot *slots, i32 tid)
{
	for (unsigned t = 0; t < TASKS; t++)
		if (tid && slots[t].tid == tid)
			return t;
	return NOBODY;
}

/* WORKER_SWITCH is no step of the model. */
bool is_step(const struct op *o)
{
	return o->has_seq && !o->dropped && o->event[0].id != TRACE_EV_WORKER_SWITCH;
}

void link_ops(struct op *ops, struct op **next_op)
{
	struct op *last[CPUS] = {NULL};

	for (struct op *o = ops; o->n; o++) {
		if (!is_step(o))
			continue;
		if (last[o->cpu])
			last[o->cpu]->next = o;
		else
			next_op[o->cpu] = o;
		last[o->cpu] = o;
	}
}
