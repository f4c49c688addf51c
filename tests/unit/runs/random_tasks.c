/*
 * A set of tasks drawn from a seed: classes, levels, quanta, deadlines, CPUs, and what each does: it
 * computes, sleeps, yields, spawns and joins, sends and receives, wakes others that did not ask
 * for it, turns preemption off. All of it must end, with every message delivered once. The traces
 * of many such runs are checked by test_runs.py.
 *
 * The set is the simulator's seed, or `set=N` on the command line. random_changes.c is this program
 * with more to do: changing parameters, taking CPUs out and putting them back, and locks whose owners
 * inherit.
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/sleep.h"
#include "services/burn.h"
#include "task/hotplug.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define TASKS_MAX 40u
#ifndef ACTIONS
#define ACTIONS 8u
#endif
#define FEW 16u
#define CHANNELS 2u

static struct task *_Atomic others[TASKS_MAX]; /* for wakes that nobody asked for */
static struct channel channels[CHANNELS];
static u32 slots[CHANNELS][3];
static struct mutex locks[2]; /* taken in this order */
static _Atomic u64 sent_sum, received_sum, sent, received;
static _Atomic unsigned ends;

struct actor {
	struct async async;
	u64 random;
	unsigned steps;
	u32 message;
	struct sleep sleep;
	struct yield yield;
	struct channel_op op;
	struct join join;
	struct wait wait, inner;
	bool nested;
	struct task *child;
};

static u64 random_quantum(u64 *r)
{
	return SCHED_QUANTUM_MIN_NS + test_below(r, US(50));
}

static struct sched_params random_class(u64 *r)
{
	u16 share = (u16)(1 + test_below(r, 4) * 50);

	switch (test_below(r, 13)) {
	case 0: return SCHED_PARAMS_CEDF(SCHED_CPUS_ALL, US(20) + test_below(r, MS(2)));
	case 1: return SCHED_PARAMS_EDF(US(20) + test_below(r, MS(2)));
	case 2:
	case 3: return SCHED_PARAMS_FIFO((u8)(test_below(r, 4) * 8 + test_below(r, 2)));
	case 4: return SCHED_PARAMS_FAIR(share, random_quantum(r));
	case 5: return SCHED_PARAMS_MLFQ(random_quantum(r));
	case 6: return SCHED_PARAMS_LOTTERY(share, random_quantum(r));
	case 7: return SCHED_PARAMS_STRIDE(share, random_quantum(r));
	case 8: return SCHED_PARAMS_PANICKED;
	case 9:
		return (struct sched_params){.class = SCHED_EDF,
					     .deadline_ns = US(20) + test_below(r, MS(2)),
					     .budget_ns = US(50) + test_below(r, US(50)),
					     .hard = test_below(r, 2),
					     .period_ns = US(100) + test_below(r, MS(1))};
	default: return SCHED_PARAMS_RR((u8)test_below(r, 2), random_quantum(r));
	}
}

/* A third of them may run on some CPUs only; the set may name CPUs that do not exist. */
static struct sched_params random_params(u64 *r)
{
	struct sched_params p = random_class(r);

	if (test_below(r, 3) == 0)
		p.cpus = test_random(r) | 1ull << test_below(r, cpu_count);
	if (p.cpus && test_below(r, 2) == 0)
		p.cpus = 1ull << test_below(r, cpu_count);
	return p;
}

/* All CPUs that it asks for may be out: then it may run on any. */
static void spawn(struct task **t, const char *name, task_fn *fn, const struct actor *frame,
		  struct sched_params params)
{
	struct task_spec spec = {.name = name, .fn = fn, .frame = frame,
				 .frame_bytes = sizeof *frame, .params = params};
	int err = task_spawn(&spec, t);

	spec.params.cpus = SCHED_CPUS_ALL;
	if (err == ERR_BUSY)
		err = task_spawn(&spec, t);
	MUST(err);
}

static enum poll child(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	burn_ns(test_below(&me->random, US(20)));
	AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(30))));
	ASYNC_RETURN(me, 3);
}

static void wake_somebody(struct actor *me)
{
	/* acquire: pairs with the release in spawn_all; the runner holds a reference to each */
	struct task *t = atomic_load_explicit(&others[test_below(&me->random, FEW)],
					      memory_order_acquire);

	if (t)
		task_wake(t);
}

/* Any task may be changed at any time; one that has ended says so. */
static void change_somebody(struct actor *me)
{
	struct task *t = atomic_load_explicit(&others[test_below(&me->random, FEW)],
					      memory_order_acquire);
	struct sched_params p = random_params(&me->random);
	int err = t ? task_set_params(t, &p) : 0;

	CHECK(!err || err == ERR_CLOSED || err == ERR_BUSY);
}

/* A CPU goes or comes; one stays. Which it is decides chance, and so does whether it is both. */
static void change_cpus(struct actor *me)
{
	unsigned cpu = (unsigned)test_below(&me->random, cpu_count);
	int err = cpu_take_out(cpu, NULL);

	if (err == ERR_INVAL)
		err = cpu_put_back(cpu);
	CHECK(!err || err == ERR_BUSY || err == ERR_INVAL);
}

/* So that nobody waits for a CPU that is out. */
static void put_all_back(void)
{
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		int err = cpu_put_back(cpu);

		CHECK(!err || err == ERR_INVAL);
	}
}

static void burn_without_preemption(struct actor *me)
{
	preempt_disable();
	burn_ns(test_below(&me->random, US(10)));
	wake_somebody(me);
	preempt_enable();
}

static struct channel *some_channel(struct actor *me)
{
	return &channels[test_below(&me->random, CHANNELS)];
}

static void count_sent(u32 message)
{
	/* relaxed, all four: read when every task was joined */
	atomic_fetch_add_explicit(&sent_sum, message, memory_order_relaxed);
	atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
}

static void count_received(u32 message)
{
	atomic_fetch_add_explicit(&received_sum, message, memory_order_relaxed);
	atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
}

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	while (me->steps--) {
		switch (test_below(&me->random, ACTIONS)) {
		case 0: burn_ns(test_below(&me->random, US(40))); break;
		case 1: burn_ns(test_below(&me->random, US(200))); break; /* beyond a quantum */
		case 2: AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(60)))); break;
		case 3: AWAIT(me, yield_now(&me->yield)); break;
		case 4: wake_somebody(me); break;
		case 5: burn_without_preemption(me); break;
		case 6:
			spawn(&me->child, "child", child,
			      &(struct actor){.random = test_random(&me->random)},
			      random_params(&me->random));
			AWAIT(me, task_join(&me->join, me->child));
			CHECK_EQ(me->join.status, 3);
			task_put(me->child);
			break;
		case 7:
			me->message = (u32)test_random(&me->random);
			count_sent(me->message);
			AWAIT(me, channel_send(&me->op, some_channel(me), &me->message));
			CHECK_EQ(me->op.status, 0);
			break;
		case 8:
		case 9:
		case 10:
		case 11: change_somebody(me); break;
		case 12:
			change_cpus(me);
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(60))));
			put_all_back();
			break;
		case 13:
		case 14:
		case 15:
			me->nested = test_below(&me->random, 2);
			AWAIT(me, mutex_lock(&me->wait, &locks[!me->nested]));
			if (me->nested)
				AWAIT(me, mutex_lock(&me->inner, &locks[1]));
			burn_ns(test_below(&me->random, US(30)));
			if (test_below(&me->random, 3) == 0)
				AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(30))));
			burn_ns(test_below(&me->random, US(30)));
			if (me->nested)
				CHECK_EQ(mutex_unlock(&locks[1]), 0);
			CHECK_EQ(mutex_unlock(&locks[!me->nested]), 0);
			break;
		}
	}
	/* relaxed: a counter */
	atomic_fetch_add_explicit(&ends, 1, memory_order_relaxed);
	ASYNC_END(me);
}

static enum poll receiver(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, channel_receive(&me->op, &channels[me->steps], &me->message));
		if (me->op.status)
			break;
		count_received(me->message);
		burn_ns(test_below(&me->random, US(5)));
	}
	ASYNC_END(me);
}

struct director {
	struct async async;
	struct join join;
	u64 random;
	unsigned i, tasks;
	struct task *receivers[CHANNELS * 2];
};

static void spawn_all(struct director *me)
{
	for (unsigned i = 0; i < ARRAY_LEN(me->receivers); i++)
		spawn(&me->receivers[i], "receiver", receiver,
		      &(struct actor){.steps = i % CHANNELS, .random = test_random(&me->random)},
		      random_params(&me->random));
	for (unsigned i = 0; i < me->tasks; i++) {
		struct task *t;

		spawn(&t, "actor", actor,
		      &(struct actor){.random = test_random(&me->random),
				      .steps = 2 + (unsigned)test_below(&me->random, 7)},
		      random_params(&me->random));
		/* release: pairs with the acquire in wake_somebody */
		atomic_store_explicit(&others[i], t, memory_order_release);
	}
}

static struct task *nth(unsigned i)
{
	return atomic_load_explicit(&others[i], memory_order_relaxed); /* its own */
}

static enum poll random_tasks(void *frame)
{
	struct director *me = frame;

	ASYNC_BEGIN(me);
	me->random = test_number(board_cmdline(), "set", trace_descriptor.seed);
	/* So many that there are more than CPUs. */
	me->tasks = 4 + (unsigned)test_below(&me->random, FEW - 3) + (cpu_count > 4 ? cpu_count : 0);
	for (me->i = 0; me->i < CHANNELS; me->i++)
		channel_init(&channels[me->i], slots[me->i],
			     1 + (u32)test_below(&me->random, ARRAY_LEN(slots[0])),
			     sizeof slots[0][0]);
	for (me->i = 0; me->i < ARRAY_LEN(locks); me->i++)
		mutex_init(&locks[me->i]);
	spawn_all(me);
	for (me->i = 0; me->i < me->tasks; me->i++) {
		AWAIT(me, task_join(&me->join, nth(me->i)));
		CHECK_EQ(me->join.status, 0);
	}
	for (me->i = 0; me->i < CHANNELS; me->i++)
		channel_close(&channels[me->i]);
	for (me->i = 0; me->i < ARRAY_LEN(me->receivers); me->i++) {
		AWAIT(me, task_join(&me->join, me->receivers[me->i]));
		task_put(me->receivers[me->i]);
	}
	for (me->i = 0; me->i < me->tasks; me->i++)
		task_put(nth(me->i));
	CHECK_EQ(ends, me->tasks);
	CHECK_EQ(received, sent);
	CHECK_EQ(received_sum, sent_sum);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(random_tasks));
