/* Senders, and receivers that lose patience: every message is received once, whoever is cancelled.
 */
#include "async/channel.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "lab05.h"

#define SENDERS   3u
#define RECEIVERS 3u
#define MESSAGES  12u

static struct channel channel;
static struct semaphore permits;
static u32 slots[2];
static _Atomic u64 received, sum;

struct sends {
	struct async async;
	struct channel_op op;
	struct sleep sleep;
	struct wait wait;
	u64 random;
	u32 first, i, message;
};

static enum poll sends(void *frame)
{
	struct sends *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		AWAIT(me, semaphore_acquire(&me->wait, &permits, 1, TRACE_await_kind_semaphore));
		me->message = me->first + me->i;
		AWAIT(me, channel_send(&me->op, &channel, &me->message));
		semaphore_release(&permits, 1);
		if (test_below(&me->random, 2))
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(30))));
	}
	ASYNC_END(me);
}

struct receives {
	struct async async;
	struct channel_op op;
	struct timeout timeout;
	u64 random;
	u32 message;
};

static enum poll receives(void *frame)
{
	struct receives *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me,
		      timeout_after(&me->timeout, channel_receive(&me->op, &channel, &me->message),
				    test_below(&me->random, US(12))));
		if (timeout_status(&me->timeout))
			continue;
		if (me->op.status)
			break;
		/* relaxed: read after the receivers were joined */
		atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&sum, me->message, memory_order_relaxed);
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	struct task *tasks[SENDERS + RECEIVERS];
	unsigned i;
	u64 expected, random;
};

static enum poll join_some(struct scene *me, unsigned from, unsigned to)
{
	ASYNC_BEGIN(me);
	for (me->i = from; me->i < to; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

static enum poll join_senders(void *frame)
{
	return join_some(frame, 0, SENDERS);
}

static enum poll join_receivers(void *frame)
{
	return join_some(frame, SENDERS, SENDERS + RECEIVERS);
}

struct both {
	struct async async;
	struct scene scene;
};

static void spawn_all(struct scene *s)
{
	u64 random = test_number(board_cmdline(), "set", trace_descriptor.seed);

	channel_init(&channel, slots, ARRAY_LEN(slots), sizeof slots[0]);
	semaphore_init(&permits, 2);
	for (u32 i = 0; i < SENDERS; i++) {
		struct sends frame = {.first = i * 100, .random = random + i};

		MUST(TASK_SPAWN(&s->tasks[i], "sends", sends, frame,
				SCHED_PARAMS_FIFO((u8)(8 + test_below(&random, 3)))));
		for (u32 k = 0; k < MESSAGES; k++)
			s->expected += frame.first + k;
	}
	for (u32 i = 0; i < RECEIVERS; i++)
		MUST(TASK_SPAWN(&s->tasks[SENDERS + i], "receives", receives,
				((struct receives){.random = random + 10 + i}),
				SCHED_PARAMS_FIFO((u8)(8 + test_below(&random, 3)))));
}

static enum poll nothing_is_lost_or_doubled(void *frame)
{
	struct both *me = frame;

	ASYNC_BEGIN(me);
	spawn_all(&me->scene);
	AWAIT_CALL(me, join_senders, &me->scene);
	channel_close(&channel);
	AWAIT_CALL(me, join_receivers, &me->scene);
	EXPECT(received == SENDERS * MESSAGES,
	       "%u messages were sent, and %llu received, by receivers that are cancelled now and "
	       "then: %s",
	       SENDERS * MESSAGES, (unsigned long long)received,
	       received < SENDERS * MESSAGES ? "some were lost" : "some came twice");
	EXPECT(sum == me->scene.expected,
	       "the messages that were received add up to %llu, not to %llu: they are not those "
	       "that were sent",
	       (unsigned long long)sum, (unsigned long long)me->scene.expected);
	ASYNC_END(me);
}

struct two {
	struct async async;
	struct select select;
	struct awaitable *arms[2];
	struct sleep sleep;
	struct gate gate;
};

/* A sleep that began, and a gate that is open. */
static enum poll who_is_not_chosen_is_cancelled(void *frame)
{
	struct two *me = frame;

	ASYNC_BEGIN(me);
	me->gate.open = true;
	me->arms[0] = sleep_for(&me->sleep, MS(1));
	me->arms[1] = gate_wait(&me->gate);
	AWAIT(me, select_biased(&me->select, me->arms, 2));
	EXPECT(me->select.index == 1, "of a sleep and an open gate select chose arm %u",
	       me->select.index);
	EXPECT(!timer_cancel(&me->sleep.timer), "select chose an open gate, and the sleep beside "
						"it goes on: its timer will fire into "
						"memory that is something else by then");
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(who_is_not_chosen_is_cancelled), ASYNC(nothing_is_lost_or_doubled));
