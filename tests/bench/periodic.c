/*
 * A load for measuring the simulator itself: 20 periodic tasks under EDF, on 4 CPUs usually, as in
 * SimSo's examples (Cheramy, Hladik, Deplanche, "SimSo: a simulation tool to evaluate real-time
 * multiprocessor scheduling algorithms", WATERS 2014). A job takes the time that it takes to begin
 * and to end: what it would compute is not simulated there either. ms= (100) milliseconds of virtual
 * time; prints jobs, and events of the trace, which is recorded in full.
 */
#include "async/interval.h"
#include "async/join.h"
#include "bench.h"

#define TASKS 20u
#define MS_DEFAULT 100u

static u64 end_ns;
static u64 jobs[TASKS]; /* each written by its task */

struct periodic {
	struct async async;
	struct interval interval;
	u64 period_ns;
	unsigned id;
};

static enum poll periodic(void *frame)
{
	struct periodic *me = frame;

	ASYNC_BEGIN(me);
	interval_init(&me->interval, clock_ns(), me->period_ns, INTERVAL_SKIP);
	while (clock_ns() < end_ns) {
		AWAIT(me, interval_tick(&me->interval));
		jobs[me->id]++;
	}
	ASYNC_END(me);
}

struct main {
	struct async async;
	struct join join;
	struct task *task[TASKS];
	unsigned i;
	u64 events_before;
};

static void start(struct main *me)
{
	u64 ms = MS_DEFAULT, lost;
	char word[16];

	if (words_find(board_cmdline(), "ms", word, sizeof word))
		must(parse_u64(word, &ms));
	trace_set_level(TRACE_FULL);
	trace_counts(&me->events_before, &lost);
	end_ns = clock_ns() + MS(ms);
	for (unsigned i = 0; i < TASKS; i++) {
		u64 period_ns = US(20) + US(7) * i;

		must(TASK_SPAWN(&me->task[i], "periodic", periodic,
				((struct periodic){.period_ns = period_ns, .id = i}),
				SCHED_PARAMS_EDF(period_ns)));
	}
}

static enum poll bench(void *frame)
{
	struct main *me = frame;
	u64 sum = 0, events, lost;

	ASYNC_BEGIN(me);
	start(me);
	for (me->i = 0; me->i < TASKS; me->i++)
		AWAIT(me, task_join(&me->join, me->task[me->i]));
	trace_counts(&events, &lost);
	for (unsigned i = 0; i < TASKS; i++)
		sum += jobs[i];
	bench_value("periodic.jobs", sum, "jobs");
	bench_value("periodic.events", events - me->events_before, "events");
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct main)
