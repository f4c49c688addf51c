#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "invariants.h"

#define TASKS_TRACKED (1u << 16)

struct report {
	const struct trace *trace;
	u64 shown, max;
};

static void show(void *ctx, const struct violation *v)
{
	struct report *r = ctx;
	u64 ns = trace_ns(r->trace, v->ticks);

	if (r->shown++ >= r->max)
		return;
	printf("%s at " TIME_FMT " CPU %u", v->rule, TIME_ARG(ns), v->cpu);
	if (v->has_seq)
		printf(" seq %u", v->seq);
	printf(": %s\n", v->text);
}

static void show_faults(struct report *r)
{
	for (usize i = 0; i < r->trace->faults_n; i++) {
		const struct fault *f = &r->trace->faults[i];
		u64 ns = trace_ns(r->trace, f->ticks);

		if (r->shown++ < r->max)
			printf("%s at " TIME_FMT " CPU %u: %s\n", f->rule, TIME_ARG(ns), f->cpu, f->text);
	}
	r->shown += r->trace->faults_more;
}

static int list_rules(void)
{
	const struct rule *r;

	for (unsigned i = 0; (r = rule_at(i)) != NULL; i++)
		printf("%-4s %-30s %s\n", r->id, r->title, r->meaning);
	return EXIT_CLEAN;
}

/* What the reader judged, by the rules' ids. */
static u64 judged_by_reader(const struct trace *t, const char *id)
{
	u64 packets = 0;

	for (unsigned i = 0; i < t->n; i++)
		packets += t->streams[i].n;
	if (!strcmp(id, "S1") || !strcmp(id, "S4"))
		return packets;
	return strcmp(id, "S2") ? 0 : t->events;
}

/* How often each rule was put to the test: a clean trace says nothing of a rule that was not. */
static void evaluations(const struct trace *t, const struct inv_counts *c)
{
	const struct rule *r;
	bool some = false;

	printf("judged:");
	for (unsigned i = 0; (r = rule_at(i)) != NULL; i++) {
		u64 n = c->judged[i] + judged_by_reader(t, r->id);

		if (n)
			printf(" %s %llu", r->id, (unsigned long long)n);
		some |= !n;
	}
	printf(some ? "\nnever judged:" : "");
	for (unsigned i = 0; (r = rule_at(i)) != NULL; i++)
		if (!c->judged[i] && !judged_by_reader(t, r->id))
			printf(" %s", r->id);
	putchar('\n');
}

static void summary(const struct trace *t, const struct inv_counts *c, u64 violations)
{
	printf("%llu events of %u CPUs, %llu scheduler operations (%llu judged with no hint pending)\n",
	       (unsigned long long)c->events, t->n, (unsigned long long)c->operations,
	       (unsigned long long)c->evaluated);
	printf("%llu jobs done, %llu missed their deadline; %llu wake-ups noted; %llu switches to tasks "
	       "on CPU 0\n", (unsigned long long)c->jobs, (unsigned long long)c->misses,
	       (unsigned long long)c->notes, (unsigned long long)c->cpu0_switches);
	if (t->overwritten_packets)
		printf("note: %llu packets were overwritten by newer ones\n",
		       (unsigned long long)t->overwritten_packets);
	if (t->discarded)
		printf("note: %llu events were not recorded\n", (unsigned long long)t->discarded);
	if (c->losses)
		printf("note: operations are missing in %llu places; what they did is not judged\n",
		       (unsigned long long)c->losses);
	if (c->untracked)
		printf("note: more than %u tasks; %llu events are not judged\n", TASKS_TRACKED,
		       (unsigned long long)c->untracked);
	evaluations(t, c);
	printf("%llu violations\n", (unsigned long long)violations);
}

/* Tasks alive at once cannot be more than events that make them. */
static unsigned tasks_bound(const struct trace *t)
{
	return (unsigned)MIN((u64)TASKS_TRACKED, t->events + 1);
}

/* A kernel with one lock for all run queues looks and switches in one operation. */
static bool has_one_lock(const struct trace *t)
{
	struct trace_event e;

	for (unsigned i = 0; i < t->n; i++) {
		struct stream_at at = {0};
		u32 seq, look = 0;

		while (stream_next(&t->streams[i], &at, &e)) {
			if (e.id == TRACE_EV_SCHED_LOOK)
				look = TRACE_PAYLOAD(&e, sched_look)->seq;
			else if (e.id == TRACE_EV_SCHED_SWITCH && event_seq(&e, &seq) && look)
				return seq == look;
		}
	}
	return false;
}

static struct inv *begin(const struct trace *t, struct report *r, void *arena, usize bytes)
{
	struct inv_config config = {
		.tasks = tasks_bound(t),
		.from_start = t->from_start,
		.one_lock = has_one_lock(t),
		.clock_hz = t->about.clock_hz,
		.seed = t->about.seed,
		.report = show,
		.ctx = r,
	};

	for (unsigned i = 0; i < t->n; i++)
		config.cpus |= 1ull << t->streams[i].cpu;
	return inv_begin(arena, bytes, &config);
}

/* Where the machine stopped, CPUs may have been between taking a number and recording with it. */
struct ending {
	u32 last[CPUS_MAX]; /* operation of each stream */
	bool some[CPUS_MAX];
	u32 seq; /* of the event before, if have_seq */
	bool have_seq;
	unsigned stopped; /* operations that were never recorded */
};

static void ending_begin(struct ending *end, const struct trace *t)
{
	struct trace_event e;

	*end = (struct ending){.have_seq = false};
	for (unsigned i = 0; i < t->n; i++) {
		struct stream_at at = {0};

		while (stream_next(&t->streams[i], &at, &e))
			end->some[i] |= event_seq(&e, &end->last[i]);
	}
}

/* True when @p e comes behind operations that CPUs began, and recorded nothing any more. */
static bool ending_at(struct ending *end, const struct trace *t, const struct trace_event *e)
{
	u32 seq, missing, silent = 0;

	if (!event_seq(e, &seq))
		return false;
	missing = end->have_seq ? seq - end->seq - 1 : 0;
	for (unsigned i = 0; i < t->n; i++)
		silent += !end->some[i] || (i32)(end->last[i] - end->seq) <= 0;
	if ((i32)missing > 0 && missing <= silent) {
		end->stopped = missing;
		return true;
	}
	end->seq = seq;
	end->have_seq = true;
	return false;
}

static int check(const struct trace *t, u64 max, bool complete)
{
	struct report r = {.trace = t, .max = max};
	usize bytes = inv_arena_bytes(tasks_bound(t));
	void *arena = malloc(bytes);
	struct merge m;
	struct trace_event e;
	struct ending end;
	struct inv *v;
	bool partial;

	if (!arena)
		return fail("out of memory");
	show_faults(&r);
	v = begin(t, &r, arena, bytes);
	merge_begin(&m, t);
	ending_begin(&end, t);
	while (merge_next(&m, &e) && !ending_at(&end, t, &e))
		inv_event(v, &e);
	inv_end(v);
	if (end.stopped)
		printf("note: the machine stopped in the middle of %u operations; what follows is not judged\n",
		       end.stopped);
	partial = complete && (!t->from_start || inv_counts(v)->losses);
	if (partial)
		printf("S6: the trace is not complete: it lacks its beginning or something in between\n");
	if (r.shown > r.max)
		printf("... and %llu more\n", (unsigned long long)(r.shown - r.max));
	r.shown += partial;
	summary(t, inv_counts(v), r.shown);
	free(arena);
	return r.shown ? EXIT_FOUND : EXIT_CLEAN;
}

int cmd_check(int argc, char **argv)
{
	bool rules = argc == 2 && !strcmp(argv[1], "--rules"), complete = false;
	const char *dir, *max_text = NULL;
	const struct option options[] = {
		{"max", &max_text, NULL}, {"complete", NULL, &complete}, {NULL, NULL, NULL}};
	struct trace t;
	u64 max = 100;
	int status;

	if (rules)
		return list_rules();
	if (!options_parse(argc, argv, options, &dir, 1) ||
	    (max_text && !parse_number("--max", max_text, &max)) || !open_trace(&t, dir, false))
		return EXIT_UNUSABLE;
	status = check(&t, max, complete);
	trace_unload(&t);
	return status;
}
