/* One CPU's timer is due, and another CPU cancels it: at whichever access, it is cancelled or
 * fired, not both, and when timer_cancel returns its function is not at work.
 */
#include "../../common/program.h"
#include "async/join.h"
#include "core/time.h"

#define ACCESSES 150u

static _Atomic unsigned there;
static struct timer timer;
static _Atomic bool inside, fired, over;
static bool cancelled;

static void await_both(void)
{
	atomic_fetch_add_explicit(&there, 1, memory_order_release);
	while (atomic_load_explicit(&there, memory_order_acquire) < 2)
		arch_relax();
}

static void fires(struct timer *t)
{
	(void)t;
	atomic_store_explicit(&inside, true, memory_order_relaxed);
	atomic_store_explicit(&inside, false, memory_order_relaxed);
	atomic_store_explicit(&fired, true, memory_order_release);
}

static enum poll cancels(void *frame)
{
	(void)frame;
	await_both();
	while (!atomic_load_explicit(&timer.cpu, memory_order_acquire))
		arch_relax();
	cancelled = timer_cancel(&timer);
	EXPECT(!atomic_load_explicit(&inside, memory_order_acquire),
	       "timer_cancel returned while the timer's function was at work on the other CPU: its "
	       "memory may be gone by then");
	EXPECT(cancelled != atomic_load_explicit(&fired, memory_order_acquire),
	       "timer_cancel said %s cancelled the timer, and its function was %scalled",
	       cancelled ? "that it had" : "that it had not", cancelled ? "" : "not ");
	atomic_store_explicit(&over, true, memory_order_release);
	return POLL_READY;
}

struct scene {
	struct async async;
	struct join join;
	struct task *task;
	u64 random;
};

static enum poll cancelled_or_fired_at_any_time(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	timer_init(&timer, fires);
	MUST(TASK_SPAWN(&me->task, "cancels", cancels, (struct scene){}, SCHED_PARAMS_FIFO(16)));
	await_both();
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	explored_from_here();
	timer_arm(&timer, clock_ns() + test_below(&me->random, ACCESSES));
	/* It is due while this CPU is at work. */
	for (unsigned i = 0; i < ACCESSES && !atomic_load_explicit(&over, memory_order_relaxed);
	     i++)
		;
	while (!atomic_load_explicit(&over, memory_order_acquire))
		arch_relax();
	explored_to_here();
	EXPECT(cancelled != atomic_load_explicit(&fired, memory_order_acquire),
	       "timer_cancel returned %s, and the timer's function was %scalled",
	       cancelled ? "true" : "false", cancelled ? "" : "not ");
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(cancelled_or_fired_at_any_time));
