/*
 * Supervised services and the watchdog.
 *
 * cpus: 1 2 4
 * seeds: 5
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"
#include "services/supervisor.h"
#include "services/watchdog.h"

/* A service that squares numbers; it falls once on every third, and always on 13. */
struct desk {
	struct channel requests, replies;
	u64 request_slots[4], reply_slots[4];
	struct in_hand hand;
	u64 number;
	unsigned begins, tried_13;
	struct task *child;
};
static struct desk desk;

#define TRIES 3
#define SORRY UINT64_MAX

struct square {
	struct async async;
	struct channel_op op;
	u64 reply;
};

static enum poll square(void *frame)
{
	struct square *me = frame;

	ASYNC_BEGIN(me);
	desk.begins++;
	for (;;) {
		if (!desk.hand.some) {
			AWAIT(me, channel_receive(&me->op, &desk.requests, &desk.number));
			if (me->op.status)
				ASYNC_RETURN(me, 7);
		}
		me->reply = SORRY;
		if (in_hand_begin(&desk.hand, TRIES)) {
			desk.tried_13 += desk.number == 13;
			if (desk.number == 13 || (desk.number % 3 == 0 && desk.hand.tries == 1))
				panic("%llu is too much", (unsigned long long)desk.number);
			me->reply = desk.number * desk.number;
		}
		AWAIT(me, channel_send(&me->op, &desk.replies, &me->reply));
		in_hand_end(&desk.hand);
	}
	ASYNC_END(me);
}

struct client {
	struct async async;
	struct channel_op op;
	struct join join;
	struct task *supervisor;
	struct sleep sleep;
	struct yield yield;
	u64 i, reply, before_ns;
};

struct guarded_child {
	struct async async;
	struct sleep sleep;
};

static void open_desk(void)
{
	fault_containment = true;
	memset(&desk, 0, sizeof desk);
	channel_init(&desk.requests, desk.request_slots, 4, sizeof(u64));
	channel_init(&desk.replies, desk.reply_slots, 4, sizeof(u64));
}

static const struct square first;
static const struct task_spec service = {.name = "square",
					 .fn = square,
					 .frame = &first,
					 .frame_bytes = sizeof first,
					 .params = SCHED_PARAMS_FIFO(10)};

static enum poll requests_outlive_their_service(void *frame)
{
	struct client *me = frame;

	ASYNC_BEGIN(me);
	open_desk();
	MUST(supervise(&service, &SUPERVISION_DEFAULT, &me->supervisor));
	for (me->i = 1; me->i <= 5; me->i++) {
		AWAIT(me, channel_send(&me->op, &desk.requests, &me->i));
		AWAIT(me, channel_receive(&me->op, &desk.replies, &me->reply));
		CHECK_EQ(me->reply, me->i * me->i);
	}
	CHECK_EQ(desk.begins, 2); /* 3 was too much once */
	me->i = 13;
	AWAIT(me, channel_send(&me->op, &desk.requests, &me->i));
	AWAIT(me, channel_receive(&me->op, &desk.replies, &me->reply));
	CHECK_EQ(me->reply, SORRY);
	CHECK_EQ(desk.tried_13, TRIES);
	CHECK_EQ(desk.begins, 2 + TRIES);
	channel_close(&desk.requests);
	AWAIT(me, task_join(&me->join, me->supervisor));
	CHECK_EQ(me->join.status, 7); /* what the service itself returned */
	task_put(me->supervisor);
	ASYNC_END(me);
}

static enum poll falls(void *frame)
{
	(void)frame;
	desk.begins++;
	panic("always");
	return POLL_READY;
}

static enum poll pauses_grow_and_end(void *frame)
{
	static const struct task_spec hopeless = {.name = "hopeless",
						  .fn = falls,
						  .frame = &first,
						  .frame_bytes = sizeof first,
						  .params = SCHED_PARAMS_FIFO(10)};
	struct client *me = frame;

	ASYNC_BEGIN(me);
	open_desk();
	me->before_ns = clock_ns();
	MUST(supervise(&hopeless,
		       &(struct supervision){.restarts_max = 4,
					     .pause_ns = US(100),
					     .pause_max_ns = US(400),
					     .steady_ns = SEC(1)},
		       &me->supervisor));
	AWAIT(me, task_join(&me->join, me->supervisor));
	CHECK_EQ(me->join.status, ERR_FAULT);
	CHECK_EQ(desk.begins, 5);
	/* 100 + 200 + 400 + 400 */
	CHECK(clock_ns() - me->before_ns >= US(1100));
	CHECK(clock_ns() - me->before_ns < US(1100) + MS(1));
	task_put(me->supervisor);
	ASYNC_END(me);
}

/* Falls six times, each time after it was steady, and then returns. */
static enum poll wobbles(void *frame)
{
	struct guarded_child *me = frame;

	ASYNC_BEGIN(me);
	desk.begins++;
	AWAIT(me, sleep_for(&me->sleep, US(300)));
	if (desk.begins <= 6)
		panic("again");
	ASYNC_RETURN(me, 5);
	ASYNC_END(me);
}

static enum poll waits(void *frame)
{
	struct guarded_child *me = frame;

	ASYNC_BEGIN(me);
	desk.begins++;
	desk.child = task_self();
	task_get(desk.child);
	AWAIT(me, sleep_for(&me->sleep, SEC(100)));
	ASYNC_END(me);
}

static const struct guarded_child first_child;
static const struct task_spec steady = {.name = "steady",
					.fn = wobbles,
					.frame = &first_child,
					.frame_bytes = sizeof first_child,
					.params = SCHED_PARAMS_FIFO(10)};
static const struct task_spec waiting = {.name = "waiting",
					 .fn = waits,
					 .frame = &first_child,
					 .frame_bytes = sizeof first_child,
					 .params = SCHED_PARAMS_FIFO(10)};
static const struct supervision twice = {
	.restarts_max = 2, .pause_ns = US(50), .pause_max_ns = US(200), .steady_ns = US(250)};

/* Falls in a row are what counts, and to be killed is none. */
static enum poll only_falls_in_a_row_count(void *frame)
{
	struct client *me = frame;

	ASYNC_BEGIN(me);
	open_desk();
	MUST(supervise(&steady, &twice, &me->supervisor));
	AWAIT(me, task_join(&me->join, me->supervisor));
	CHECK_EQ(me->join.status, 5);
	CHECK_EQ(desk.begins, 7);
	task_put(me->supervisor);
	desk.begins = 0;
	MUST(supervise(&waiting, &twice, &me->supervisor));
	while (!desk.child)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	MUST(task_kill(desk.child));
	AWAIT(me, task_join(&me->join, me->supervisor));
	CHECK_EQ(me->join.status, ERR_KILLED);
	CHECK_EQ(desk.begins, 1);
	task_put(desk.child);
	task_put(me->supervisor);
	ASYNC_END(me);
}

static enum poll loop(void *frame)
{
	(void)frame;
	for (;;)
		arch_relax();
	return POLL_READY;
}

/* Always ready, and never for long in one poll. */
static enum poll neat(void *frame)
{
	struct client *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		me->before_ns = clock_ns();
		while (clock_ns() - me->before_ns < US(50))
			arch_relax();
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

struct guarded {
	struct async async;
	struct task *dog, *stuck[CPUS_MAX], *starved, *neat;
	struct sleep sleep;
	struct join join;
	unsigned i;
};

/* On every CPU a loop: what is below it starves. */
static enum poll the_watchdog_finds_what_is_stuck(void *frame)
{
	struct guarded *me = frame;

	ASYNC_BEGIN(me);
	open_desk();
	MUST(watchdog_start(MS(1), &me->dog));
	CHECK_EQ(watchdog_start(MS(1), NULL), ERR_BUSY);
	MUST(TASK_SPAWN(&me->neat, "neat", neat, (struct client){}, SCHED_PARAMS_FIFO(12)));
	AWAIT(me, sleep_for(&me->sleep, MS(5)));
	CHECK_EQ(watchdog_count(), 0);
	MUST(task_kill(me->neat));
	AWAIT(me, task_join(&me->join, me->neat));
	task_put(me->neat);
	for (me->i = 0; me->i < cpu_count; me->i++)
		MUST(TASK_SPAWN(&me->stuck[me->i], "stuck", loop, first, SCHED_PARAMS_FIFO(5)));
	MUST(TASK_SPAWN(&me->starved, "starved", loop, first, SCHED_PARAMS_FIFO(2)));
	AWAIT(me, sleep_for(&me->sleep, US(400)));
	CHECK_EQ(watchdog_count(), 0);
	AWAIT(me, sleep_for(&me->sleep, MS(4)));
	CHECK_EQ(watchdog_count(), cpu_count + 1);
	for (me->i = 0; me->i < cpu_count; me->i++) {
		MUST(task_kill(me->stuck[me->i]));
		AWAIT(me, task_join(&me->join, me->stuck[me->i]));
		task_put(me->stuck[me->i]);
	}
	MUST(task_kill(me->starved));
	AWAIT(me, task_join(&me->join, me->starved));
	task_put(me->starved);
	MUST(task_kill(me->dog));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(requests_outlive_their_service), ASYNC(pauses_grow_and_end),
	   ASYNC(only_falls_in_a_row_count),
	   ASYNC(the_watchdog_finds_what_is_stuck));
