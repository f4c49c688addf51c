/* Who takes a CPU from whom, when, and what stays as it was. */
#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"

static _Atomic bool stop, urgent_ran;
static _Atomic u64 turns[2];

static bool stopped(void)
{
	return atomic_load_explicit(&stop, memory_order_acquire);
}

/* Computes without an await until it is told to stop. */
static enum poll endless(void *frame)
{
	(void)frame;
	while (!stopped())
		arch_relax();
	return POLL_READY;
}

struct equal {
	struct async async;
	unsigned number;
};

static enum poll equal(void *frame)
{
	struct equal *me = frame;

	while (!stopped())
		atomic_fetch_add_explicit(&turns[me->number], 1, memory_order_relaxed);
	return POLL_READY;
}

static enum poll urgent(void *frame)
{
	(void)frame;
	atomic_store_explicit(&urgent_ran, true, memory_order_release);
	return POLL_READY;
}

static bool urgent_has_run(void)
{
	return atomic_load_explicit(&urgent_ran, memory_order_acquire);
}

static struct sched_params on_cpu_0(struct sched_params params)
{
	params.cpus = 1;
	return params;
}

static void begin(void)
{
	atomic_store_explicit(&stop, false, memory_order_release);
	atomic_store_explicit(&urgent_ran, false, memory_order_release);
	atomic_store_explicit(&turns[0], 0, memory_order_relaxed);
	atomic_store_explicit(&turns[1], 0, memory_order_relaxed);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *tasks[4];
	struct task_info info;
	u64 before_ns;
	unsigned i, n;
};

static enum poll end(struct scene *me)
{
	ASYNC_BEGIN(me);
	atomic_store_explicit(&stop, true, memory_order_release);
	for (me->i = 0; me->i < me->n; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

struct outer {
	struct async async;
	struct sleep sleep;
	struct scene scene;
};

static enum poll join_end(void *frame)
{
	return end(frame);
}

/* The sleeper's timer interrupts the loop; nothing else can. */
static enum poll a_loop_without_end_blocks_nobody_above_it(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	begin();
	me->scene.n = cpu_count < 3 ? cpu_count : 3;
	for (me->scene.i = 0; me->scene.i < me->scene.n; me->scene.i++)
		MUST(TASK_SPAWN(&me->scene.tasks[me->scene.i], "endless", endless, (struct async){},
				SCHED_PARAMS_FIFO(4)));
	me->scene.before_ns = clock_ns();
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	EXPECT(clock_ns() - me->scene.before_ns < MS(5),
	       "a task slept for 100 us, and loops without end that are less urgent kept it "
	       "waiting for %llu us",
	       (unsigned long long)(clock_ns() - me->scene.before_ns) / 1000);
	AWAIT_CALL(me, join_end, &me->scene);
	ASYNC_END(me);
}

/* Two endless loops of the same level on one CPU. */
static enum poll a_quantum_ends(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	begin();
	me->scene.n = 2;
	for (me->scene.i = 0; me->scene.i < 2; me->scene.i++)
		MUST(TASK_SPAWN(&me->scene.tasks[me->scene.i], "equal", equal,
				((struct equal){.number = me->scene.i}),
				on_cpu_0(SCHED_PARAMS_RR(4, US(100)))));
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	EXPECT(turns[0] && turns[1], "two equal loops share a CPU by quanta of 100 us; after a "
				     "millisecond one of them has not run at all");
	task_info(me->scene.tasks[0], &me->scene.info);
	EXPECT(me->scene.info.preemptions >= 2 && me->scene.info.preemptions <= 12,
	       "in a millisecond with quanta of 100 us a task should lose its CPU about five "
	       "times; it did so %llu times",
	       (unsigned long long)me->scene.info.preemptions);
	AWAIT_CALL(me, join_end, &me->scene);
	ASYNC_END(me);
}

/* A loop is alone for two quanta and a half; then it has an equal. */
static enum poll a_quantum_begins_anew(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	begin();
	me->scene.n = 2;
	for (me->scene.i = 0; me->scene.i < 2; me->scene.i++) {
		MUST(TASK_SPAWN(&me->scene.tasks[me->scene.i], "equal", equal,
				((struct equal){.number = me->scene.i}),
				on_cpu_0(SCHED_PARAMS_RR(4, US(200)))));
		AWAIT(me, sleep_for(&me->sleep, me->scene.i ? US(40) : US(500)));
	}
	EXPECT(!turns[1],
	       "a loop has the third of its quanta of 200 us; an equal that comes in the "
	       "middle of it took the CPU at once");
	AWAIT(me, sleep_for(&me->sleep, US(400)));
	EXPECT(turns[1], "a loop was alone for some quanta; an equal that came then has waited for "
			 "twice a quantum, and not run");
	AWAIT_CALL(me, join_end, &me->scene);
	ASYNC_END(me);
}

/* FIFO: equals do not take the CPU from each other. */
static enum poll an_equal_does_not_preempt(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	begin();
	me->scene.n = 2;
	for (me->scene.i = 0; me->scene.i < 2; me->scene.i++)
		MUST(TASK_SPAWN(&me->scene.tasks[me->scene.i], "equal", equal,
				((struct equal){.number = me->scene.i}),
				on_cpu_0(SCHED_PARAMS_FIFO(4))));
	for (me->scene.i = 0; me->scene.i < 5; me->scene.i++)
		AWAIT(me, sleep_for(&me->sleep, US(60)));
	EXPECT(!turns[0] || !turns[1],
	       "two equal FIFO loops both ran on one CPU: one took it from the other, or was "
	       "queued at the tail when it was preempted");
	AWAIT_CALL(me, join_end, &me->scene);
	ASYNC_END(me);
}

static struct timer timer;
static _Atomic bool struck;

static void strikes(struct timer *t)
{
	(void)t;
	atomic_store_explicit(&struck, true, memory_order_release);
}

/* The urgent task may run on this CPU only, and a timer interrupts meanwhile. */
static void preemption_off_means_off(void)
{
	struct sched_params params = SCHED_PARAMS_FIFO(28);
	struct task *t;

	begin();
	timer_init(&timer, strikes);
	preempt_disable();
	params.cpus = 1ull << cpu_id();
	MUST(TASK_SPAWN(&t, "urgent", urgent, (struct async){}, params));
	timer_arm(&timer, clock_ns() + US(20));
	while (!atomic_load_explicit(&struck, memory_order_acquire))
		arch_relax();
	EXPECT(!urgent_has_run(), "preemption was off, and a more urgent task took the CPU");
	preempt_enable();
	EXPECT(urgent_has_run(),
	       "a more urgent task was woken while preemption was off, and did not run when it was "
	       "on again: a hint that came meanwhile stays pending");
	task_put(t);
}

/* Nothing else interrupts this CPU: without the hint nobody would look for long. */
static void enabled_with_interrupts_masked(void)
{
	struct sched_params params = SCHED_PARAMS_FIFO(28);
	struct task *t;
	bool irqs;

	begin();
	irqs = arch_irq_save();
	preempt_disable();
	params.cpus = 1ull << cpu_id();
	MUST(TASK_SPAWN(&t, "urgent", urgent, (struct async){}, params));
	preempt_enable();
	EXPECT(!urgent_has_run(),
	       "preemption was put on again with interrupts masked, and a more urgent task took the CPU");
	arch_irq_restore(irqs);
	for (unsigned i = 0; i < 100000 && !urgent_has_run(); i++)
		arch_relax();
	EXPECT(urgent_has_run(),
	       "preemption is on again, put on with interrupts masked; now they are not, and the more "
	       "urgent task does not run: the CPU is to send itself a hint");
	preempt_disable();
	preempt_enable(); /* where it was not so, the hint is still there */
	task_put(t);
}

TESTS_MAIN(ASYNC(a_loop_without_end_blocks_nobody_above_it), ASYNC(a_quantum_ends),
	   ASYNC(a_quantum_begins_anew), ASYNC(an_equal_does_not_preempt),
	   PLAIN(preemption_off_means_off), PLAIN(enabled_with_interrupts_masked));
