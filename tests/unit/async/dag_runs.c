/*
 * DAGs of random shapes at work, against a plain model of what each reactor must compute in each
 * period; deadlines that are inherited; misses, overruns and periods that are skipped, where they
 * must occur and counted exactly; who listens from outside.
 * cpus: 1 4
 * seeds: 8
 */
#include "../test.h"
#include "async/dag.h"
#include "async/sleep.h"
#include "mm/kmalloc.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define NODES	9u
#define PERIODS 12u

/* A random graph. Reactor i publishes topic i, and one more topic when it has two; whoever comes
 * later may subscribe. */
struct shape {
	unsigned count, inputs[NODES][2 * NODES], ins[NODES];
	char names[NODES][8], topics[2 * NODES][16];
	const char *in[NODES][2 * NODES + 1], *out[NODES][3];
	u32 takes[NODES][2 * NODES + 1], gives[NODES][3];
	bool used[2 * NODES], two[NODES];
};
static struct shape shape;

struct reactor {
	unsigned number;
	u64 work_ns;
	_Atomic u64 ran;
};
static struct reactor reactors[NODES];
static u64 deadline_ns, period_ns;

static u64 mix(u64 a, u64 b)
{
	u64 state = a * 31 + b;

	return test_random(&state);
}

/* What topic @p t carries in period @p p: by definition, without a DAG. */
static u64 value(unsigned t, u64 p)
{
	unsigned n = t / 2;
	u64 v = mix(n, p);

	for (unsigned i = 0; i < shape.ins[n]; i++)
		v = mix(v, value(shape.inputs[n][i], p));
	return v + t % 2;
}

static void check_job(const struct dag_reaction *r, u64 number)
{
	const struct task *self = task_self();

	CHECK_EQ(self->deadline_ns, r->stamp.deadline_ns);
	CHECK_EQ(r->stamp.deadline_ns, r->stamp.release_ns + deadline_ns);
	if (self->params.class == SCHED_EDF)
		CHECK_EQ(self->entity.key, r->stamp.deadline_ns);
	CHECK(clock_ns() >= r->stamp.release_ns);
	CHECK_EQ(self->job, number + 2); /* job 1 made it wait for period 0 */
}

static void computes(struct dag_reaction *r)
{
	struct reactor *me = r->arg;
	unsigned n = me->number;
	u64 v = mix(n, r->stamp.period), end_ns = clock_ns() + me->work_ns;
	/* relaxed: one task writes it, and whoever reads it has joined that */
	u64 number = atomic_fetch_add_explicit(&me->ran, 1, memory_order_relaxed);

	CHECK_EQ(r->stamp.period, number);
	check_job(r, number);
	for (unsigned i = 0; i < shape.ins[n]; i++) {
		const u64 *in = r->in[i];
		const struct dag_message *m = CONTAINER_OF((void *)(uptr)in, struct dag_message, payload);

		CHECK_EQ(m->stamp.period, r->stamp.period);
		CHECK_EQ(*in, value(shape.inputs[n][i], r->stamp.period));
		v = mix(v, *in);
	}
	while (clock_ns() < end_ns)
		arch_relax();
	for (unsigned o = 0; shape.gives[n][o]; o++)
		*(u64 *)r->out[o] = v + o;
}

static bool has(unsigned n, unsigned topic)
{
	for (unsigned i = 0; i < shape.ins[n]; i++)
		if (shape.inputs[n][i] == topic)
			return true;
	return false;
}

static void subscribe(unsigned n, unsigned topic)
{
	if (!has(n, topic))
		shape.inputs[n][shape.ins[n]++] = topic;
	shape.used[topic] = true;
}

/* Everybody has an input from before, and the sink takes what nobody else took. */
static void draw(u64 *random)
{
	unsigned last;

	memset(&shape, 0, sizeof shape);
	shape.count = 2 + (unsigned)test_below(random, NODES - 1);
	last = shape.count - 1;
	for (unsigned n = 0; n < last; n++)
		shape.two[n] = test_below(random, 3) == 0;
	for (unsigned n = 1; n <= last; n++)
		for (unsigned i = 0; i <= test_below(random, 3); i++) {
			unsigned from = (unsigned)test_below(random, n);

			subscribe(n, 2 * from + (shape.two[from] && test_below(random, 2)));
		}
	for (unsigned t = 0; t < 2 * last; t++)
		if (!shape.used[t] && (t % 2 == 0 || shape.two[t / 2]))
			subscribe(last, t);
}

static struct sched_params any_params(u64 *random)
{
	switch (test_below(random, 4)) {
	case 0: return SCHED_PARAMS_FIFO((u8)test_below(random, 32));
	case 1: return SCHED_PARAMS_RR((u8)test_below(random, 32), US(50));
	default: return SCHED_PARAMS_EDF(0);
	}
}

static void name_all(void)
{
	for (unsigned n = 0; n < shape.count; n++) {
		ksnprintf(shape.names[n], sizeof shape.names[n], "n%u", n);
		for (unsigned i = 0; i < shape.ins[n]; i++) {
			shape.in[n][i] = shape.topics[shape.inputs[n][i]];
			shape.takes[n][i] = sizeof(u64);
		}
		for (unsigned o = 0; n + 1 < shape.count && o < 1u + shape.two[n]; o++) {
			ksnprintf(shape.topics[2 * n + o], sizeof shape.topics[0], "/n%u/%u", n, o);
			shape.out[n][o] = shape.topics[2 * n + o];
			shape.gives[n][o] = sizeof(u64);
		}
	}
}

/* In random order: the DAG is the same. */
static struct dag *build(const struct dag_params *params, u64 *random)
{
	struct dag *d;
	unsigned start = (unsigned)test_below(random, shape.count);

	MUST(dag_create(params, &d));
	for (unsigned k = 0; k < shape.count; k++) {
		unsigned n = (start + k) % shape.count;
		struct dag_reactor r = {.name = shape.names[n],
					.function = {computes, shape.takes[n], shape.gives[n]},
					.inputs = shape.in[n],
					.outputs = shape.out[n],
					.params = any_params(random),
					.arg = &reactors[n]};

		reactors[n] = (struct reactor){.number = n, .work_ns = test_below(random, US(4))};
		if (!n)
			MUST(dag_source(d, &r, period_ns));
		else if (n == shape.count - 1)
			MUST(dag_sink(d, &r, deadline_ns));
		else
			MUST(dag_add(d, &r));
	}
	return d;
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct dag_join join;
	struct dag *d;
	u64 random, blocks;
	unsigned round, i;
	struct subscription subscription;
	struct topic *topic;
	struct topic_op op;
	char message[64] __attribute__((aligned(16)));
	u32 in_flight;
};

static void draw_and_build(struct scene *me)
{
	u64 *random = &me->random;

	draw(random);
	name_all();
	/* From far too fast to leisurely; deadlines from one period to many. */
	period_ns = US(2) + test_below(random, US(60));
	deadline_ns = period_ns + test_below(random, 8 * period_ns);
	me->in_flight = (u32)test_below(random, 5);
	me->d = build(&(struct dag_params){.name = "random",
					   .periods = PERIODS,
					   .in_flight = me->in_flight},
		      random);
}

static void check_figures(struct scene *me)
{
	struct dag_stats s = dag_stats(me->d);

	for (unsigned n = 0; n < shape.count; n++)
		CHECK_EQ(reactors[n].ran, PERIODS);
	CHECK_EQ(s.released, PERIODS);
	CHECK_EQ(s.done, PERIODS);
	CHECK_EQ(s.skipped, 0);
	CHECK(s.response_least_ns <= s.response_most_ns);
	CHECK(s.response_sum_ns >= PERIODS * s.response_least_ns);
	CHECK((s.missed == 0) == (s.response_most_ns <= deadline_ns));
	CHECK((s.missed == PERIODS) == (s.response_least_ns > deadline_ns));
	if (me->in_flight)
		CHECK(s.in_flight_most <= me->in_flight);
}

static enum poll random_graphs_compute_what_the_model_does(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	for (me->round = 0; me->round < 6; me->round++) {
		draw_and_build(me);
		CHECK_EQ(dag_finish(me->d), 0);
		me->join = (struct dag_join){.dag = me->d};
		AWAIT_CALL(me, dag_join, &me->join);
		check_figures(me);
		dag_free(me->d);
	}
	ASYNC_END(me);
}

static enum poll nothing_stays_allocated(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->blocks = kmalloc_stats().blocks;
	me->random = ~trace_descriptor.seed;
	draw_and_build(me);
	CHECK_EQ(dag_finish(me->d), 0);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	dag_free(me->d);
	/* The memory of a task that was joined is given back a little later. */
	for (me->i = 0; me->i < 1000 && kmalloc_stats().blocks > me->blocks; me->i++)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	ASYNC_END(me);
}

/* Chains of two for the tests of figures: the source does nothing, the sink what the test says. */
static const char *const link_topic[] = {"/link", NULL};
static const u32 link_bytes[] = {sizeof(u64), 0};

static void does_nothing(struct dag_reaction *r)
{
	(void)r;
}

static struct dag *chain(const struct dag_params *params, dag_fn *source, dag_fn *sink,
			 u64 budget_ns)
{
	struct dag_reactor r = {.name = "source",
				.function = {source, NULL, link_bytes},
				.outputs = link_topic,
				.params = SCHED_PARAMS_EDF(0)};
	struct dag *d;

	MUST(dag_create(params, &d));
	MUST(dag_source(d, &r, period_ns));
	r = (struct dag_reactor){.name = "sink",
				 .function = {sink, link_bytes, NULL},
				 .inputs = link_topic,
				 .budget_ns = budget_ns,
				 .params = SCHED_PARAMS_EDF(0)};
	MUST(dag_sink(d, &r, deadline_ns));
	return d;
}

/* Every third period must miss; the others have a hundred times the time that they need. */
static void is_late_every_third_time(struct dag_reaction *r)
{
	CHECK_EQ(task_self()->deadline_ns, r->stamp.deadline_ns);
	while (r->stamp.period % 3 == 0 && clock_ns() <= r->stamp.deadline_ns)
		arch_relax();
}

static enum poll misses_are_counted_exactly(void *frame)
{
	struct scene *me = frame;
	struct dag_stats s;

	ASYNC_BEGIN(me);
	period_ns = MS(2); /* so a late one does not make the next one late */
	deadline_ns = MS(1);
	me->d = chain(&(struct dag_params){.name = "late", .periods = 10}, does_nothing,
		      is_late_every_third_time, US(900));
	CHECK_EQ(dag_finish(me->d), 0);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	s = dag_stats(me->d);
	CHECK_EQ(s.missed, 4); /* 0, 3, 6, 9 */
	CHECK_EQ(s.done, 10);
	CHECK_EQ(s.skipped, 0);
	CHECK(s.response_most_ns > MS(1) && s.response_least_ns < MS(1));
	dag_free(me->d);
	ASYNC_END(me);
}

/* A budget that half of the reactions exceed. */
static void exceeds_its_budget_every_other_time(struct dag_reaction *r)
{
	u64 end_ns = task_cpu_ns() + US(300);

	while (r->stamp.period % 2 && task_cpu_ns() <= end_ns)
		arch_relax();
}

static enum poll overruns_are_counted_exactly(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	period_ns = MS(1);
	deadline_ns = MS(1);
	me->d = chain(&(struct dag_params){.name = "over", .periods = 9}, does_nothing,
		      exceeds_its_budget_every_other_time, US(300));
	CHECK_EQ(dag_finish(me->d), 0);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	CHECK_EQ(dag_stats(me->d).overruns, 4);
	dag_free(me->d);
	ASYNC_END(me);
}

/* A task in front of the reaction takes longer than its budget, and does not count. */
static _Atomic bool disturbed;

struct disturber {
	struct async async;
	struct sleep sleep;
};

static enum poll disturbs(void *frame)
{
	struct disturber *me = frame;
	u64 end_ns;

	ASYNC_BEGIN(me);
	/* relaxed: one that comes too late disturbs once more */
	while (atomic_load_explicit(&disturbed, memory_order_relaxed)) {
		AWAIT(me, sleep_for(&me->sleep, US(20)));
		end_ns = clock_ns() + US(30);
		while (clock_ns() < end_ns)
			arch_relax();
	}
	ASYNC_END(me);
}

static void takes_a_tenth(struct dag_reaction *r)
{
	u64 end_ns = task_cpu_ns() + US(100);

	(void)r;
	while (task_cpu_ns() < end_ns)
		arch_relax();
}

static enum poll what_others_take_is_not_of_the_budget(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	period_ns = MS(1);
	deadline_ns = MS(1);
	atomic_store_explicit(&disturbed, true, memory_order_relaxed);
	MUST(TASK_SPAWN(NULL, "disturber", disturbs, (struct disturber){}, SCHED_PARAMS_CEDF(1, 1)));
	me->d = chain(&(struct dag_params){.name = "budget", .periods = 5}, does_nothing,
		      takes_a_tenth, US(150));
	CHECK_EQ(dag_finish(me->d), 0);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	CHECK_EQ(dag_stats(me->d).overruns, 0);
	/* relaxed: as above */
	atomic_store_explicit(&disturbed, false, memory_order_relaxed);
	dag_free(me->d);
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	ASYNC_END(me);
}

/* With one period in flight and a sink that is held up until three and a half periods after its
 * release, three are missed each time: they are skipped, or all made up for. */
static u64 skip_seen[4 * PERIODS], skip_count;

static void takes_three_and_a_half_periods(struct dag_reaction *r)
{
	while (clock_ns() < r->stamp.release_ns + 7 * period_ns / 2)
		arch_relax();
	skip_seen[skip_count++] = r->stamp.period;
}

static void check_skips(struct scene *me)
{
	struct dag_stats s = dag_stats(me->d);
	u64 step = me->round ? 3 : 1;

	for (u64 i = 1; i + 1 < skip_count; i++)
		CHECK_EQ(skip_seen[i], step * i);
	CHECK_EQ(s.released, skip_count);
	CHECK_EQ(s.done, skip_count);
	CHECK_EQ(s.released + s.skipped, PERIODS);
	CHECK_EQ(s.missed, skip_count); /* three and a half periods are more than two */
	CHECK_EQ(s.in_flight_most, 1);
	/* 0, 3, 6, 9, and the last one, where it ends; or all. */
	CHECK_EQ(skip_count, me->round ? 5 : PERIODS);
	CHECK_EQ(skip_seen[skip_count - 1], PERIODS - 1);
}

static enum poll missed_periods_are_skipped_or_made_up_for(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->round = 0; me->round < 2; me->round++) {
		period_ns = US(400);
		deadline_ns = US(800);
		skip_count = 0;
		me->d = chain(&(struct dag_params){.name = "skip",
						   .periods = PERIODS,
						   .in_flight = 1,
						   .skip = me->round == 1},
			      does_nothing, takes_three_and_a_half_periods, 0);
		CHECK_EQ(dag_finish(me->d), 0);
		me->join = (struct dag_join){.dag = me->d};
		AWAIT_CALL(me, dag_join, &me->join);
		check_skips(me);
		dag_free(me->d);
	}
	ASYNC_END(me);
}

/* While the sink is held up in period 0, as many periods begin as may be in flight. What each of
 * them carries is still its own. */
static _Atomic u64 source_ran;

static void counts(struct dag_reaction *r)
{
	/* relaxed: a number to wait for, and no more */
	CHECK_EQ(atomic_fetch_add_explicit(&source_ran, 1, memory_order_relaxed), r->stamp.period);
	*(u64 *)r->out[0] = r->stamp.deadline_ns;
}

static void waits_for_those_behind(struct dag_reaction *r)
{
	CHECK_EQ(*(const u64 *)r->in[0], r->stamp.deadline_ns);
	CHECK_EQ(task_self()->deadline_ns, r->stamp.deadline_ns);
	if (cpu_count > 1)
		while (atomic_load_explicit(&source_ran, memory_order_relaxed) <
		       MIN(r->stamp.period + 4, PERIODS))
			arch_relax();
}

static enum poll periods_overlap_and_keep_their_own(void *frame)
{
	struct scene *me = frame;
	struct dag_stats s;

	ASYNC_BEGIN(me);
	period_ns = US(50);
	deadline_ns = US(175);
	/* relaxed: nothing runs yet */
	atomic_store_explicit(&source_ran, 0, memory_order_relaxed);
	me->d = chain(&(struct dag_params){.name = "overlap", .periods = PERIODS, .in_flight = 4},
		      counts, waits_for_those_behind, 0);
	CHECK_EQ(dag_finish(me->d), 0);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	s = dag_stats(me->d);
	CHECK_EQ(s.done, PERIODS);
	if (cpu_count > 1)
		CHECK_EQ(s.in_flight_most, 4);
	dag_free(me->d);
	ASYNC_END(me);
}

/* Somebody from outside subscribes by the topic's name, is slow, and holds nobody up. */
static enum poll others_may_listen(void *frame)
{
	struct scene *me = frame;
	const struct dag_message *m = (const void *)me->message;
	struct topic_params p;

	ASYNC_BEGIN(me);
	period_ns = US(100);
	deadline_ns = US(100);
	/* relaxed: nothing runs yet */
	atomic_store_explicit(&source_ran, 0, memory_order_relaxed);
	me->d = chain(&(struct dag_params){.name = "heard"}, counts, does_nothing, 0);
	CHECK_EQ(dag_finish(me->d), 0);
	p = dag_topic_params(me->d, sizeof(u64));
	MUST(topic_open("/link", &p, &me->topic));
	topic_subscribe(&me->subscription, me->topic);
	for (me->i = 0; me->i < 5; me->i++) {
		AWAIT(me, topic_receive(&me->op, &me->subscription, me->message));
		CHECK_EQ(m->stamp.deadline_ns, m->stamp.release_ns + deadline_ns);
		CHECK_EQ(*(const u64 *)m->payload, m->stamp.deadline_ns);
		AWAIT(me, sleep_for(&me->sleep, US(350)));
	}
	CHECK(me->subscription.lost > 0);
	dag_stop(me->d);
	topic_unsubscribe(&me->subscription);
	topic_close(me->topic);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	CHECK_EQ(dag_stats(me->d).done, dag_stats(me->d).released);
	dag_free(me->d);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(random_graphs_compute_what_the_model_does), ASYNC(nothing_stays_allocated),
	   ASYNC(misses_are_counted_exactly), ASYNC(overruns_are_counted_exactly),
	   ASYNC(what_others_take_is_not_of_the_budget),
	   ASYNC(missed_periods_are_skipped_or_made_up_for),
	   ASYNC(periods_overlap_and_keep_their_own), ASYNC(others_may_listen));
