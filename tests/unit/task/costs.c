/*
 * What a wake-up costs, counted: locks, interrupts, allocations, and steps among how many tasks and
 * CPUs. The simulator counts locks, and its clock counts the steps of a CPU that runs alone.
 * cpus: 1 4 16 64
 * seeds: 2
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/sleep.h"
#include "core/irq.h"
#include "mm/kmalloc.h"
#include "task/runqueue.h"

#define LOCKS_MAX 2u
#define HELD_MAX 320u /* events with a lock held, of a wake-up; by gcc and with a trace: 300 */
#define WAKES 200u
#define CLASSES 6u

static struct irqchip counting;
static void (*send)(unsigned cpu);
static u64 hints[CPUS_MAX]; /* each changed by its CPU alone, interrupts masked */
static _Atomic bool over;
static struct task *targets[CLASSES], *urgent[CPUS_MAX];

static void count_hint(unsigned cpu)
{
	hints[cpu_id()]++;
	send(cpu);
}

static enum poll waits_for_ever(void *frame)
{
	(void)frame;
	return atomic_load_explicit(&over, memory_order_relaxed) ? POLL_READY : POLL_PENDING;
}

static enum poll is_urgent(void *frame)
{
	(void)frame;
	while (!atomic_load_explicit(&over, memory_order_relaxed))
		arch_relax();
	return POLL_READY;
}

static enum poll ends(void *frame)
{
	(void)frame;
	return POLL_READY;
}

static const struct sched_params classes[CLASSES] = {
	{.class = SCHED_FIFO, .level = 4},
	{.class = SCHED_RR, .level = 5, .quantum_ns = MS(1)},
	{.class = SCHED_EDF, .deadline_ns = MS(1)},
	{.class = SCHED_FAIR, .share = 100, .quantum_ns = MS(1)},
	{.class = SCHED_FIFO, .level = 20},
	{.class = SCHED_EDF, .deadline_ns = SEC(1), .cpus = 1},
};

static void spawn_targets(void)
{
	atomic_store_explicit(&over, false, memory_order_relaxed);
	for (unsigned i = 0; i < CLASSES; i++)
		MUST(TASK_SPAWN(&targets[i], "target", waits_for_ever, (struct async){}, classes[i]));
}

static void end_targets(void)
{
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (unsigned i = 0; i < CLASSES; i++) {
		task_wake(targets[i]);
		task_put(targets[i]);
	}
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct yield yield;
	struct wait wait;
	struct mutex mutex;
	struct channel channel;
	struct channel_op op;
	struct task *task;
	u64 random, slot, message, sent;
	unsigned i;
};

/* One wake-up with interrupts masked: nothing else happens on this CPU meanwhile. */
static void wake_counted(struct task *t, u64 *locks, u64 *sent, u64 *held)
{
	bool irqs = arch_irq_save();
	u64 locks_before = sim_locks_taken(), hints_before = hints[cpu_id()];

	(void)sim_locks_longest();
	task_wake(t);
	*locks = sim_locks_taken() - locks_before;
	*held = sim_locks_longest();
	*sent = hints[cpu_id()] - hints_before;
	arch_irq_restore(irqs);
}

static void count_hints(bool on)
{
	static const struct irqchip *chip;

	if (on) {
		chip = irqchip;
		counting = *chip;
		send = chip->send_hint;
		counting.send_hint = count_hint;
	}
	irqchip = on ? &counting : chip;
}

static enum poll two_locks_and_one_hint(void *frame)
{
	struct scene *me = frame;
	u64 locks, sent, held;

	ASYNC_BEGIN(me);
	spawn_targets();
	count_hints(true);
	for (me->i = 0; me->i < WAKES; me->i++) {
		wake_counted(targets[test_below(&me->random, CLASSES)], &locks, &sent, &held);
		CHECK(locks >= 1 && locks <= LOCKS_MAX);
		CHECK(sent <= 1);
		me->sent += sent;
		if (test_below(&me->random, 2))
			AWAIT(me, sleep_for(&me->sleep, US(1 + test_below(&me->random, 50))));
	}
	CHECK(me->sent > 0);
	count_hints(false);
	end_targets();
	ASYNC_END(me);
}

/* All other CPUs have urgent work, so the waker looks at each for the one to hint. */
static enum poll held_as_long_among_many_cpus(void *frame)
{
	struct scene *me = frame;
	u64 locks, sent, held;

	ASYNC_BEGIN(me);
	spawn_targets();
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	for (unsigned i = 1; i < cpu_count; i++)
		MUST(TASK_SPAWN(&urgent[i], "urgent", is_urgent, (struct async){}, SCHED_PARAMS_FIFO(30)));
	AWAIT(me, sleep_for(&me->sleep, US(300)));
	for (me->i = 0; me->i < CLASSES; me->i++) {
		wake_counted(targets[me->i], &locks, &sent, &held);
		CHECK(held > 0);
		if (held > HELD_MAX)
			test_fail(__FILE__, __LINE__, "class %u: lock held for %llu events",
				  classes[me->i].class, (unsigned long long)held);
	}
	end_targets();
	for (me->i = 1; me->i < cpu_count; me->i++) {
		AWAIT(me, task_join(&me->join, urgent[me->i]));
		task_put(urgent[me->i]);
	}
	ASYNC_END(me);
}

static enum poll nothing_is_allocated(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	spawn_targets();
	mutex_init(&me->mutex);
	channel_init(&me->channel, &me->slot, 1, sizeof me->slot);
	kmalloc_fail_at(1);
	for (me->i = 0; me->i < 100; me->i++) {
		task_wake(targets[me->i % CLASSES]);
		AWAIT(me, yield_now(&me->yield));
		AWAIT(me, mutex_lock(&me->wait, &me->mutex));
		AWAIT(me, sleep_for(&me->sleep, US(10)));
		MUST(mutex_unlock(&me->mutex));
		AWAIT(me, channel_send(&me->op, &me->channel, &me->message));
		AWAIT(me, channel_receive(&me->op, &me->channel, &me->message));
	}
	kmalloc_fail_at(0);
	CHECK_EQ(kmalloc_failed_at(), 0);
	end_targets();
	ASYNC_END(me);
}

static u64 irqs_so_far(const struct cpu *c)
{
	bool irqs = arch_irq_save();
	u64 n = c->irqs;

	arch_irq_restore(irqs);
	return n;
}

static void hints_take_no_lock(void)
{
	struct cpu *c;

	preempt_disable();
	c = arch_cpu();
	for (unsigned i = 0; i < 20; i++) {
		u64 irqs_before = c->irqs, locks;

		arch_irq_save();
		locks = sim_locks_taken();
		irqchip->send_hint(c->id);
		arch_irq_enable();
		while (irqs_so_far(c) == irqs_before)
			arch_relax();
		CHECK_EQ(sim_locks_taken() - locks, 0);
	}
	preempt_enable();
}

/* Steps of a wake-up, and of a pick: out of the queue and in again; the most of several. */
struct steps {
	u64 wake, pick;
};

static u64 pick_steps(struct shard *s) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = spin_lock(&s->lock);
	u64 begin = clock_ns(), end;
	struct task *t = shard_first(s, 0);

	ASSERT(t);
	runqueue_remove(t);
	runqueue_add(t, false);
	end = clock_ns();
	spin_unlock(&s->lock, irqs);
	return end - begin;
}

static struct steps steps_among(unsigned n, const struct sched_params *p)
{
	struct steps most = {0, 0};
	struct task *t[16], *last;

	for (unsigned i = 0; i < ARRAY_LEN(t); i++)
		MUST(TASK_SPAWN(&t[i], "waits", waits_for_ever, (struct async){}, *p));
	preempt_disable(); /* nobody else runs, until the end */
	for (unsigned i = 0; i < n; i++) {
		MUST(TASK_SPAWN(&last, "ready", ends, (struct async){}, *p));
		task_put(last);
	}
	for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
		u64 begin = clock_ns();

		task_wake(t[i]);
		most.wake = MAX(most.wake, clock_ns() - begin);
		most.pick = MAX(most.pick, pick_steps(t[i]->home));
	}
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (unsigned i = 0; i < ARRAY_LEN(t); i++)
		task_put(t[i]);
	preempt_enable();
	return most;
}

struct growth {
	struct async async;
	struct sleep sleep;
	struct steps few, many;
	unsigned i, n;
};

/* many=N on the command line: among how many. */
static enum poll grows_with_the_logarithm(void *frame)
{
	static const struct sched_params kinds[] = {SCHED_PARAMS_FIFO(3), SCHED_PARAMS_EDF(SEC(1))};
	static const unsigned each_doubling[] = {0, 60}; /* EDF: 30 to 47, by its tree's shape */
	struct growth *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0); /* the clock counts the steps of one CPU */
	me->n = (unsigned)test_number(board_cmdline(), "many", 8192);
	for (me->i = 0; me->i < ARRAY_LEN(kinds); me->i++) {
		for (unsigned k = 0; k < 2; k++) {
			atomic_store_explicit(&over, false, memory_order_relaxed);
			*(k ? &me->many : &me->few) = steps_among(k ? me->n : 16, &kinds[me->i]);
		}
		AWAIT(me, sleep_for(&me->sleep, SEC(2)));

		u64 more = each_doubling[me->i] * (u64)(__builtin_clz(16) - __builtin_clz(me->n));

		if (me->many.wake > me->few.wake + more || me->many.pick > me->few.pick + more)
			test_fail(__FILE__, __LINE__, "%s: wake %llu among 16, %llu among %u; pick %llu, %llu",
				  sched_class_name(kinds[me->i].class), (unsigned long long)me->few.wake,
				  (unsigned long long)me->many.wake, me->n, (unsigned long long)me->few.pick,
				  (unsigned long long)me->many.pick);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(two_locks_and_one_hint), ASYNC(held_as_long_among_many_cpus),
	   ASYNC(nothing_is_allocated), PLAIN(hints_take_no_lock), ASYNC(grows_with_the_logarithm));
