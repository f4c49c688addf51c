/* Channels: order, bounds, closing, cancelling. */
#include "async/channel.h"
#include "lab05.h"

static struct channel channel;
static u32 slots[4];

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct channel_op op, second;
	struct awaitable *first, *other;
	struct task *task;
	u32 message, got, more, next;
	u64 random;
	unsigned i;
};

/* Against an array that is searched from end to end. */
static void a_channel_against_a_row(void)
{
	u32 row[4], n = 0, sent = 0, out;
	u64 random = trace_descriptor.seed;

	channel_init(&channel, slots, 3, sizeof slots[0]);
	for (unsigned step = 0; step < 500; step++) {
		if (test_below(&random, 2)) {
			int err = channel_try_send(&channel, &(u32){++sent});

			EXPECT(err == (n == 3 ? ERR_AGAIN : 0),
			       "a channel for 3 messages holds %u; sending one more gives %s", n,
			       err_name(err));
			if (!err)
				row[n++] = sent;
		} else {
			int err = channel_try_receive(&channel, &out);

			EXPECT(err == (n ? 0 : ERR_AGAIN),
			       "a channel holds %u messages; receiving gives %s", n, err_name(err));
			if (err)
				continue;
			EXPECT(out == row[0],
			       "messages leave in the order in which they were sent: the next one "
			       "is %u, and %u was received",
			       row[0], out);
			for (unsigned i = 1; i < n; i++)
				row[i - 1] = row[i];
			n--;
		}
	}
}

static _Atomic unsigned received;

struct receives {
	struct async async;
	struct channel_op op;
	u32 message, expected;
};

static enum poll receives(void *frame)
{
	struct receives *me = frame;

	ASYNC_BEGIN(me);
	for (me->expected = 1;; me->expected++) {
		AWAIT(me, channel_receive(&me->op, &channel, &me->message));
		if (me->op.status)
			break;
		/* relaxed: looked at when this task has long waited again */
		atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
		EXPECT(me->message == me->expected, "the %u. message arrived as the %u.",
		       me->message, me->expected);
	}
	ASYNC_RETURN(me, (int)me->expected - 1);
	ASYNC_END(me);
}

static enum poll all_arrive_and_then_it_is_closed(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	channel_init(&channel, slots, 2, sizeof slots[0]);
	MUST(TASK_SPAWN(&me->task, "receives", receives, (struct receives){}, SAME));
	me->random = trace_descriptor.seed;
	for (me->message = 1; me->message <= 40; me->message++) {
		AWAIT(me, channel_send(&me->op, &channel, &me->message));
		EXPECT(!me->op.status, "sending into an open channel gives %s",
		       err_name(me->op.status));
		if (test_below(&me->random, 3) == 0)
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(20))));
	}
	channel_close(&channel);
	AWAIT(me, task_join(&me->join, me->task));
	EXPECT(me->join.status == 40,
	       "40 messages were sent and the channel was closed: %d were received. Receivers get "
	       "the rest "
	       "of the messages before they are told that it is closed",
	       me->join.status);
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll a_cancelled_receiver_hands_on(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	channel_init(&channel, slots, 2, sizeof slots[0]);
	me->first = channel_receive(&me->op, &channel, &me->got);
	me->other = channel_receive(&me->second, &channel, &me->more);
	EXPECT(await_poll(me->first) == POLL_PENDING && await_poll(me->other) == POLL_PENDING,
	       "an empty channel gives a message");
	me->message = 5;
	EXPECT(!channel_try_send(&channel, &me->message),
	       "two wait to receive, and sending without waiting does not go");
	EXPECT(channel_try_receive(&channel, &me->next) == ERR_AGAIN,
	       "one who came later took a message for which two others wait");
	EXPECT(await_poll(me->other) == POLL_PENDING,
	       "the second receiver overtook the first, who has been told and has not looked yet");
	await_cancel(me->first);
	EXPECT(await_poll(me->other) == POLL_READY && me->more == 5,
	       "the first receiver was told of a message and was cancelled; the second one did not "
	       "get it");
	ASYNC_END(me);
}

static enum poll the_next_receiver_is_woken(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	received = 0;
	channel_init(&channel, slots, 2, sizeof slots[0]);
	me->first = channel_receive(&me->op, &channel, &me->got);
	EXPECT(await_poll(me->first) == POLL_PENDING, "an empty channel gives a message");
	MUST(TASK_SPAWN(&me->task, "receives", receives, (struct receives){}, MORE));
	AWAIT(me, sleep_for(&me->sleep, US(50)));
	me->message = 1;
	MUST(channel_try_send(&channel, &me->message));
	await_cancel(me->first);
	AWAIT(me, sleep_for(&me->sleep, US(50)));
	EXPECT(received == 1,
	       "the receiver that was told of a message was cancelled, another one waits, and the "
	       "message still lies there: who leaves the queue must tell the next one");
	channel_close(&channel);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll a_cancelled_sender_hands_on(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	channel_init(&channel, slots, 1, sizeof slots[0]);
	MUST(channel_try_send(&channel, &(u32){1}));
	me->message = 2;
	me->more = 3;
	me->first = channel_send(&me->op, &channel, &me->message);
	me->other = channel_send(&me->second, &channel, &me->more);
	EXPECT(await_poll(me->first) == POLL_PENDING && await_poll(me->other) == POLL_PENDING,
	       "a full channel takes a message");
	MUST(channel_try_receive(&channel, &me->got));
	await_cancel(me->first);
	EXPECT(await_poll(me->other) == POLL_READY, "there is room, the first sender was told and "
						    "was cancelled; the second one cannot send");
	EXPECT(!channel_try_receive(&channel, &me->got) && me->got == 3,
	       "the message of a cancelled sender was sent");
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(a_channel_against_a_row), ASYNC(a_cancelled_receiver_hands_on),
	   ASYNC(a_cancelled_sender_hands_on), ASYNC(the_next_receiver_is_woken),
	   ASYNC(all_arrive_and_then_it_is_closed));
