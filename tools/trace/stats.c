#include <stdlib.h>
#include <string.h>

#include "commands.h"

struct samples {
	u64 *ns;
	usize n, room;
	bool failed;
};

struct task_stats {
	u64 runs, preemptions, cpu_ns, jobs, misses;
	u64 released_ns; /* of the job at hand, by the kernel's clock; while response_open */
	u64 event_ns;	 /* and by the trace's; while wake_open */
	bool response_open, wake_open;
	struct samples response, wake;
};

struct cpu_stats {
	bool known;	/* tid is what it runs */
	bool seen;	/* since_ns is valid */
	usize task;	/* index */
	u64 since_ns, busy_ns, idle_ns, irqs, hints, switches, unknown_ns;
};

struct stats {
	const struct trace *trace;
	struct task_table tasks;
	struct task_stats *of; /* by index in tasks */
	struct cpu_stats cpus[CPUS_MAX];
};

static void sample(struct samples *s, u64 ns)
{
	if (s->n == s->room) {
		usize room = s->room ? 2 * s->room : 64;
		u64 *more = realloc(s->ns, room * sizeof *more);

		if (!more) {
			s->failed = true;
			return;
		}
		s->ns = more;
		s->room = room;
	}
	s->ns[s->n++] = ns;
}

static int by_size(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* The nearest-rank percentile of sorted samples; n > 0. */
static u64 percentile(const struct samples *s, unsigned percent)
{
	usize rank = (s->n * percent + 99) / 100;

	return s->ns[rank ? rank - 1 : 0];
}

/* Accounts the time since the last switch. */
static void account(struct stats *s, struct cpu_stats *c, u64 ns)
{
	u64 passed = c->seen && ns > c->since_ns ? ns - c->since_ns : 0;

	if (c->known) {
		s->of[c->task].cpu_ns += passed;
		*(c->task ? &c->busy_ns : &c->idle_ns) += passed;
	} else {
		c->unknown_ns += passed;
	}
	c->since_ns = ns;
	c->seen = true;
}

static void on_switch(struct stats *s, struct cpu_stats *c, const struct trace_sched_switch *p,
		      u64 ns)
{
	usize prev = tasks_index(&s->tasks, p->prev_tid), next = tasks_index(&s->tasks, p->next_tid);
	struct task_stats *t = &s->of[next];

	if (!c->known && c->seen) {
		c->known = true; /* whoever leaves now has been running */
		c->task = prev;
	}
	account(s, c, ns);
	c->known = true;
	c->task = next;
	c->switches++;
	if (p->why == TRACE_switch_why_preempted || p->why == TRACE_switch_why_quantum)
		s->of[prev].preemptions++;
	t->runs++;
	if (t->wake_open) {
		sample(&t->wake, ns > t->event_ns ? ns - t->event_ns : 0);
		t->wake_open = false;
	}
}

static void on_job_done(struct task_stats *t, const struct trace_sched_job_done *p)
{
	t->jobs++;
	t->misses += p->done_ns > p->deadline_ns;
	if (t->response_open && p->done_ns >= t->released_ns)
		sample(&t->response, p->done_ns - t->released_ns);
	t->response_open = t->wake_open = false;
}

static void count(struct stats *s, const struct trace_event *e)
{
	struct cpu_stats *c = &s->cpus[e->cpu];
	u64 ns = trace_ns(s->trace, e->ticks);
	struct task_stats *t;

	if (e->after_loss) {
		c->known = false;
		account(s, c, ns);
	}
	switch (e->id) {
	case TRACE_EV_SCHED_SWITCH:
		on_switch(s, c, TRACE_PAYLOAD(e, sched_switch), ns);
		break;
	case TRACE_EV_SCHED_RELEASE:
		t = &s->of[tasks_index(&s->tasks, TRACE_PAYLOAD(e, sched_release)->tid)];
		t->event_ns = ns;
		t->released_ns = TRACE_PAYLOAD(e, sched_release)->release_ns;
		t->response_open = t->wake_open = true;
		break;
	case TRACE_EV_JOB_DONE:
		on_job_done(&s->of[tasks_index(&s->tasks, TRACE_PAYLOAD(e, sched_job_done)->tid)],
			    TRACE_PAYLOAD(e, sched_job_done));
		break;
	case TRACE_EV_CPU_ONLINE:
		account(s, c, ns);
		c->known = true;
		c->task = 0;
		break;
	case TRACE_EV_IRQ_ENTRY: c->irqs++; break;
	case TRACE_EV_HINT_ENTRY: c->hints++; break;
	}
}

static void print_samples(struct samples *s, bool csv)
{
	static const unsigned percents[] = {50, 95, 99};

	if (!s->n) {
		printf(csv ? ",,,,," : " %9s %9s %9s %9s %9s", "-", "-", "-", "-", "-");
		return;
	}
	qsort(s->ns, s->n, sizeof *s->ns, by_size);
	printf(csv ? ",%.3f" : " %9.1f", (double)s->ns[0] / 1000);
	for (unsigned i = 0; i < ARRAY_LEN(percents); i++)
		printf(csv ? ",%.3f" : " %9.1f", (double)percentile(s, percents[i]) / 1000);
	printf(csv ? ",%.3f" : " %9.1f", (double)s->ns[s->n - 1] / 1000);
}

static void print_task(struct stats *s, usize i, bool csv)
{
	const struct task_entry *e = &s->tasks.entries[i];
	struct task_stats *t = &s->of[i];

	printf(csv ? "%d,%s,%s,%u,%llu,%llu,%.3f,%llu,%llu" : "%5d %-16s %-8s %3u %8llu %8llu %12.3f %8llu %6llu",
	       e->tid, *e->name ? e->name : "?", e->known ? class_name(e->class) : "?", e->prio,
	       (unsigned long long)t->runs, (unsigned long long)t->preemptions, (double)t->cpu_ns / 1e6,
	       (unsigned long long)t->jobs, (unsigned long long)t->misses);
	print_samples(&t->response, csv);
	if (!csv)
		printf(" ");
	print_samples(&t->wake, csv);
	printf("\n");
}

static void print_tasks(struct stats *s, bool csv)
{
	if (csv) {
		printf("tid,name,class,level,runs,preemptions,cpu_ms,jobs,misses,response_us_min,"
		       "response_us_median,response_us_p95,response_us_p99,response_us_max,wake_us_min,"
		       "wake_us_median,wake_us_p95,wake_us_p99,wake_us_max\n");
	} else {
		printf("%72s  %-50s %s\n", "", "response: release of a job to its end, us",
		       "wake: release to first run, us");
		printf("%5s %-16s %-8s %3s %8s %8s %12s %8s %6s", "tid", "name", "class", "lvl", "runs",
		       "preempt", "CPU ms", "jobs", "missed");
		for (unsigned i = 0; i < 2; i++)
			printf("%s %9s %9s %9s %9s %9s", i ? " " : "", "min", "median", "p95", "p99", "max");
		printf("\n");
	}
	for (usize i = 1; i < s->tasks.n; i++)
		print_task(s, i, csv);
}

static void print_cpus(const struct stats *s, bool csv)
{
	printf(csv ? "\ncpu,busy_percent,unknown_percent,irqs,hints,switches\n"
		   : "\n  CPU  busy %%  unknown %%      irqs     hints  switches\n");
	for (unsigned i = 0; i < s->trace->n; i++) {
		const struct cpu_stats *c = &s->cpus[s->trace->streams[i].cpu];
		u64 all = c->busy_ns + c->idle_ns + c->unknown_ns;

		printf(csv ? "%u,%.2f,%.2f,%llu,%llu,%llu\n" : "%5u %7.2f %10.2f %9llu %9llu %9llu\n",
		       s->trace->streams[i].cpu, all ? 100.0 * (double)c->busy_ns / (double)all : 0.0,
		       all ? 100.0 * (double)c->unknown_ns / (double)all : 0.0, (unsigned long long)c->irqs,
		       (unsigned long long)c->hints, (unsigned long long)c->switches);
	}
}

static void print_about(const struct trace *t)
{
	u64 ns = trace_ns(t, t->last_ticks) - trace_ns(t, t->first_ticks);

	printf("board %.16s, seed %llu, clock %llu Hz, %.48s\n", t->about.board,
	       (unsigned long long)t->about.seed, (unsigned long long)t->about.clock_hz, t->about.build);
	printf("%llu events of %u CPUs in " TIME_FMT " s; %llu packets overwritten, %llu events not "
	       "recorded\n\n", (unsigned long long)t->events, t->n, TIME_ARG(ns),
	       (unsigned long long)t->overwritten_packets, (unsigned long long)t->discarded);
}

/* Tasks named only as somebody's waker or parent get an entry too, before `of` is sized. */
static bool collect(struct stats *s)
{
	struct stream_at at;
	struct trace_event e;

	if (!tasks_collect(&s->tasks, s->trace))
		return false;
	for (unsigned i = 0; i < s->trace->n; i++) {
		at = (struct stream_at){0};
		while (stream_next(&s->trace->streams[i], &at, &e)) {
			if (e.id == TRACE_EV_SCHED_RELEASE)
				tasks_index(&s->tasks, TRACE_PAYLOAD(&e, sched_release)->tid);
			else if (e.id == TRACE_EV_JOB_DONE)
				tasks_index(&s->tasks, TRACE_PAYLOAD(&e, sched_job_done)->tid);
		}
	}
	s->of = calloc(s->tasks.n, sizeof *s->of);
	return s->of != NULL;
}

static void stats_free(struct stats *s)
{
	for (usize i = 0; s->of && i < s->tasks.n; i++) {
		free(s->of[i].response.ns);
		free(s->of[i].wake.ns);
	}
	free(s->of);
	tasks_free(&s->tasks);
}

int cmd_stats(int argc, char **argv)
{
	static struct stats s;
	bool csv = false;
	const struct option options[] = {{"csv", NULL, &csv}, {NULL, NULL, NULL}};
	const char *dir;
	struct trace t;
	struct trace_event e;
	struct merge m;
	int status;

	if (!options_parse(argc, argv, options, &dir, 1) || !open_trace(&t, dir, true))
		return EXIT_UNUSABLE;
	s.trace = &t;
	status = t.faults_n ? EXIT_FOUND : EXIT_CLEAN;
	if (!collect(&s)) {
		status = fail("out of memory");
	} else {
		merge_begin(&m, &t);
		while (merge_next(&m, &e))
			count(&s, &e);
		for (unsigned i = 0; i < t.n; i++)
			account(&s, &s.cpus[t.streams[i].cpu], trace_ns(&t, t.last_ticks));
		if (!csv)
			print_about(&t);
		print_tasks(&s, csv);
		print_cpus(&s, csv);
	}
	stats_free(&s);
	trace_unload(&t);
	return status;
}
