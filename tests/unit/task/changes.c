/*
 * Parameters that change while a task waits, is queued, runs, was preempted, or is throttled.
 * cpus: 1 2 4 16
 * seeds: 10
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"
#include "services/burn.h"
#include "task/task.h"
#include <stdatomic.h>

#define STALL_NS SEC(1)

/* What happened, one letter each, in order. */
static char order[16];
static _Atomic unsigned happened;

static struct sched_params on_cpu(unsigned cpu, u8 level)
{
	struct sched_params p = SCHED_PARAMS_FIFO(level);

	p.cpus = 1ull << cpu;
	return p;
}

/* Says its letter, in one poll or after a wake-up. */
struct letter {
	struct async async;
	char says;
	bool waits;
};

static enum poll letter(void *frame)
{
	struct letter *me = frame;

	if (me->waits) {
		me->waits = false;
		return POLL_PENDING;
	}
	/* relaxed: readers have joined the writers, all of which are on the same CPU */
	order[atomic_fetch_add_explicit(&happened, 1, memory_order_relaxed)] = me->says;
	return POLL_READY;
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct yield yield;
	struct task *a, *b;
	u64 began_ns;
	unsigned i;
};

static void begin(struct scene *me)
{
	/* From here on this task alone decides who else runs on CPU 0, by waiting or not. */
	MUST(task_set_params(task_self(), &(struct sched_params){.class = SCHED_FIFO, .level = 16,
								 .cpus = 1}));
	memset(order, 0, sizeof order);
	atomic_store_explicit(&happened, 0, memory_order_relaxed);
	me->began_ns = clock_ns();
}

static struct task *spawn_letter(char says, bool waits, struct sched_params params)
{
	struct task *t;

	MUST(TASK_SPAWN(&t, "letter", letter, ((struct letter){.says = says, .waits = waits}), params));
	return t;
}

static enum poll join_both(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, task_join(&me->join, me->a));
	AWAIT(me, task_join(&me->join, me->b));
	task_put(me->a);
	task_put(me->b);
	ASYNC_END(me);
}

/* A task that changes its own CPUs is on one of them when the call returns. */
static enum poll a_running_task_moves_itself(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 4 * cpu_count; me->i++) {
		unsigned cpu = me->i * 7 % cpu_count;

		MUST(task_set_params(task_self(), &(struct sched_params){.class = SCHED_FIFO, .level = 16,
									 .cpus = 1ull << cpu}));
		CHECK_EQ(arch_cpu()->id, cpu);
	}
	MUST(task_set_params(task_self(), &SCHED_PARAMS_FIFO(16)));
	ASYNC_END(me);
}

static enum poll queued_ones_change_places(void *frame)
{
	static struct scene both;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(me);
	both = (struct scene){.a = spawn_letter('a', false, on_cpu(0, 4)),
			      .b = spawn_letter('b', false, on_cpu(0, 5))};
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_RR, .level = 31, .cpus = 1,
							    .quantum_ns = MS(1)}));
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_FIFO, .level = 5, .cpus = 1}));
	AWAIT_CALL(me, join_both, &both);
	CHECK_STR(order, "ba"); /* equal by then, but b came first */

	begin(me);
	both = (struct scene){.a = spawn_letter('a', false, on_cpu(0, 4)),
			      .b = spawn_letter('b', false, on_cpu(0, 5))};
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_EDF, .cpus = 1,
							    .deadline_ns = SEC(1)}));
	AWAIT_CALL(me, join_both, &both);
	CHECK_STR(order, "ab");
	ASYNC_END(me);
}

static enum poll a_waiting_one_changes(void *frame)
{
	static struct scene both;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(me);
	both = (struct scene){.a = spawn_letter('a', true, on_cpu(0, 4))};
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_FIFO, .level = 7, .cpus = 1}));
	both.b = spawn_letter('b', false, on_cpu(0, 5));
	task_wake(both.a);
	AWAIT_CALL(me, join_both, &both);
	CHECK_STR(order, "ab");
	ASYNC_END(me);
}

/* Raised above who changes it, it runs at once; lowered below others, it stops at once. */
static enum poll whoever_becomes_urgent_runs(void *frame)
{
	static struct scene both;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(me);
	both = (struct scene){.a = spawn_letter('a', false, on_cpu(0, 4)),
			      .b = spawn_letter('b', false, on_cpu(0, 5))};
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_FIFO, .level = 17, .cpus = 1}));
	CHECK_STR(order, "a");
	MUST(task_set_params(task_self(), &(struct sched_params){.class = SCHED_FIFO, .level = 3,
								 .cpus = 1}));
	CHECK_STR(order, "ab");
	AWAIT_CALL(me, join_both, &both);
	ASYNC_END(me);
}

/* Lowered from another CPU in the middle of a poll that never ends by itself. */
static _Atomic bool stop;

static enum poll spins(void *frame)
{
	/* relaxed: nothing comes with it */
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		arch_relax();
	(void)frame;
	return POLL_READY;
}

static bool comes_true(_Atomic unsigned *n)
{
	u64 limit_ns = clock_ns() + STALL_NS;

	while (!atomic_load_explicit(n, memory_order_acquire))
		if (clock_ns() > limit_ns)
			return false;
	return true;
}

static enum poll a_running_one_changes(void *frame)
{
	static struct scene both;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	begin(me);
	atomic_store_explicit(&stop, false, memory_order_relaxed);
	MUST(TASK_SPAWN(&both.a, "spins", spins, (struct async){}, on_cpu(1, 8)));
	both.b = spawn_letter('b', false, on_cpu(1, 6));
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(atomic_load_explicit(&happened, memory_order_acquire), 0);
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_FIFO, .level = 5, .cpus = 2}));
	CHECK(comes_true(&happened));
	/* Off its CPU, too, whether there is somebody else for it or not. */
	MUST(task_set_params(both.a, &(struct sched_params){.class = SCHED_FIFO, .level = 5, .cpus = 1}));
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(both.a->cpu, 0);
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	both.async = (struct async){};
	AWAIT_CALL(me, join_both, &both);
	ASYNC_END(me);
}

static enum poll burns(void *frame)
{
	(void)frame;
	burn_ns(MS(3));
	return POLL_READY;
}

/* Its server would let it go on after ten seconds. */
static enum poll a_throttled_one_is_let_go(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	begin(me);
	MUST(TASK_SPAWN(&me->a, "burns", burns, (struct async){},
			((struct sched_params){.class = SCHED_EDF, .deadline_ns = MS(1), .hard = true,
					       .budget_ns = MS(1), .period_ns = SEC(10)})));
	AWAIT(me, sleep_for(&me->sleep, MS(5)));
	task_info(me->a, &info);
	CHECK_EQ(info.state, TASK_THROTTLED);
	CHECK_EQ(task_set_params(me->a, &SCHED_PARAMS_FIFO(40)), ERR_INVAL);
	task_info(me->a, &info);
	CHECK_EQ(info.state, TASK_THROTTLED);
	MUST(task_set_params(me->a, &SCHED_PARAMS_RR(3, MS(1))));
	AWAIT(me, task_join(&me->join, me->a));
	CHECK(clock_ns() - me->began_ns < SEC(9));
	AWAIT(me, sleep_for(&me->sleep, SEC(11))); /* nothing is left that would let it go on */
	CHECK_EQ(me->a->state, TASK_DEAD);
	task_put(me->a);
	ASYNC_END(me);
}

/* The other way round: a task that had no server gets a hard one, and then a larger one. */
static enum poll a_server_is_put_on_and_changed(void *frame)
{
	struct scene *me = frame;
	struct task_info info;
	struct sched_params p = {.class = SCHED_EDF, .deadline_ns = MS(1), .hard = true,
				 .budget_ns = MS(1), .period_ns = SEC(10)};

	ASYNC_BEGIN(me);
	begin(me);
	MUST(TASK_SPAWN(&me->a, "burns", burns, (struct async){}, on_cpu(0, 3)));
	MUST(task_set_params(me->a, &p));
	AWAIT(me, sleep_for(&me->sleep, MS(2)));
	task_info(me->a, &info);
	CHECK_EQ(info.state, TASK_THROTTLED);
	p = (struct sched_params){.class = SCHED_EDF, .deadline_ns = MS(1), .hard = true,
				  .budget_ns = MS(5), .period_ns = SEC(10)};
	MUST(task_set_params(me->a, &p));
	AWAIT(me, task_join(&me->join, me->a));
	CHECK(clock_ns() - me->began_ns < SEC(9));
	task_put(me->a);
	ASYNC_END(me);
}

static enum poll the_deadline_is_counted_from_the_release(void *frame)
{
	struct scene *me = frame;
	struct task *self = task_self();

	ASYNC_BEGIN(me);
	begin(me);
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	burn_ns(US(50));
	MUST(task_set_params(self, &SCHED_PARAMS_EDF(MS(5))));
	CHECK_EQ(self->deadline_ns, self->release_ns + MS(5));
	CHECK_EQ(self->entity.key, self->deadline_ns);
	MUST(task_set_params(self, &SCHED_PARAMS_FIFO(16)));
	CHECK_EQ(self->deadline_ns, TIME_NEVER);
	ASYNC_END(me);
}

/* Its quantum of ten seconds gets shorter in the middle of its poll. */
static enum poll cuts(void *frame)
{
	struct letter *me = frame;
	struct sched_params p = SCHED_PARAMS_RR(3, US(200));

	p.cpus = 1;
	burn_ns(US(100));
	MUST(task_set_params(task_self(), &p));
	burn_ns(MS(3));
	return letter(me);
}

static enum poll a_quantum_is_cut(void *frame)
{
	static struct scene both;
	struct scene *me = frame;
	struct sched_params p = SCHED_PARAMS_RR(3, SEC(10));

	p.cpus = 1;
	ASYNC_BEGIN(me);
	begin(me);
	both = (struct scene){.async = {}};
	MUST(TASK_SPAWN(&both.a, "cuts", cuts, ((struct letter){.says = 'a'}), p));
	both.b = spawn_letter('b', false, p);
	AWAIT_CALL(me, join_both, &both);
	CHECK_STR(order, "ba");
	ASYNC_END(me);
}

static enum poll who_is_refused_stays_as_it_was(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	begin(me);
	me->a = spawn_letter('a', true, SCHED_PARAMS_FIFO(3));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	CHECK_EQ(task_set_params(me->a, &SCHED_PARAMS_FIFO(32)), ERR_INVAL);
	CHECK_EQ(task_set_params(me->a, &SCHED_PARAMS_RR(3, 1)), ERR_INVAL);
	CHECK_EQ(task_set_params(me->a, &(struct sched_params){.class = SCHED_CLASSES}), ERR_INVAL);
	task_info(me->a, &info);
	CHECK_EQ(info.params.class, SCHED_FIFO);
	CHECK_EQ(info.params.level, 3);
	task_wake(me->a);
	AWAIT(me, task_join(&me->join, me->a));
	CHECK_EQ(task_set_params(me->a, &SCHED_PARAMS_FIFO(3)), ERR_CLOSED);
	task_put(me->a);
	MUST(task_spawn(&(struct task_spec){.name = "admitted", .fn = letter,
					    .frame = &(struct letter){.says = 'c', .waits = true},
					    .frame_bytes = sizeof(struct letter),
					    .params = SCHED_PARAMS_EDF(MS(10)), .admit = true,
					    .period_ns = MS(10), .wcet_ns = MS(1)}, &me->a));
	CHECK_EQ(task_set_params(me->a, &SCHED_PARAMS_FIFO(3)), ERR_REFUSED);
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	task_wake(me->a);
	AWAIT(me, task_join(&me->join, me->a));
	task_put(me->a);
	ASYNC_END(me);
}

static const struct sched_params each[SCHED_CLASSES] = {
	[SCHED_CEDF] = {.class = SCHED_CEDF, .cpus = 1, .deadline_ns = MS(1)},
	[SCHED_EDF] = {.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(2)},
	[SCHED_FIFO] = {.class = SCHED_FIFO, .cpus = 1, .level = 3},
	[SCHED_RR] = {.class = SCHED_RR, .cpus = 1, .level = 4, .quantum_ns = MS(1)},
	[SCHED_FAIR] = {.class = SCHED_FAIR, .cpus = 1, .share = 100, .quantum_ns = MS(1)},
	[SCHED_PANICKED] = {.class = SCHED_PANICKED, .cpus = 1},
	[SCHED_MLFQ] = {.class = SCHED_MLFQ, .cpus = 1, .quantum_ns = MS(1)},
	[SCHED_LOTTERY] = {.class = SCHED_LOTTERY, .cpus = 1, .share = 7, .quantum_ns = MS(1)},
	[SCHED_STRIDE] = {.class = SCHED_STRIDE, .cpus = 1, .share = 9, .quantum_ns = MS(1)},
};

struct changing {
	struct async async;
	const struct sched_params *to;
	bool waits;
};

/* Waits first if it is to; else changes itself if it is to. */
static enum poll changing(void *frame)
{
	struct changing *me = frame;
	bool waits = me->waits;

	me->waits = false;
	if (!waits && me->to)
		MUST(task_set_params(task_self(), me->to));
	return waits ? POLL_PENDING : POLL_READY;
}

/* The three ways of the change from a class to another follow each other. */
static const struct sched_params *target(unsigned i)
{
	return &each[i / 3 / SCHED_CLASSES];
}

/* From each class to each, while it waits, is queued, or runs. */
static enum poll each_class_to_each(void *frame)
{
	struct scene *me = frame;
	struct task_info info;

	ASYNC_BEGIN(me);
	begin(me);
	for (me->i = 0; me->i < 3 * SCHED_CLASSES * SCHED_CLASSES; me->i++) {
		unsigned how = me->i % 3;

		preempt_disable(); /* until it was changed it stays where it is */
		MUST(TASK_SPAWN(&me->a, "changing", changing,
				((struct changing){.to = how == 2 ? target(me->i) : NULL, .waits = !how}),
				each[me->i / 3 % SCHED_CLASSES]));
		if (how == 1)
			MUST(task_set_params(me->a, target(me->i)));
		preempt_enable();
		AWAIT(me, sleep_for(&me->sleep, US(50)));
		if (me->i % 3 == 0) {
			MUST(task_set_params(me->a, target(me->i)));
			task_wake(me->a);
		}
		AWAIT(me, task_join(&me->join, me->a));
		task_info(me->a, &info);
		CHECK_EQ(me->join.status, 0);
		CHECK_EQ(info.params.class, target(me->i)->class);
		CHECK_EQ(info.polls, me->i % 3 ? 1 : 2);
		task_put(me->a);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(each_class_to_each), ASYNC(a_running_task_moves_itself), ASYNC(queued_ones_change_places),
	   ASYNC(a_waiting_one_changes), ASYNC(whoever_becomes_urgent_runs), ASYNC(a_running_one_changes),
	   ASYNC(a_throttled_one_is_let_go), ASYNC(a_server_is_put_on_and_changed),
	   ASYNC(the_deadline_is_counted_from_the_release), ASYNC(a_quantum_is_cut),
	   ASYNC(who_is_refused_stays_as_it_was));
