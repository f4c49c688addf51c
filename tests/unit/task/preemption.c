/*
 * Preemption: who takes the CPU from whom, when, and that what was suspended goes on unharmed.
 * cpus: 1 2 4 16 64
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/irq.h"
#include "core/time.h"
#include "services/burn.h"
#include <stdatomic.h>

#define LOW SCHED_PARAMS_FIFO(8)
#define HIGH SCHED_PARAMS_FIFO(20)


static _Atomic unsigned happened; /* things that happened so far */
static _Atomic unsigned high_at;  /* the number of the high task's turn; 0: not yet */

static unsigned now(void)
{
	/* acq_rel: orders what the two sides did around it */
	return atomic_fetch_add_explicit(&happened, 1, memory_order_acq_rel) + 1;
}

static unsigned high_when(void)
{
	return atomic_load_explicit(&high_at, memory_order_acquire);
}

static enum poll high(void *frame)
{
	(void)frame;
	atomic_store_explicit(&high_at, now(), memory_order_release);
	return POLL_READY;
}

static void begin(void)
{
	atomic_store_explicit(&happened, 0, memory_order_relaxed);
	atomic_store_explicit(&high_at, 0, memory_order_relaxed);
}

/* Spins until the high task had its turn; false when it has none for a long time. */
static bool high_comes(void)
{
	u64 limit_ns = clock_ns() + MS(20);

	while (!high_when())
		if (clock_ns() > limit_ns)
			return false;
	return true;
}

static void spawn_high(void)
{
	MUST(TASK_SPAWN(NULL, "high", high, (struct async){}, HIGH));
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *task, *many[2 * CPUS_MAX];
	unsigned i;
};

/* Runs one function as a low task, and waits for it. */
struct actor {
	struct async async;
	void (*act)(void);
};

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	me->act();
	ASYNC_END(me);
}

static enum poll play(struct scene *me, void (*act)(void))
{
	ASYNC_BEGIN(me);
	begin();
	MUST(TASK_SPAWN(&me->task, "low", actor, ((struct actor){.act = act}), LOW));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	AWAIT(me, sleep_for(&me->sleep, MS(1))); /* whatever it spawned ends */
	ASYNC_END(me);
}

/* On one CPU a more urgent task runs before the call that woke it returns. */
static void act_wake(void)
{
	spawn_high();
	if (cpu_count == 1)
		CHECK_EQ(high_when(), 1);
	CHECK(high_comes());
}

static enum poll wake_preempts_the_waker(void *frame)
{
	return play(frame, act_wake);
}

/* An equal or less urgent one does not. */
static void act_wake_equal(void)
{
	unsigned mine;

	MUST(TASK_SPAWN(NULL, "equal", high, (struct async){}, LOW));
	MUST(TASK_SPAWN(NULL, "lower", high, (struct async){}, SCHED_PARAMS_FIFO(7)));
	MUST(TASK_SPAWN(NULL, "lower", high, (struct async){}, SCHED_PARAMS_RR(31, MS(1))));
	burn_ns(US(100));
	mine = now();
	if (cpu_count == 1)
		CHECK_EQ(mine, 1);
}

static enum poll equals_do_not_preempt(void *frame)
{
	return play(frame, act_wake_equal);
}

/* Masked: it has to wait until interrupts are enabled again, and not much longer. */
static void act_wake_masked(void)
{
	bool on = arch_irq_save();
	unsigned mine;

	spawn_high();
	mine = now();
	arch_irq_restore(on);
	CHECK(high_comes());
	if (cpu_count == 1)
		CHECK(mine < high_when());
}

static enum poll wake_with_interrupts_masked(void *frame)
{
	return play(frame, act_wake_masked);
}

static void act_wake_preempt_off(void)
{
	unsigned first, second;

	preempt_disable();
	preempt_disable();
	spawn_high();
	burn_ns(US(50));
	first = now();
	preempt_enable();
	second = now();
	preempt_enable();
	if (cpu_count == 1) {
		CHECK_EQ(first, 1);
		CHECK_EQ(second, 2);
		CHECK_EQ(high_when(), 3);
	}
	CHECK(high_comes());
}

static enum poll preemption_off_nests(void *frame)
{
	return play(frame, act_wake_preempt_off);
}

/* Enabled again in the other order than it was disabled: still acted on. */
static void act_preempt_off_and_masked(void)
{
	bool on = arch_irq_save();

	preempt_disable();
	spawn_high();
	preempt_enable();
	if (cpu_count == 1)
		CHECK_EQ(high_when(), 0);
	arch_irq_restore(on);
	CHECK(high_comes());

	begin();
	preempt_disable();
	on = arch_irq_save();
	spawn_high();
	arch_irq_restore(on);
	burn_ns(US(5));
	if (cpu_count == 1)
		CHECK_EQ(high_when(), 0);
	preempt_enable();
	CHECK(high_comes());
}

static enum poll preemption_off_and_masked(void *frame)
{
	return play(frame, act_preempt_off_and_masked);
}

/* With preemption off the task keeps its CPU although its quantum ends and others are waiting. */
static void act_stays(void)
{
	unsigned cpu;

	preempt_disable();
	cpu = cpu_id();
	for (unsigned i = 0; i < 8; i++)
		MUST(TASK_SPAWN(NULL, "high", high, (struct async){}, HIGH));
	for (unsigned i = 0; i < 20; i++) {
		burn_ns(US(20));
		CHECK_EQ(cpu_id(), cpu);
	}
	preempt_enable();
}

static enum poll preemption_off_stays_on_its_cpu(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin();
	MUST(TASK_SPAWN(&me->task, "rr", actor, ((struct actor){.act = act_stays}),
			SCHED_PARAMS_RR(4, SCHED_QUANTUM_MIN_NS)));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

/* From an interrupt. */
static struct task *timer_wakes;

static void wakes_high(struct timer *t)
{
	(void)t;
	task_wake(timer_wakes);
}

struct waiting_high {
	struct async async;
	unsigned polls;
};

static enum poll waiting_high(void *frame)
{
	struct waiting_high *me = frame;

	if (++me->polls == 1)
		return POLL_PENDING;
	return high(NULL);
}

static void act_timer(void)
{
	static struct timer timer;

	timer_init(&timer, wakes_high);
	timer_arm(&timer, clock_ns() + US(100));
	CHECK(high_comes());
}

static enum poll an_interrupt_wakes(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin();
	MUST(TASK_SPAWN(&timer_wakes, "high", waiting_high, (struct waiting_high){}, HIGH));
	MUST(TASK_SPAWN(&me->task, "low", actor, ((struct actor){.act = act_timer}), LOW));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	AWAIT(me, task_join(&me->join, timer_wakes));
	task_put(timer_wakes);
	ASYNC_END(me);
}

/* All CPUs compute; a wake from any of them finds one that gives way. */
static void act_spin(void)
{
	CHECK(high_comes());
}

static void act_spin_and_wake(void)
{
	burn_ns(US(20));
	spawn_high();
	CHECK(high_comes());
}

static enum poll a_busy_machine_gives_way(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin();
	for (me->i = 0; me->i < cpu_count; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "spin", actor,
				((struct actor){.act = me->i ? act_spin : act_spin_and_wake}), LOW));
	for (me->i = 0; me->i < cpu_count; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	ASYNC_END(me);
}

/*
 * Tasks that compute the same sum the same way, many values in registers, while more urgent ones
 * come and go: each must come out right wherever it was suspended and resumed.
 */
struct sums {
	struct async async;
	u64 seed, sum;
};

static u64 sum_of(u64 seed)
{
	u64 a = seed, b = seed ^ 0x55, c = 1, d = 2, e = 3;

	for (unsigned i = 0; i < 4000; i++) {
		a += b * 3 + i;
		b ^= a >> 7;
		c += a ^ d;
		d = d * 5 + (b & 0xff);
		e += (c ^ d) >> 3;
	}
	return a ^ b ^ c ^ d ^ e;
}

static enum poll sums(void *frame)
{
	struct sums *me = frame;
	u64 sum = 0;

	for (unsigned i = 0; i < 4; i++)
		sum ^= sum_of(me->seed + i);
	me->sum = sum;
	return POLL_READY;
}

struct pest {
	struct async async;
	struct sleep sleep;
	unsigned i;
};

static enum poll pest(void *frame)
{
	struct pest *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 40; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, US(3) + me->i * 130));
		(void)sum_of(me->i);
	}
	ASYNC_END(me);
}

static enum poll suspended_computations_come_out_right(void *frame)
{
	struct scene *me = frame;
	unsigned n = MIN(cpu_count + 3, 20u);

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < n; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "sums", sums, ((struct sums){.seed = me->i * 99}),
				SCHED_PARAMS_RR(me->i % 3, SCHED_QUANTUM_MIN_NS)));
	for (me->i = n; me->i < n + 4; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "pest", pest, (struct pest){}, HIGH));
	for (me->i = 0; me->i < n + 4; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		if (me->i < n) {
			u64 expected = 0, seed = me->i * 99ull;
			struct sums *result = (void *)me->many[me->i]->frame;

			for (unsigned k = 0; k < 4; k++)
				expected ^= sum_of(seed + k);
			CHECK(result->sum == expected);
		}
		task_put(me->many[me->i]);
	}
	ASYNC_END(me);
}

/*
 * More suspended polls than there are spare stacks: each task preempts the one that made it.
 * When no stack is left the preemption is put off, and nobody is forgotten.
 */
#define DEPTH 100u
static _Atomic unsigned nested, deepest;

struct nest {
	struct async async;
	struct join join;
	struct task *child;
	unsigned depth;
};

static enum poll nest(void *frame)
{
	struct nest *me = frame;
	unsigned here;

	ASYNC_BEGIN(me);
	/* relaxed: counters */
	here = atomic_fetch_add_explicit(&nested, 1, memory_order_relaxed) + 1;
	if (here > atomic_load_explicit(&deepest, memory_order_relaxed))
		atomic_store_explicit(&deepest, here, memory_order_relaxed);
	if (me->depth)
		MUST(TASK_SPAWN(&me->child, "nest", nest, ((struct nest){.depth = me->depth - 1}),
				SCHED_PARAMS_EDF(MS(1) + MS(me->depth))));
	burn_ns(US(10));
	atomic_fetch_sub_explicit(&nested, 1, memory_order_relaxed);
	if (!me->child)
		ASYNC_RETURN(me, 1);
	AWAIT(me, task_join(&me->join, me->child));
	task_put(me->child);
	ASYNC_RETURN(me, me->join.status + 1);
}

static enum poll every_stack_in_use(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&me->task, "nest", nest, ((struct nest){.depth = DEPTH - 1}),
			SCHED_PARAMS_EDF(MS(500))));
	AWAIT(me, task_join(&me->join, me->task));
	CHECK_EQ(me->join.status, DEPTH);
	task_put(me->task);
	if (cpu_count == 1)
		CHECK(atomic_load_explicit(&deepest, memory_order_relaxed) > 50);
	ASYNC_END(me);
}

/* CPU 0 is no exception, and neither is any other. */
static _Atomic u64 ran_on;

static u64 all_cpus(void)
{
	return UINT64_MAX >> (CPUS_MAX - cpu_count);
}

static void act_where(void)
{
	u64 limit_ns = clock_ns() + MS(5); /* to start that many tasks */
	u64 all = all_cpus();

	preempt_disable();
	/* relaxed: a set of bits, read for itself */
	atomic_fetch_or_explicit(&ran_on, 1ull << cpu_id(), memory_order_relaxed);
	preempt_enable();
	while (atomic_load_explicit(&ran_on, memory_order_relaxed) != all && clock_ns() < limit_ns)
		;
}

static enum poll every_cpu_runs_tasks(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < cpu_count; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "where", actor, ((struct actor){.act = act_where}),
				LOW));
	for (me->i = 0; me->i < cpu_count; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	CHECK_EQ(atomic_load_explicit(&ran_on, memory_order_relaxed), all_cpus());
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(wake_preempts_the_waker), ASYNC(equals_do_not_preempt),
	   ASYNC(wake_with_interrupts_masked), ASYNC(preemption_off_nests),
	   ASYNC(preemption_off_and_masked), ASYNC(preemption_off_stays_on_its_cpu),
	   ASYNC(an_interrupt_wakes), ASYNC(a_busy_machine_gives_way),
	   ASYNC(suspended_computations_come_out_right), ASYNC(every_stack_in_use),
	   ASYNC(every_cpu_runs_tasks));
