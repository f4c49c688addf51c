/*
 * Topics and services: who receives what, against a model; flow control, late subscribers, old
 * messages; calls that are answered, given up, refused; and nothing stays allocated.
 * cpus: 1 4
 * seeds: 6
 */
#include "../test.h"
#include "async/join.h"
#include "async/pubsub.h"
#include "async/select.h"
#include "async/service.h"
#include "mm/kmalloc.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define PARAMS(...) (&(struct topic_params){.message_bytes = sizeof(u32), __VA_ARGS__})

static struct topic *topic;

static void topics_are_found_by_name(void)
{
	u64 blocks = kmalloc_stats().blocks;
	struct topic *a, *b, *c;
	struct service *s;
	u32 m = 1;

	MUST(topic_open("a", PARAMS(.queue = 2), &a));
	MUST(topic_open("a", PARAMS(.queue = 2), &b));
	CHECK(a == b);
	CHECK_EQ(topic_open("a", PARAMS(.queue = 3), &c), ERR_INVAL);
	CHECK_EQ(topic_open("b", PARAMS(.queue = 0), &c), ERR_INVAL);
	CHECK_EQ(topic_open("b", PARAMS(.queue = 2, .keep = 3), &c), ERR_INVAL);
	MUST(topic_open("b", PARAMS(.queue = 3), &c));
	CHECK(c != a);
	MUST(service_open("a", &s)); /* services have their own names */
	topic_close(a);
	CHECK_EQ(topic_try_publish(b, &m), 0);
	topic_close(b);
	MUST(topic_open("a", PARAMS(.queue = 3), &a)); /* the old one is gone */
	CHECK_EQ(a->sent, 0);
	topic_close(a);
	topic_close(c);
	service_close(s);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

/* Message n is the number n. A model of each subscription: what it must receive next. */
#define SUBSCRIPTIONS 4u

static void step_of_subscription(struct subscription *s, u64 *next, u64 *random)
{
	u64 queue = topic->params.queue, sent = topic->sent;
	u64 oldest = sent > queue ? sent - queue : 0;
	struct topic_op op;
	enum poll result;
	u32 m = 0;

	if (*next == UINT64_MAX) {
		topic_subscribe(s, topic);
		*next = sent - MIN(MIN(sent, queue), topic->params.keep);
	} else if (!test_below(random, 20)) {
		topic_unsubscribe(s);
		*next = UINT64_MAX;
	} else {
		*next = MAX(*next, oldest);
		result = await_poll(topic_receive(&op, s, &m));
		CHECK_EQ(result, *next < sent ? POLL_READY : POLL_PENDING);
		if (result == POLL_READY)
			CHECK_EQ(m, (*next)++);
		else
			await_cancel(&op.aw);
	}
}

static void subscribers_against_a_model(void)
{
	u64 random = trace_descriptor.seed, next[SUBSCRIPTIONS];
	struct subscription subscriptions[SUBSCRIPTIONS];
	u32 queue = 1 + (u32)test_below(&random, 5), n = 0;
	bool overwrite;

	for (unsigned round = 0; round < 4; round++, n = 0) {
		overwrite = round % 2;
		MUST(topic_open("model",
				PARAMS(.queue = queue, .overwrite = overwrite,
				       .keep = (u32)test_below(&random, queue + 1)),
				&topic));
		for (unsigned i = 0; i < SUBSCRIPTIONS; i++)
			next[i] = UINT64_MAX;
		for (unsigned step = 0; step < 400; step++) {
			unsigned i = (unsigned)test_below(&random, SUBSCRIPTIONS + 3);
			bool room = true;

			if (i < SUBSCRIPTIONS) {
				step_of_subscription(&subscriptions[i], &next[i], &random);
				continue;
			}
			for (unsigned k = 0; k < SUBSCRIPTIONS; k++)
				room &= overwrite || next[k] == UINT64_MAX || n - next[k] < queue;
			CHECK_EQ(topic_try_publish(topic, &n), room ? 0 : ERR_AGAIN);
			n += room;
		}
		for (unsigned i = 0; i < SUBSCRIPTIONS; i++)
			if (next[i] != UINT64_MAX)
				topic_unsubscribe(&subscriptions[i]);
		topic_close(topic);
	}
}

static void old_messages_are_not_received(void)
{
	struct subscription s;
	struct topic_op op, waiting;
	u32 m = 1, got = 0;
	u64 begin_ns;

	MUST(topic_open("old", PARAMS(.queue = 1, .keep = 1, .lifespan_ns = MS(1)), &topic));
	CHECK_EQ(topic_try_publish(topic, &m), 0);
	topic_subscribe(&s, topic);
	begin_ns = clock_ns();
	m = 2;
	CHECK_EQ(await_poll(topic_publish(&waiting, topic, &m)), POLL_PENDING);
	while (clock_ns() <= begin_ns + MS(1))
		arch_relax();
	CHECK_EQ(await_poll(topic_receive(&op, &s, &got)), POLL_PENDING);
	CHECK_EQ(await_poll(&waiting.aw), POLL_READY);
	CHECK_EQ(await_poll(&op.aw), POLL_READY);
	CHECK_EQ(got, 2);
	CHECK_EQ(s.lost, 0);
	topic_unsubscribe(&s);
	topic_close(topic);
}

/* A subscriber that leaves, or a publisher that gives up, lets the next publisher go on. */
static void leaving_makes_room(void)
{
	struct subscription s;
	struct topic_op op[2];
	u32 m = 1;

	MUST(topic_open("room", PARAMS(.queue = 1), &topic));
	topic_subscribe(&s, topic);
	CHECK_EQ(topic_try_publish(topic, &m), 0);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(await_poll(topic_publish(&op[i], topic, &m)), POLL_PENDING);
	topic_unsubscribe(&s);
	CHECK_EQ(await_poll(&op[1].aw), POLL_PENDING); /* its turn comes second */
	CHECK_EQ(topic_try_publish(topic, &m), ERR_AGAIN);
	await_cancel(&op[0].aw);
	CHECK_EQ(await_poll(&op[1].aw), POLL_READY);
	topic_close(topic);
}

static unsigned told;

static void is_told(struct subscription *s)
{
	CHECK(s->arrived == is_told);
	told++;
}

/* Who listens is told of each message from then on, and of no other. */
static void listening_tells_of_each_message(void)
{
	struct subscription s;
	u32 m = 1, got = 0;

	told = 0;
	MUST(topic_open("told", PARAMS(.queue = 2, .keep = 2, .overwrite = true), &topic));
	CHECK_EQ(topic_try_publish(topic, &m), 0);
	topic_listen(&s, topic, is_told);
	CHECK_EQ(topic_try_receive(&s, &got), ERR_AGAIN);
	for (m = 2; m < 5; m++)
		CHECK_EQ(topic_try_publish(topic, &m), 0);
	CHECK_EQ(told, 3);
	CHECK_EQ(topic_try_receive(&s, &got), 0);
	CHECK_EQ(got, 3);
	CHECK_EQ(s.lost, 1);
	CHECK_EQ(topic_try_receive(&s, &got), 0);
	CHECK_EQ(topic_try_receive(&s, &got), ERR_AGAIN);
	topic_unsubscribe(&s);
	CHECK_EQ(topic_try_publish(topic, &m), 0);
	CHECK_EQ(told, 3);
	topic_close(topic);
}

/* Several at a time, with time limits. */
#define TASKS    3u
#define MESSAGES 30u

struct worker {
	struct async async;
	struct topic_op op;
	struct subscription subscription;
	struct timeout timeout;
	struct wait wait;
	struct call *call;
	struct service *service;
	u64 random;
	u32 id, i, message;
	u32 next[TASKS];
};

static u64 patience(struct worker *me)
{
	return test_below(&me->random, 2) ? SEC(100) : test_below(&me->random, US(10));
}

static enum poll publishes(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		me->message = me->id << 16 | me->i;
		do {
			AWAIT(me, timeout_after(&me->timeout,
						topic_publish(&me->op, topic, &me->message),
						patience(me)));
		} while (timeout_status(&me->timeout));
	}
	ASYNC_END(me);
}

static _Atomic unsigned subscribed;

/* Subscribed before the first message, it gets all of them, those of one publisher in order. */
static enum poll subscribes(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	topic_subscribe(&me->subscription, topic);
	/* relaxed: a number to wait for, and no more */
	atomic_fetch_add_explicit(&subscribed, 1, memory_order_relaxed);
	for (me->i = 0; me->i < TASKS * MESSAGES; me->i++) {
		do {
			AWAIT(me,
			      timeout_after(&me->timeout,
					    topic_receive(&me->op, &me->subscription, &me->message),
					    patience(me)));
		} while (timeout_status(&me->timeout));
		CHECK_EQ(me->message & 0xffff, me->next[me->message >> 16]++);
	}
	CHECK_EQ(me->subscription.lost, 0);
	topic_unsubscribe(&me->subscription);
	ASYNC_END(me);
}

/* Comes and goes; what it receives of one publisher is in order. */
static enum poll drops_in(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		if (me->i % 3 == 0)
			topic_subscribe(&me->subscription, topic);
		AWAIT(me, timeout_after(&me->timeout,
					topic_receive(&me->op, &me->subscription, &me->message),
					US(10)));
		if (me->i % 3 == 2)
			topic_unsubscribe(&me->subscription);
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *tasks[2 * TASKS + 1];
	u64 random, blocks;
	unsigned i;
};

static void spawn(struct scene *me, unsigned i, task_fn *fn, struct service *s)
{
	MUST(TASK_SPAWN(&me->tasks[i], "worker", fn,
			((struct worker){
				.id = i % TASKS, .service = s, .random = test_random(&me->random)}),
			test_below(&me->random, 2)
				? SCHED_PARAMS_FIFO((u8)test_below(&me->random, 20))
				: SCHED_PARAMS_RR((u8)test_below(&me->random, 3), US(50))));
}

static enum poll join_all(struct scene *me)
{
	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ARRAY_LEN(me->tasks); me->i++) {
		if (!me->tasks[me->i])
			continue;
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
		me->tasks[me->i] = NULL;
	}
	ASYNC_END(me);
}

struct test_scene {
	struct async async;
	struct sleep sleep;
	struct scene scene;
	struct service *service;
	struct subscription subscription;
	struct topic_op op;
	u32 message, round;
	u64 blocks;
};

static enum poll every_subscriber_gets_every_message(void *frame)
{
	struct test_scene *me = frame;

	ASYNC_BEGIN(me);
	me->scene.random = trace_descriptor.seed;
	subscribed = 0;
	MUST(topic_open("many", PARAMS(.queue = 1 + (u32)test_below(&me->scene.random, 4)),
			&topic));
	for (unsigned i = 0; i < TASKS; i++)
		spawn(&me->scene, i, subscribes, NULL);
	while (atomic_load_explicit(&subscribed, memory_order_relaxed) < TASKS)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	for (unsigned i = TASKS; i < 2 * TASKS; i++)
		spawn(&me->scene, i, publishes, NULL);
	spawn(&me->scene, 2 * TASKS, drops_in, NULL);
	AWAIT_CALL(me, join_all, &me->scene);
	CHECK_EQ(topic->sent, TASKS * MESSAGES);
	CHECK(list_empty(&topic->subscriptions) && list_empty(&topic->publishers) &&
	      list_empty(&topic->receivers));
	topic_close(topic);
	ASYNC_END(me);
}

static enum poll publishes_once(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, topic_publish(&me->op, topic, &me->message));
	ASYNC_END(me);
}

/* Another task waits to publish, and only this one can see to it that it goes on: first by
 * leaving as a subscriber, then by giving up a publish that comes before it. */
static enum poll leaving_wakes_a_publisher(void *frame)
{
	struct test_scene *me = frame;

	ASYNC_BEGIN(me);
	me->scene.random = trace_descriptor.seed;
	MUST(topic_open("leaving", PARAMS(.queue = 1), &topic));
	for (me->round = 0; me->round < 2; me->round++) {
		topic_subscribe(&me->subscription, topic);
		CHECK_EQ(topic_try_publish(topic, &me->message), 0);
		if (me->round)
			CHECK_EQ(await_poll(topic_publish(&me->op, topic, &me->message)),
				 POLL_PENDING);
		spawn(&me->scene, 0, publishes_once, NULL);
		AWAIT(me, sleep_for(&me->sleep, US(300)));
		topic_unsubscribe(&me->subscription);
		if (me->round)
			await_cancel(&me->op.aw);
		AWAIT_CALL(me, join_all, &me->scene);
	}
	CHECK_EQ(topic->sent, 4);
	topic_close(topic);
	ASYNC_END(me);
}

/* Replies with the square; refuses multiples of 7. */
static enum poll serves(void *frame)
{
	struct worker *me = frame;
	u32 n;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, timeout_after(&me->timeout, service_accept(&me->wait, me->service),
					patience(me)));
		if (timeout_status(&me->timeout))
			continue;
		me->call = service_next(me->service);
		if (!me->call)
			break;
		CHECK_EQ(me->call->bytes, sizeof n);
		memcpy(&n, me->call->data, sizeof n);
		n *= n;
		memcpy(me->call->data, &n, sizeof n);
		call_answer(me->call, n % 7 ? 0 : ERR_INVAL);
	}
	ASYNC_END(me);
}

static enum poll calls(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		MUST(service_call(me->service, &me->i, sizeof me->i, &me->call));
		AWAIT(me,
		      timeout_after(&me->timeout, call_wait(&me->wait, me->call), patience(me)));
		if (!timeout_status(&me->timeout)) {
			CHECK_EQ(me->call->status, me->i % 7 ? 0 : ERR_INVAL);
			memcpy(&me->message, me->call->data, sizeof me->message);
			CHECK_EQ(me->message, me->i * me->i);
		}
		call_put(me->call);
	}
	ASYNC_END(me);
}

static enum poll calls_are_answered_or_given_up(void *frame)
{
	struct test_scene *me = frame;
	struct call *call;

	ASYNC_BEGIN(me);
	me->blocks = kmalloc_stats().blocks;
	MUST(service_open("square", &me->service));
	me->scene.random = trace_descriptor.seed;
	for (unsigned i = 0; i < TASKS; i++)
		spawn(&me->scene, i, calls, me->service);
	spawn(&me->scene, TASKS, serves, me->service);
	spawn(&me->scene, TASKS + 1, serves, me->service);
	for (me->scene.i = 0; me->scene.i < TASKS; me->scene.i++) {
		AWAIT(me, task_join(&me->scene.join, me->scene.tasks[me->scene.i]));
		task_put(me->scene.tasks[me->scene.i]);
		me->scene.tasks[me->scene.i] = NULL;
	}
	service_stop(me->service);
	CHECK_EQ(service_call(me->service, "x", 1, &call), ERR_CLOSED);
	AWAIT_CALL(me, join_all, &me->scene);
	service_close(me->service);
	/* The memory of a task that was joined is given back a little later. */
	for (me->scene.i = 0; me->scene.i < 100 && kmalloc_stats().blocks > me->blocks;
	     me->scene.i++)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	ASYNC_END(me);
}

static void stopping_refuses_what_waits(void)
{
	struct service *s;
	struct call *call;
	struct wait w;
	u64 blocks = kmalloc_stats().blocks;

	MUST(service_open("nobody", &s));
	MUST(service_call(s, "hello", 6, &call));
	CHECK_EQ(await_poll(call_wait(&w, call)), POLL_PENDING);
	service_close(s);
	CHECK_EQ(await_poll(&w.aw), POLL_READY);
	CHECK_EQ(call->status, ERR_CLOSED);
	call_put(call);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

TESTS_MAIN(PLAIN(topics_are_found_by_name), PLAIN(subscribers_against_a_model),
	   PLAIN(old_messages_are_not_received), PLAIN(leaving_makes_room),
	   PLAIN(listening_tells_of_each_message),
	   ASYNC(every_subscriber_gets_every_message), ASYNC(leaving_wakes_a_publisher),
	   ASYNC(calls_are_answered_or_given_up), PLAIN(stopping_refuses_what_waits));
