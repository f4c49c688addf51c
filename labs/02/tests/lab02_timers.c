/* One-shot timers: never early, in order, and cancelled or fired, not both. */
#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"

#define TIMERS 24u

struct probe {
	struct timer timer;
	u64 at_ns;
	bool early, late_end;
	_Atomic bool fired, inside;
};

static struct probe probes[TIMERS];
static unsigned order[TIMERS], fired;

static void fires(struct timer *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);

	p->early = clock_ns() < p->at_ns;
	order[fired++] = (unsigned)(p - probes);
	/* release: with the test's acquire */
	atomic_store_explicit(&p->fired, true, memory_order_release);
}

static void arm(unsigned i, u64 at_ns, void (*fn)(struct timer *))
{
	probes[i] = (struct probe){.at_ns = at_ns};
	timer_init(&probes[i].timer, fn);
	timer_arm(&probes[i].timer, at_ns);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *task;
	u64 random, begin_ns;
	unsigned i, round;
};

/* All on this CPU, in one stretch with interrupts masked; some have the same time. */
static void arm_all(struct scene *me)
{
	bool irqs = arch_irq_save();

	fired = 0;
	me->begin_ns = clock_ns();
	for (unsigned i = 0; i < TIMERS; i++)
		arm(i, me->begin_ns + US(20) + US(10) * test_below(&me->random, 8), fires);
	arch_irq_restore(irqs);
}

static enum poll in_order_and_never_early(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	for (me->round = 0; me->round < 4; me->round++) {
		arm_all(me);
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
		EXPECT(fired == TIMERS,
		       "%u timers were armed, and %u fired within a millisecond after their time",
		       TIMERS, fired);
		for (unsigned i = 0; i < fired && i < TIMERS; i++) {
			const struct probe *p = &probes[order[i]],
					   *q = &probes[order[i ? i - 1 : 0]];

			EXPECT(!p->early, "a timer fired before its time");
			EXPECT(q->at_ns <= p->at_ns,
			       "a timer for %llu us fired behind one for %llu us",
			       (unsigned long long)(p->at_ns - me->begin_ns) / 1000,
			       (unsigned long long)(q->at_ns - me->begin_ns) / 1000);
			EXPECT(q->at_ns != p->at_ns || order[i ? i - 1 : 0] <= order[i],
			       "of two timers for one time the one that was armed last fired "
			       "first");
		}
	}
	ASYNC_END(me);
}

static void fires_slowly(struct timer *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);

	/* relaxed, release: who has cancelled it must see all of it, or nothing */
	atomic_store_explicit(&p->inside, true, memory_order_relaxed);
	for (unsigned i = 0; i < 40; i++)
		arch_relax();
	atomic_store_explicit(&p->inside, false, memory_order_relaxed);
	atomic_store_explicit(&p->fired, true, memory_order_release);
}

struct cancels {
	struct async async;
	struct sleep sleep;
	u64 random;
	unsigned i, wrong, inside;
};

static enum poll cancels(void *frame)
{
	struct cancels *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < TIMERS; me->i++) {
		struct probe *p = &probes[me->i];
		bool canceled = timer_cancel(&p->timer);

		me->inside += atomic_load_explicit(&p->inside, memory_order_acquire);
		me->wrong += canceled == atomic_load_explicit(&p->fired, memory_order_acquire);
		if (test_below(&me->random, 2))
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(4))));
	}
	EXPECT(!me->inside, "timer_cancel returned while the timer's function was at work: its "
			    "memory may be gone by then");
	EXPECT(!me->wrong,
	       "timer_cancel said of %u timers that it had cancelled them, and they fired; or the "
	       "reverse",
	       me->wrong);
	ASYNC_END(me);
}

static enum poll cancelled_or_fired(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	for (me->round = 0; me->round < 4; me->round++) {
		me->begin_ns = clock_ns();
		for (me->i = 0; me->i < TIMERS; me->i++)
			arm(me->i, me->begin_ns + US(2) * me->i, fires_slowly);
		MUST(TASK_SPAWN(&me->task, "cancels", cancels,
				((struct cancels){.random = me->random + me->round}),
				SCHED_PARAMS_FIFO(8)));
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(in_order_and_never_early), ASYNC(cancelled_or_fired));
