/* Join and sleep. */
#include "core/time.h"
#include "lab05.h"

struct ends {
	struct async async;
	struct sleep sleep;
	u64 after_ns;
	int status;
};

static enum poll ends(void *frame)
{
	struct ends *me = frame;

	ASYNC_BEGIN(me);
	if (me->after_ns)
		AWAIT(me, sleep_for(&me->sleep, me->after_ns));
	ASYNC_RETURN(me, me->status);
	ASYNC_END(me);
}

static _Atomic unsigned joined;

struct joins {
	struct async async;
	struct join join;
	struct task *whom;
};

static enum poll joins(void *frame)
{
	struct joins *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, task_join(&me->join, me->whom));
	/* release: with the test's acquire */
	if (me->join.status == 7)
		atomic_fetch_add_explicit(&joined, 1, memory_order_release);
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct yield yield;
	struct task *task, *others[3];
	u64 random, until_ns;
	unsigned i;
};

static enum poll a_sleep_is_never_short(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	for (me->i = 0; me->i < 20; me->i++) {
		me->until_ns = clock_ns() + test_below(&me->random, US(50));
		AWAIT(me, sleep_until(&me->sleep, me->until_ns));
		EXPECT(clock_ns() >= me->until_ns, "a sleep ended before its time");
	}
	me->until_ns = clock_ns();
	AWAIT(me, sleep_until(&me->sleep, me->until_ns - 1));
	EXPECT(clock_ns() < me->until_ns + US(50),
	       "a sleep until a moment that had passed took time");
	ASYNC_END(me);
}

static enum poll a_cancelled_sleep_is_over(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 10; me->i++) {
		struct awaitable *a = sleep_for(&me->sleep, US(20));

		EXPECT(await_poll(a) == POLL_PENDING, "a sleep of 20 us is ready at once");
		await_cancel(a);
		EXPECT(!timer_cancel(&me->sleep.timer),
		       "a sleep was cancelled, but its timer still runs: it "
		       "will fire into memory that is something else by then");
	}
	ASYNC_END(me);
}

static enum poll a_sleep_arms_once_and_lets_go(void *frame)
{
	struct scene *me = frame;
	struct awaitable *a;
	bool irqs;

	ASYNC_BEGIN(me);
	a = sleep_for(&me->sleep, MS(1));
	EXPECT(await_poll(a) == POLL_PENDING, "a sleep of 1 ms is ready at once");
	EXPECT(timer_cancel(&me->sleep.timer), "a sleep was polled, and armed no timer");
	EXPECT(await_poll(a) == POLL_PENDING, "a sleep of 1 ms is ready at once");
	EXPECT(!timer_cancel(&me->sleep.timer),
	       "a sleep that was polled a second time, before its time, armed its timer again: what "
	       "stands in the timers' queue already is put there twice");
	await_cancel(a);

	irqs = arch_irq_save(); /* the timer is due, and cannot fire */
	a = sleep_for(&me->sleep, US(5));
	EXPECT(await_poll(a) == POLL_PENDING, "a sleep of 5 us is ready at once");
	while (clock_ns() < me->sleep.until_ns)
		arch_relax();
	EXPECT(await_poll(a) == POLL_READY, "a sleep's time has come, and its poll says pending");
	EXPECT(!timer_cancel(&me->sleep.timer),
	       "a sleep was polled after its time, before its timer had fired, and left the timer "
	       "armed: it will fire into memory that is something else by then");
	arch_irq_restore(irqs);
	ASYNC_END(me);
}

static enum poll all_who_join_get_the_status(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	joined = 0;
	MUST(TASK_SPAWN(&me->task, "ends", ends, ((struct ends){.after_ns = US(30), .status = 7}),
			SAME));
	for (me->i = 0; me->i < 3; me->i++)
		MUST(TASK_SPAWN(&me->others[me->i], "joins", joins,
				((struct joins){.whom = me->task}), SAME));
	AWAIT(me, sleep_for(&me->sleep, US(300)));
	EXPECT(atomic_load_explicit(&joined, memory_order_acquire) == 3,
	       "three tasks join a task that ends with status 7: %u of them got that", joined);
	AWAIT(me, task_join(&me->join, me->task));
	EXPECT(me->join.status == 7, "joining a task that has ended gives %d, not its status 7",
	       me->join.status);
	for (me->i = 0; me->i < 3; me->i++) {
		AWAIT(me, task_join(&me->join, me->others[me->i]));
		task_put(me->others[me->i]);
	}
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll who_no_longer_joins_is_not_woken(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&me->task, "ends", ends, ((struct ends){.after_ns = US(30), .status = 7}),
			SAME));
	{
		struct awaitable *a = task_join(&me->join, me->task);

		EXPECT(await_poll(a) == POLL_PENDING, "joining a task that runs is ready");
		await_cancel(a);
		EXPECT(!me->join.waiter.task,
		       "a cancelled join still stands in the task's queue of joiners");
		/* If it still stands there, this is what the queue leads to. */
		memset(&me->join, 0, sizeof me->join);
	}
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	task_put(me->task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_sleep_is_never_short), ASYNC(a_cancelled_sleep_is_over),
	   ASYNC(a_sleep_arms_once_and_lets_go),
	   ASYNC(all_who_join_get_the_status), ASYNC(who_no_longer_joins_is_not_woken));
