/*
 * Channels: order, fairness, closing, cancelling; nothing lost, nothing doubled.
 * cpus: 1 4
 * seeds: 8
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/sleep.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define LOW SCHED_PARAMS_FIFO(8)

static struct channel channel;
static u32 slots[8];

static void setup(u32 capacity)
{
	channel_init(&channel, slots, capacity, sizeof slots[0]);
}

static void try_functions(void)
{
	u32 out, messages[] = {11, 22, 33};

	setup(2);
	CHECK_EQ(channel_try_receive(&channel, &out), ERR_AGAIN);
	CHECK_EQ(channel_try_send(&channel, &messages[0]), 0);
	CHECK_EQ(channel_try_send(&channel, &messages[1]), 0);
	CHECK_EQ(channel_try_send(&channel, &messages[2]), ERR_AGAIN);
	CHECK_EQ(channel_try_receive(&channel, &out), 0);
	CHECK_EQ(out, 11);
	CHECK_EQ(channel_try_send(&channel, &messages[2]), 0);
	CHECK_EQ(channel_try_receive(&channel, &out), 0);
	CHECK_EQ(out, 22);
	channel_close(&channel);
	channel_close(&channel);
	CHECK_EQ(channel_try_send(&channel, &messages[0]), ERR_CLOSED);
	CHECK_EQ(channel_try_receive(&channel, &out), 0);
	CHECK_EQ(out, 33);
	CHECK_EQ(channel_try_receive(&channel, &out), ERR_CLOSED);
}

/* Messages of odd sizes are copied whole. */
static void message_sizes(void)
{
	struct message {
		u8 bytes[13];
	} store[3], in, out;

	channel_init(&channel, store, 3, sizeof in);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < sizeof in; k++)
			in.bytes[k] = (u8)(i * 17 + k);
		CHECK_EQ(channel_try_send(&channel, &in), 0);
		memset(&out, 0, sizeof out);
		CHECK_EQ(channel_try_receive(&channel, &out), 0);
		CHECK(!memcmp(&in, &out, sizeof in));
	}
}

/* One send or receive in a task of its own; what came of it is left for the test to see. */
struct outcome {
	struct task *task;
	u32 message;
	int status;
	unsigned turn; /* the how-manieth to end; 0: has not ended */
};
static struct outcome outcomes[8];
static _Atomic unsigned turns;

struct one {
	struct async async;
	struct channel_op op;
	struct outcome *outcome;
	bool sends;
};

static enum poll one(void *frame)
{
	struct one *me = frame;

	ASYNC_BEGIN(me);
	if (me->sends)
		AWAIT(me, channel_send(&me->op, &channel, &me->outcome->message));
	else
		AWAIT(me, channel_receive(&me->op, &channel, &me->outcome->message));
	me->outcome->status = me->op.status;
	/* acq_rel: the test reads outcomes after it has joined the task */
	me->outcome->turn = atomic_fetch_add_explicit(&turns, 1, memory_order_acq_rel) + 1;
	ASYNC_END(me);
}

static void start(unsigned i, bool sends, u32 message)
{
	outcomes[i] = (struct outcome){.message = message};
	MUST(TASK_SPAWN(&outcomes[i].task, sends ? "sends" : "receives", one,
			((struct one){.outcome = &outcomes[i], .sends = sends}), LOW));
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct channel_op op, op2;
	unsigned i, round;
	u32 message;
	u64 random;
	struct task *tasks[12];
};

static enum poll join_all(struct scene *me)
{
	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ARRAY_LEN(outcomes); me->i++) {
		if (!outcomes[me->i].task)
			continue;
		AWAIT(me, task_join(&me->join, outcomes[me->i].task));
		task_put(outcomes[me->i].task);
		outcomes[me->i].task = NULL;
	}
	atomic_store_explicit(&turns, 0, memory_order_relaxed);
	ASYNC_END(me);
}

struct test_scene {
	struct async async;
	struct scene scene;
};

/* Receivers that came first are served first, each with the next message. */
static enum poll receivers_in_order_of_arrival(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;

	ASYNC_BEGIN(me);
	setup(4);
	for (s->round = 0; s->round < 4; s->round++) {
		start(s->round, false, 0);
		AWAIT(me, sleep_for(&s->sleep, US(300)));
	}
	for (u32 m = 100; m < 104; m++)
		CHECK_EQ(channel_try_send(&channel, &m), 0);
	AWAIT_CALL(me, join_all, s);
	for (u32 i = 0; i < 4; i++) {
		CHECK_EQ(outcomes[i].status, 0);
		CHECK_EQ(outcomes[i].message, 100 + i);
	}
	ASYNC_END(me);
}

/* Nobody overtakes a waiter, not even between its wake-up and its poll. */
static enum poll nobody_overtakes_a_waiter(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;
	u32 m;

	ASYNC_BEGIN(me);
	setup(4);
	start(0, false, 0);
	AWAIT(me, sleep_for(&s->sleep, US(300)));
	m = 7;
	preempt_disable();
	CHECK_EQ(channel_try_send(&channel, &m), 0);
	if (cpu_count == 1)
		CHECK_EQ(channel_try_receive(&channel, &m), ERR_AGAIN);
	preempt_enable();
	AWAIT_CALL(me, join_all, s);
	CHECK_EQ(outcomes[0].message, 7);
	ASYNC_END(me);
}

static enum poll senders_in_order_of_arrival(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;
	u32 m;

	ASYNC_BEGIN(me);
	setup(1);
	m = 1;
	CHECK_EQ(channel_try_send(&channel, &m), 0);
	for (s->round = 0; s->round < 4; s->round++) {
		start(s->round, true, 200 + s->round);
		AWAIT(me, sleep_for(&s->sleep, US(300)));
	}
	m = 9;
	CHECK_EQ(channel_try_send(&channel, &m), ERR_AGAIN);
	for (s->round = 0; s->round < 5; s->round++) {
		AWAIT(me, channel_receive(&s->op, &channel, &s->message));
		CHECK_EQ(s->op.status, 0);
		CHECK_EQ(s->message, s->round ? 199 + s->round : 1);
	}
	AWAIT_CALL(me, join_all, s);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(outcomes[i].status, 0);
	ASYNC_END(me);
}

/* Closing ends every wait: senders lose their message, receivers get the rest first. */
static enum poll close_ends_every_wait(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;

	ASYNC_BEGIN(me);
	setup(1);
	for (s->round = 0; s->round < 3; s->round++)
		start(s->round, false, 0);
	AWAIT(me, sleep_for(&s->sleep, US(300)));
	channel_close(&channel);
	AWAIT_CALL(me, join_all, s);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(outcomes[i].status, ERR_CLOSED);

	setup(1);
	for (s->round = 0; s->round < 3; s->round++)
		start(s->round, true, 50 + s->round);
	AWAIT(me, sleep_for(&s->sleep, US(300)));
	channel_close(&channel);
	AWAIT_CALL(me, join_all, s);
	CHECK_EQ((outcomes[0].status == 0) + (outcomes[1].status == 0) + (outcomes[2].status == 0),
		 1);
	AWAIT(me, channel_receive(&s->op, &channel, &s->message));
	CHECK_EQ(s->op.status, 0);
	CHECK(s->message >= 50 && s->message < 53);
	AWAIT(me, channel_receive(&s->op, &channel, &s->message));
	CHECK_EQ(s->op.status, ERR_CLOSED);
	ASYNC_END(me);
}

/*
 * The test waits first, another receiver second. A message wakes the test, which changes its mind
 * before it looks: the message must go to the other one. Nobody else would wake that.
 */
static enum poll canceled_receiver_wakes_the_next(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;
	u32 m;

	ASYNC_BEGIN(me);
	setup(4);
	CHECK_EQ(await_poll(channel_receive(&s->op, &channel, &s->message)), POLL_PENDING);
	start(0, false, 0);
	AWAIT(me, sleep_for(&s->sleep, US(300)));
	m = 77;
	CHECK_EQ(channel_try_send(&channel, &m), 0);
	await_cancel(&s->op.aw);
	AWAIT_CALL(me, join_all, s);
	CHECK_EQ(outcomes[0].status, 0);
	CHECK_EQ(outcomes[0].message, 77);
	ASYNC_END(me);
}

static enum poll canceled_sender_wakes_the_next(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;
	u32 m;

	ASYNC_BEGIN(me);
	setup(1);
	m = 1;
	CHECK_EQ(channel_try_send(&channel, &m), 0);
	s->message = 2;
	CHECK_EQ(await_poll(channel_send(&s->op, &channel, &s->message)), POLL_PENDING);
	start(0, true, 3);
	AWAIT(me, sleep_for(&s->sleep, US(300)));
	CHECK_EQ(channel_try_receive(&channel, &m), 0);
	CHECK_EQ(m, 1);
	await_cancel(&s->op.aw);
	AWAIT_CALL(me, join_all, s);
	CHECK_EQ(channel_try_receive(&channel, &m), 0);
	CHECK_EQ(m, 3);
	ASYNC_END(me);
}

/* Many senders and receivers, some of whom give up and try again. */
#define SENDERS 6u
#define MESSAGES 40u
static u8 seen[SENDERS][MESSAGES];
static _Atomic unsigned out_of_order;

struct sender {
	struct async async;
	struct channel_op op;
	struct sleep sleep;
	u64 random;
	u32 id, i, message;
};

static enum poll many_send(void *frame)
{
	struct sender *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		me->message = me->id << 16 | me->i;
		while (test_below(&me->random, 4) == 0) {
			/* Begins to send and, unless that is done at once, changes its mind. */
			if (await_poll(channel_send(&me->op, &channel, &me->message)) == POLL_READY)
				goto sent;
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(4))));
			if (await_poll(&me->op.aw) == POLL_READY)
				goto sent;
			await_cancel(&me->op.aw);
		}
		AWAIT(me, channel_send(&me->op, &channel, &me->message));
	sent:
		CHECK_EQ(me->op.status, 0);
	}
	ASYNC_END(me);
}

struct receiver {
	struct async async;
	struct channel_op op;
	struct sleep sleep;
	u64 random;
	u32 message;
	u32 last[SENDERS]; /* + 1, of what this receiver had from each */
};

static void receive_one(struct receiver *me)
{
	u32 from = me->message >> 16, i = me->message & 0xffff;

	CHECK(from < SENDERS && i < MESSAGES);
	seen[from][i]++;
	if (i + 1 <= me->last[from])
		atomic_fetch_add_explicit(&out_of_order, 1, memory_order_relaxed);
	me->last[from] = i + 1;
}

static enum poll many_receive(void *frame)
{
	struct receiver *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		while (test_below(&me->random, 4) == 0) {
			if (await_poll(channel_receive(&me->op, &channel, &me->message)) ==
			    POLL_READY)
				goto received;
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(4))));
			if (await_poll(&me->op.aw) == POLL_READY)
				goto received;
			await_cancel(&me->op.aw);
		}
		AWAIT(me, channel_receive(&me->op, &channel, &me->message));
	received:
		if (me->op.status)
			break;
		receive_one(me);
	}
	ASYNC_END(me);
}

static enum poll many_senders_and_receivers(void *frame)
{
	struct test_scene *me = frame;
	struct scene *s = &me->scene;

	ASYNC_BEGIN(me);
	s->random = trace_descriptor.seed;
	setup(1 + (u32)test_below(&s->random, ARRAY_LEN(slots)));
	memset(seen, 0, sizeof seen);
	for (u32 i = 0; i < SENDERS; i++) {
		MUST(TASK_SPAWN(&s->tasks[i], "sends", many_send,
				((struct sender){.id = i, .random = test_random(&s->random)}),
				SCHED_PARAMS_FIFO((u8)test_below(&s->random, 20))));
		MUST(TASK_SPAWN(&s->tasks[SENDERS + i], "receives", many_receive,
				((struct receiver){.random = test_random(&s->random)}),
				SCHED_PARAMS_RR((u8)test_below(&s->random, 3), US(50))));
	}
	for (s->i = 0; s->i < 2 * SENDERS; s->i++) {
		AWAIT(me, task_join(&s->join, s->tasks[s->i]));
		task_put(s->tasks[s->i]);
		if (s->i + 1 == SENDERS)
			channel_close(&channel);
	}
	for (unsigned i = 0; i < SENDERS * MESSAGES; i++)
		CHECK_EQ(seen[i / MESSAGES][i % MESSAGES], 1);
	CHECK_EQ(out_of_order, 0);
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(try_functions), PLAIN(message_sizes), ASYNC(receivers_in_order_of_arrival),
	   ASYNC(nobody_overtakes_a_waiter), ASYNC(senders_in_order_of_arrival),
	   ASYNC(close_ends_every_wait), ASYNC(canceled_receiver_wakes_the_next),
	   ASYNC(canceled_sender_wakes_the_next), ASYNC(many_senders_and_receivers));
