/*
 * Events, semaphores, locks and barriers: order of arrival against a model; who is in, never two
 * that exclude each other; giving up loses nothing.
 * cpus: 1 4
 * seeds: 6
 */
#include "../test.h"
#include "async/event.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/select.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define KIND   TRACE_await_kind_semaphore
#define TASKS  6u
#define ROUNDS 25u

static void an_event_stays_set_until_it_is_reset(void)
{
	struct event e;
	struct wait early[2], late;

	event_init(&e);
	CHECK_EQ(await_poll(event_wait(&early[0], &e)), POLL_PENDING);
	CHECK_EQ(await_poll(event_wait(&early[1], &e)), POLL_PENDING);
	event_set(&e);
	event_reset(&e);
	/* They waited when it was set, so they go on, although it is not set any more. */
	CHECK_EQ(await_poll(&early[0].aw), POLL_READY);
	CHECK_EQ(await_poll(event_wait(&late, &e)), POLL_PENDING);
	CHECK_EQ(await_poll(&early[1].aw), POLL_READY);
	event_set(&e);
	CHECK_EQ(await_poll(&late.aw), POLL_READY);
	CHECK_EQ(await_poll(event_wait(&late, &e)), POLL_READY);
	CHECK_EQ(e.queue.count, 0);
}

/*
 * Many waits for one semaphore, all of this task, against a model that is too simple to be wrong:
 * in order of arrival, each gets what it wants as soon as those before it have theirs.
 */
#define WAITS 12u
static struct model {
	struct wait w;
	u64 arrived; /* 0: not in use */
	bool granted, polled;
} waits[WAITS];

static u32 model_serve(u32 free)
{
	for (;;) {
		struct model *first = NULL;

		for (unsigned i = 0; i < WAITS; i++)
			if (waits[i].arrived && !waits[i].granted &&
			    (!first || waits[i].arrived < first->arrived))
				first = &waits[i];
		if (!first || first->w.wants > free)
			return free;
		first->granted = true;
		free -= first->w.wants;
	}
}

static void a_semaphore_serves_in_order_of_arrival(void)
{
	u64 random = trace_descriptor.seed, arrivals = 0;
	u32 all = 1 + (u32)test_below(&random, 4), free = all;
	struct semaphore s;

	memset(waits, 0, sizeof waits);
	semaphore_init(&s, all);
	/* relaxed: only this task checks now; after a difference the model means nothing */
	for (unsigned step = 0;
	     step < 3000 && !atomic_load_explicit(&test_failures, memory_order_relaxed); step++) {
		struct model *m = &waits[test_below(&random, WAITS)];

		if (!m->arrived) {
			m->arrived = ++arrivals;
			m->granted = false;
			(void)semaphore_acquire(&m->w, &s, 1 + (u32)test_below(&random, all), KIND);
			m->polled = await_poll(&m->w.aw) == POLL_READY;
		} else if (!m->granted || (!m->polled && test_below(&random, 2))) {
			/* Gives up, perhaps after it was granted, before it knows. */
			await_cancel(&m->w.aw);
			free += m->granted ? m->w.wants : 0;
			m->arrived = 0;
		} else if (!m->polled) {
			CHECK_EQ(await_poll(&m->w.aw), POLL_READY);
			m->polled = true;
		} else {
			semaphore_release(&s, m->w.wants);
			free += m->w.wants;
			m->arrived = 0;
		}
		free = model_serve(free);
		CHECK_EQ(s.free & ~SEMAPHORE_WAITED, free);
		for (unsigned i = 0; i < WAITS; i++)
			if (waits[i].arrived && !waits[i].polled)
				CHECK_EQ(waits[i].w.state != WAIT_QUEUED, waits[i].granted);
		if (s.queue.count)
			CHECK_EQ(semaphore_try_acquire(&s, 1), ERR_AGAIN);
	}
}

static void unlocking_is_for_the_owner(void)
{
	struct mutex m;
	struct rw_mutex rw;
	struct wait a, b;

	mutex_init(&m);
	CHECK_EQ(mutex_unlock(&m), ERR_INVAL);
	CHECK_EQ(await_poll(mutex_lock(&a, &m)), POLL_READY);
	CHECK(m.owner == (uptr)task_self());
	CHECK_EQ(mutex_unlock(&m), 0);
	CHECK(!m.owner);
	CHECK_EQ(mutex_unlock(&m), ERR_INVAL);

	rw_mutex_init(&rw);
	CHECK_EQ(rw_mutex_end_read(&rw, NULL), ERR_INVAL);
	CHECK_EQ(rw_mutex_end_write(&rw), ERR_INVAL);
	CHECK_EQ(await_poll(rw_mutex_read(&a, &rw)), POLL_READY);
	CHECK_EQ(await_poll(rw_mutex_read(&b, &rw)), POLL_READY);
	CHECK_EQ(rw_mutex_end_write(&rw), ERR_INVAL);
	CHECK_EQ(rw_mutex_end_read(&rw, &b), 0);
	CHECK_EQ(await_poll(rw_mutex_write(&b, &rw)), POLL_PENDING);
	CHECK_EQ(rw_mutex_end_read(&rw, &a), 0);
	CHECK_EQ(await_poll(&b.aw), POLL_READY);
	CHECK_EQ(rw_mutex_end_read(&rw, &a), ERR_INVAL);
	CHECK_EQ(rw_mutex_end_write(&rw), 0);
	CHECK_EQ(rw_mutex_end_write(&rw), ERR_INVAL);
}

/* Readers that stand behind a writer which gives up need not wait any longer. */
static void a_writer_that_gives_up_lets_readers_in(void)
{
	struct rw_mutex rw;
	struct wait reader, writer, behind[2];

	rw_mutex_init(&rw);
	CHECK_EQ(await_poll(rw_mutex_read(&reader, &rw)), POLL_READY);
	CHECK_EQ(await_poll(rw_mutex_write(&writer, &rw)), POLL_PENDING);
	CHECK_EQ(await_poll(rw_mutex_read(&behind[0], &rw)), POLL_PENDING);
	CHECK_EQ(await_poll(rw_mutex_read(&behind[1], &rw)), POLL_PENDING);
	await_cancel(&writer.aw);
	CHECK_EQ(await_poll(&behind[1].aw), POLL_READY);
	CHECK_EQ(await_poll(&behind[0].aw), POLL_READY);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(rw_mutex_end_read(&rw, &behind[i]), 0);
	CHECK_EQ(rw_mutex_end_read(&rw, &reader), 0);
	CHECK_EQ(rw.s.free, RW_MUTEX_ALL);
}

static void a_barrier_of_one_is_no_obstacle(void)
{
	struct barrier b;
	struct wait w;

	barrier_init(&b, 1);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(await_poll(barrier_wait(&w, &b)), POLL_READY);
		CHECK_EQ(b.generation, i + 1);
	}
}

static void who_gives_up_has_not_arrived_at_the_barrier(void)
{
	struct barrier b;
	struct wait w[3];

	barrier_init(&b, 2);
	CHECK_EQ(await_poll(barrier_wait(&w[0], &b)), POLL_PENDING);
	await_cancel(&w[0].aw);
	CHECK_EQ(await_poll(barrier_wait(&w[1], &b)), POLL_PENDING);
	CHECK_EQ(b.generation, 0);
	CHECK_EQ(await_poll(barrier_wait(&w[2], &b)), POLL_READY);
	CHECK_EQ(await_poll(&w[1].aw), POLL_READY);
	CHECK_EQ(b.generation, 1);
}

/* Many tasks on one object, some of whom give up and try again. */
static struct mutex mutex;
static struct rw_mutex rw_mutex;
static struct barrier barrier;
static struct event start;
static _Atomic int readers_in, writers_in;
static _Atomic unsigned times_in, arrived[ROUNDS];

struct worker {
	struct async async;
	struct wait wait;
	struct timeout timeout;
	struct sleep sleep;
	u64 random;
	unsigned i;
	bool writes;
};

/* relaxed in what follows: it is the locks that must keep them apart */
static void enter(bool writes)
{
	int others = atomic_fetch_add_explicit(writes ? &writers_in : &readers_in, 1,
					       memory_order_relaxed);

	CHECK(!writes || (!others && !atomic_load_explicit(&readers_in, memory_order_relaxed)));
	CHECK(writes || !atomic_load_explicit(&writers_in, memory_order_relaxed));
	atomic_fetch_add_explicit(&times_in, 1, memory_order_relaxed);
}

static void leave(bool writes)
{
	atomic_fetch_sub_explicit(writes ? &writers_in : &readers_in, 1, memory_order_relaxed);
}

static u64 patience(struct worker *me)
{
	return test_below(&me->random, 3) ? SEC(100) : test_below(&me->random, US(10));
}

static enum poll locks_the_mutex(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		for (;;) {
			AWAIT(me, timeout_after(&me->timeout, mutex_lock(&me->wait, &mutex),
						patience(me)));
			if (!timeout_status(&me->timeout))
				break;
			CHECK_EQ(mutex_unlock(&mutex), ERR_INVAL);
		}
		CHECK((mutex.owner & ~(uptr)MUTEX_WAITED) == (uptr)task_self());
		enter(true);
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(3))));
		leave(true);
		CHECK_EQ(mutex_unlock(&mutex), 0);
	}
	ASYNC_END(me);
}

static enum poll reads_and_writes(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		me->writes = !test_below(&me->random, 3);
		do {
			AWAIT(me, timeout_after(&me->timeout,
						me->writes ? rw_mutex_write(&me->wait, &rw_mutex)
							   : rw_mutex_read(&me->wait, &rw_mutex),
						patience(me)));
		} while (timeout_status(&me->timeout));
		enter(me->writes);
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(3))));
		leave(me->writes);
		CHECK_EQ(me->writes ? rw_mutex_end_write(&rw_mutex)
				    : rw_mutex_end_read(&rw_mutex, &me->wait),
			 0);
	}
	ASYNC_END(me);
}

static u64 generation(void)
{
	bool irqs = spin_lock(&barrier.queue.lock);
	u64 n = barrier.generation;

	spin_unlock(&barrier.queue.lock, irqs);
	return n;
}

static enum poll meets_the_others(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, event_wait(&me->wait, &start));
	for (me->i = 0; me->i < ROUNDS; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(5))));
		/* relaxed: the barrier orders */
		atomic_fetch_add_explicit(&arrived[me->i], 1, memory_order_relaxed);
		do {
			AWAIT(me, timeout_after(&me->timeout, barrier_wait(&me->wait, &barrier),
						patience(me)));
			/* It may have opened for me just when I gave up. */
		} while (timeout_status(&me->timeout) && generation() == me->i);
		CHECK_EQ(generation(), me->i + 1);
		CHECK_EQ(atomic_load_explicit(&arrived[me->i], memory_order_relaxed),
			 barrier.tasks);
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random;
	unsigned i, tasks;
	task_fn *fn;
	struct task *handles[TASKS];
};

static enum poll run_all(struct scene *me)
{
	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	for (me->i = 0; me->i < me->tasks; me->i++)
		MUST(TASK_SPAWN(&me->handles[me->i], "worker", me->fn,
				((struct worker){.random = test_random(&me->random)}),
				test_below(&me->random, 2)
					? SCHED_PARAMS_FIFO((u8)test_below(&me->random, 20))
					: SCHED_PARAMS_RR((u8)test_below(&me->random, 3), US(50))));
	AWAIT(me, sleep_for(&me->sleep, US(50)));
	event_set(&start);
	for (me->i = 0; me->i < me->tasks; me->i++) {
		AWAIT(me, task_join(&me->join, me->handles[me->i]));
		task_put(me->handles[me->i]);
	}
	ASYNC_END(me);
}

struct test_scene {
	struct async async;
	struct scene scene;
};

static enum poll a_mutex_excludes(void *frame)
{
	struct test_scene *me = frame;

	ASYNC_BEGIN(me);
	mutex_init(&mutex);
	times_in = 0;
	me->scene = (struct scene){.fn = locks_the_mutex, .tasks = TASKS};
	AWAIT_CALL(me, run_all, &me->scene);
	CHECK_EQ(times_in, TASKS * ROUNDS);
	CHECK(!mutex.owner);
	ASYNC_END(me);
}

static struct mutex outer, inner;
static bool outer_was_held, inner_was_held;

static void between_released(struct owned *o)
{
	task_disown(o);
	outer_was_held = outer.owner;
	inner_was_held = inner.owner;
}

static struct owned between = {.release = between_released};

struct holder {
	struct async async;
	struct wait outer, inner;
	struct join join;
	struct task *task;
};

/* Ends with all three, or gives the older lock back first. */
static enum poll holds_both(void *frame)
{
	struct holder *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, mutex_lock(&me->outer, &outer));
	if (me->outer.status == ERR_OWNERDEAD)
		mutex_recover(&outer);
	else
		task_own(task_self(), &between);
	AWAIT(me, mutex_lock(&me->inner, &inner));
	if (me->inner.status != ERR_OWNERDEAD)
		ASYNC_RETURN(me, 0);
	CHECK_EQ(mutex_unlock(&outer), 0);
	CHECK_EQ(mutex_unlock(&outer), ERR_INVAL);
	CHECK(!outer.owner && inner.owner == (uptr)task_self());
	CHECK_EQ(mutex_unlock(&inner), 0);
	ASYNC_END(me);
}

static enum poll what_is_held_goes_in_reverse_order(void *frame)
{
	struct holder *me = frame;

	ASYNC_BEGIN(me);
	mutex_init(&outer);
	mutex_init(&inner);
	MUST(TASK_SPAWN(&me->task, "dies", holds_both, (struct holder){}, SCHED_PARAMS_FIFO(8)));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	CHECK(outer_was_held && !inner_was_held);
	CHECK(!outer.owner && !inner.owner);
	MUST(TASK_SPAWN(&me->task, "lives", holds_both, (struct holder){}, SCHED_PARAMS_FIFO(8)));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	CHECK(!outer.owner && !inner.owner);
	ASYNC_END(me);
}

static enum poll writers_exclude_all_and_readers_none_but_them(void *frame)
{
	struct test_scene *me = frame;

	ASYNC_BEGIN(me);
	rw_mutex_init(&rw_mutex);
	times_in = 0;
	me->scene = (struct scene){.fn = reads_and_writes, .tasks = TASKS};
	AWAIT_CALL(me, run_all, &me->scene);
	CHECK_EQ(times_in, TASKS * ROUNDS);
	CHECK_EQ(rw_mutex.s.free & ~SEMAPHORE_WAITED, RW_MUTEX_ALL);
	ASYNC_END(me);
}

static enum poll a_barrier_keeps_its_generations_together(void *frame)
{
	struct test_scene *me = frame;

	ASYNC_BEGIN(me);
	me->scene =
		(struct scene){.fn = meets_the_others, .tasks = 1 + trace_descriptor.seed % TASKS};
	for (unsigned i = 0; i < ROUNDS; i++)
		arrived[i] = 0;
	event_init(&start);
	barrier_init(&barrier, me->scene.tasks);
	AWAIT_CALL(me, run_all, &me->scene);
	CHECK_EQ(barrier.generation, ROUNDS);
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(an_event_stays_set_until_it_is_reset),
	   PLAIN(a_semaphore_serves_in_order_of_arrival), PLAIN(unlocking_is_for_the_owner),
	   PLAIN(a_writer_that_gives_up_lets_readers_in), PLAIN(a_barrier_of_one_is_no_obstacle),
	   PLAIN(who_gives_up_has_not_arrived_at_the_barrier), ASYNC(a_mutex_excludes),
	   ASYNC(what_is_held_goes_in_reverse_order),
	   ASYNC(writers_exclude_all_and_readers_none_but_them),
	   ASYNC(a_barrier_keeps_its_generations_together));
