/* Two tasks on two CPUs, so short that every schedule can be gone through: whichever CPU goes on
 * first, at whichever access, nobody is left waiting, and nothing is lost.
 */
#include "async/channel.h"
#include "async/select.h"
#include "lab05.h"

struct scene {
	struct async async;
	struct join join;
	struct task *task;
	struct channel_op op;
	struct timeout timeout;
	u64 random;
	u32 message, sum;
};

static struct gate there, back;

static void pass(struct gate *g, struct task *t)
{
	/* release: with gate_poll's acquire */
	atomic_store_explicit(&g->open, true, memory_order_release);
	task_wake(t);
}

static enum poll waits(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, gate_wait(&there));
	explored_to_here();
	pass(&back, me->task);
	ASYNC_END(me);
}

/* Before its first poll, in it, or after it. */
static enum poll a_wake_up_comes_at_any_time(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&me->task, "waits", waits, ((struct scene){.task = task_self()}), SAME));
	explored_from_here();
	pass(&there, me->task);
	AWAIT(me, gate_wait(&back));
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll ends(void *frame)
{
	(void)frame;
	return POLL_READY;
}

/* Before it is joined, while it is, or after. */
static enum poll a_task_ends_at_any_time(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&me->task, "ends", ends, (struct scene){}, SAME));
	explored_from_here();
	AWAIT(me, task_join(&me->join, me->task));
	explored_to_here();
	task_put(me->task);
	ASYNC_END(me);
}

static struct channel channel;
static u32 slots[1];

static enum poll receives(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	explored_from_here();
	for (;;) {
		AWAIT(me,
		      timeout_after(&me->timeout, channel_receive(&me->op, &channel, &me->message),
				    200 + test_below(&me->random, US(2))));
		if (timeout_status(&me->timeout))
			continue;
		if (me->op.status)
			break;
		me->sum += me->message;
	}
	EXPECT(me->sum == 3,
	       "1 and 2 were sent to a receiver that is cancelled now and then, and what it got "
	       "adds up to %u",
	       me->sum);
	ASYNC_END(me);
}

static enum poll a_cancel_comes_at_any_time(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	channel_init(&channel, slots, 1, sizeof slots[0]);
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	MUST(TASK_SPAWN(&me->task, "receives", receives, ((struct scene){.random = me->random}),
			SAME));
	for (me->message = 1; me->message <= 2; me->message++)
		AWAIT(me, channel_send(&me->op, &channel, &me->message));
	channel_close(&channel);
	AWAIT(me, task_join(&me->join, me->task));
	explored_to_here();
	task_put(me->task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_wake_up_comes_at_any_time), ASYNC(a_task_ends_at_any_time),
	   ASYNC(a_cancel_comes_at_any_time));
