/*
 * Timers: each fires once, never early, in order of time and then of arming; and what
 * timer_cancel says is true, also when the timer fires on another CPU at that moment.
 * cpus: 1 2 4 16
 * seeds: 5
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"

#define TIMERS 64

struct probe {
	struct timer timer;
	u64 at_ns;
	unsigned number; /* in order of arming */
	bool fired, early, armed;
};

static struct probe probes[TIMERS];
static unsigned fired[TIMERS], fired_count;

static void probe_fires(struct timer *t)
{
	struct probe *p = CONTAINER_OF(t, struct probe, timer);

	p->early |= clock_ns() < p->at_ns;
	p->fired = true;
	fired[fired_count++] = (unsigned)(p - probes);
}

static void probe_arm(unsigned i, u64 at_ns, unsigned number)
{
	struct probe *p = &probes[i];

	*p = (struct probe){.at_ns = at_ns, .number = number, .armed = true};
	timer_init(&p->timer, probe_fires);
	timer_arm(&p->timer, at_ns);
}

struct sleeper {
	struct async async;
	struct sleep sleep;
};

/* However many are due at the same time, one interrupt fires only some of them; the others come
 * with the next, in order. */
#define STEPS_MAX 32u /* as in core/timer.c */

static u64 fired_in[TIMERS]; /* the interrupt, counted by its CPU */

static void crowd_fires(struct timer *t)
{
	fired_in[fired_count] = arch_cpu()->irqs;
	probe_fires(t);
}

static void arm_a_crowd(void)
{
	u64 at_ns = clock_ns() + US(50);
	bool irqs = arch_irq_save();

	fired_count = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		probe_arm(i, MAX(at_ns, clock_ns() + US(1)), i);
		probes[i].timer.fn = crowd_fires;
	}
	arch_irq_restore(irqs);
}

static enum poll an_interrupt_has_bounded_work(void *frame)
{
	struct sleeper *me = frame;
	unsigned in_one = 0;

	ASYNC_BEGIN(me);
	arm_a_crowd();
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(fired_count, TIMERS);
	for (unsigned n = in_one = 0; n < fired_count; n++) {
		CHECK_EQ(fired[n], n);
		in_one = n && fired_in[n] == fired_in[n - 1] ? in_one + 1 : 1;
		CHECK(in_one <= STEPS_MAX);
	}
	CHECK(fired_in[0] != fired_in[TIMERS - 1]);
	ASYNC_END(me);
}

/* Few different times, in no order; a third of the timers is taken back. All on one CPU, in one
 * section without interrupts. */
static void arm_and_cancel_many(void)
{
	u64 seed = clock_ns(), base = clock_ns() + MS(1);
	bool irqs = arch_irq_save();

	fired_count = 0;
	for (unsigned i = 0; i < TIMERS; i++)
		probe_arm(i, base + US(10) * test_below(&seed, 20), i);
	for (unsigned i = 0; i < TIMERS; i++) {
		if (test_below(&seed, 3) == 0) {
			CHECK(timer_cancel(&probes[i].timer));
			CHECK(!timer_cancel(&probes[i].timer));
			probes[i].armed = false;
		}
	}
	arch_irq_restore(irqs);
}

static enum poll timers_fire_in_order(void *frame)
{
	struct sleeper *me = frame;
	unsigned expected;

	ASYNC_BEGIN(me);
	arm_and_cancel_many();
	AWAIT(me, sleep_for(&me->sleep, MS(3)));
	expected = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		CHECK_EQ(probes[i].fired, probes[i].armed);
		CHECK(!probes[i].early);
		expected += probes[i].armed;
	}
	CHECK_EQ(fired_count, expected);
	for (unsigned n = 1; n < fired_count; n++) {
		const struct probe *a = &probes[fired[n - 1]], *b = &probes[fired[n]];

		CHECK(a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->number < b->number));
	}
	ASYNC_END(me);
}

static enum poll what_is_past_fires_at_once(void *frame)
{
	struct sleeper *me = frame;

	ASYNC_BEGIN(me);
	fired_count = 0;
	probe_arm(0, 0, 0);
	probe_arm(1, clock_ns(), 1);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(fired_count, 2);
	CHECK(probes[0].fired && probes[1].fired);
	ASYNC_END(me);
}

/* A timer whose function arms it anew, in the past even, does not keep the CPU for itself. */
static unsigned again;
static u64 again_irqs; /* interrupts that its CPU has taken */

static void fires_again(struct timer *t)
{
	CHECK(!again || arch_cpu()->irqs > again_irqs);
	again_irqs = arch_cpu()->irqs;
	if (++again < 50)
		timer_arm(t, again % 2 ? 0 : clock_ns());
}

static enum poll a_timer_may_arm_itself(void *frame)
{
	struct sleeper *me = frame;
	static struct timer t;

	ASYNC_BEGIN(me);
	again = 0;
	timer_init(&t, fires_again);
	CHECK(!timer_cancel(&t));
	timer_arm(&t, clock_ns());
	AWAIT(me, sleep_for(&me->sleep, MS(2)));
	CHECK_EQ(again, 50);
	CHECK(!timer_cancel(&t));
	ASYNC_END(me);
}

static bool cancel_from_fn = true;

static void cancels_itself(struct timer *t)
{
	cancel_from_fn = timer_cancel(t);
}

static enum poll cancel_from_the_function_itself_returns_false(void *frame)
{
	struct sleeper *me = frame;
	static struct timer t;

	ASYNC_BEGIN(me);
	timer_init(&t, cancels_itself);
	timer_arm(&t, clock_ns());
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK(!cancel_from_fn);
	ASYNC_END(me);
}

/*
 * One side arms a timer for about now, the other takes it back at about the same time, from
 * whichever CPU it runs on. The function is slow, so that a cancel often meets it at work.
 */
struct duel {
	struct timer timer;
	_Atomic unsigned begun, ended; /* calls of the function */
};

static void duel_fires(struct timer *t)
{
	struct duel *d = CONTAINER_OF(t, struct duel, timer);

	/* relaxed: timer_cancel orders what its caller reads afterwards */
	atomic_fetch_add_explicit(&d->begun, 1, memory_order_relaxed);
	for (unsigned n = 0; n < 20; n++)
		arch_relax();
	atomic_fetch_add_explicit(&d->ended, 1, memory_order_relaxed);
}

struct duelist {
	struct async async;
	struct sleep sleep;
	struct yield yield;
	struct duel *duel;
	u64 seed;
	unsigned round, canceled;
};

static void duel_cancel(struct duelist *me, unsigned armed)
{
	me->canceled += timer_cancel(&me->duel->timer);

	unsigned begun = atomic_load_explicit(&me->duel->begun, memory_order_relaxed);

	CHECK_EQ(begun, atomic_load_explicit(&me->duel->ended, memory_order_relaxed));
	CHECK_EQ(begun + me->canceled, armed);
}

static enum poll duelist(void *frame)
{
	struct duelist *me = frame;

	ASYNC_BEGIN(me);
	for (me->round = 1; me->round <= 60; me->round++) {
		timer_arm(&me->duel->timer, clock_ns() + test_below(&me->seed, 4000));
		/* Comes back on any CPU, at about that time. */
		if (test_below(&me->seed, 2))
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->seed, 4000)));
		else
			AWAIT(me, yield_now(&me->yield));
		duel_cancel(me, me->round);
	}
	ASYNC_END(me);
}

#define DUELS 6

struct duels {
	struct async async;
	struct task *tasks[DUELS];
	struct join join;
	unsigned i;
};

static enum poll cancel_tells_the_truth_on_any_cpu(void *frame)
{
	struct duels *me = frame;
	static struct duel duels[DUELS];

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < DUELS; me->i++) {
		timer_init(&duels[me->i].timer, duel_fires);
		MUST(TASK_SPAWN(&me->tasks[me->i], "duelist", duelist,
				((struct duelist){.duel = &duels[me->i], .seed = me->i}),
				SCHED_PARAMS_FIFO(8)));
	}
	for (me->i = 0; me->i < DUELS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(timers_fire_in_order), ASYNC(an_interrupt_has_bounded_work), ASYNC(what_is_past_fires_at_once),
	   ASYNC(a_timer_may_arm_itself), ASYNC(cancel_from_the_function_itself_returns_false),
	   ASYNC(cancel_tells_the_truth_on_any_cpu));
