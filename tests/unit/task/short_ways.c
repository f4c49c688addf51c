/*
 * The short ways of the executor, which it takes with one shard, or on one CPU, while nothing is
 * recorded, come to what the queues come to: sets of tasks drawn at random run in the same order when
 * it is told that its shard is one of several and that it is not alone, and takes the long way. Nothing in them depends on time: there are no quanta and no
 * timers, and the deadlines are seconds apart.
 * cpus: 1
 * seeds: 1
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/sleep.h"
#include "task/executor.h"
#include "trace/trace.h"

#define TASKS 10u
#define STEPS 25u
#define SETS 300u
#define ORDER_MAX 4096u

struct actor {
	struct async async;
	u64 random;
	unsigned id, step;
	union {
		struct yield yield;
		struct wait wait;
		struct channel_op op;
	};
	u32 message;
	bool waits;
};

static struct task *actors[TASKS];
static struct semaphore permits;
static struct mutex mutex;
static struct channel channel;
static u32 slots[2];
static unsigned ended;

/* What happened, in order, by the two runs. */
static u16 order[2][ORDER_MAX];
static unsigned length[2], run;

static void note(const struct actor *me, unsigned what)
{
	if (length[run] < ORDER_MAX)
		order[run][length[run]++] = (u16)(what << 12 | me->id << 8 | me->step);
}

static struct sched_params random_params(u64 *r)
{
	if (test_below(r, 2))
		return SCHED_PARAMS_FIFO((u8)(4 + test_below(r, 3)));
	return SCHED_PARAMS_EDF(SEC(1 + test_below(r, 3)));
}

static void wake_some(struct actor *me)
{
	bool off = test_below(&me->random, 4) == 0;

	if (off)
		preempt_disable();
	for (u64 n = 1 + test_below(&me->random, 2); n; n--) {
		struct task *t = actors[test_below(&me->random, TASKS)];

		if (test_below(&me->random, 3)) /* some have equal deadlines */
			task_wake(t);
		else
			task_wake_deadline(t, SEC(100000 + test_below(&me->random, 2)));
	}
	note(me, 2);
	if (off)
		preempt_enable();
}

/* Is ready when somebody woke the task. */
static enum poll nap_poll(struct awaitable *a)
{
	struct actor *me = CONTAINER_OF(a, struct actor, wait.aw);

	me->waits = !me->waits;
	return me->waits ? POLL_PENDING : POLL_READY;
}

static void nap_cancel(struct awaitable *a)
{
	(void)a;
}

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (me->step = 0; me->step < STEPS; me->step++) {
		note(me, 1);
		switch (test_below(&me->random, 7)) {
		case 0:
		case 6:
			AWAIT(me, yield_now(&me->yield));
			break;
		case 1:
			me->wait.aw = (struct awaitable){nap_poll, nap_cancel, TRACE_await_kind_other};
			AWAIT(me, &me->wait.aw);
			break;
		case 2:
			AWAIT(me, semaphore_acquire(&me->wait, &permits, 1, TRACE_await_kind_semaphore));
			wake_some(me);
			semaphore_release(&permits, 1);
			break;
		case 3:
			AWAIT(me, mutex_lock(&me->wait, &mutex));
			wake_some(me);
			MUST(mutex_unlock(&mutex));
			break;
		case 4:
			note(me, channel_try_receive(&channel, &me->message) ? 3 : 4);
			AWAIT(me, channel_send(&me->op, &channel, &me->message));
			break;
		default:
			wake_some(me);
		}
	}
	ended++;
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	struct task *mover;
	unsigned i, set;
};

struct mover {
	struct async async;
	struct yield yield;
	unsigned turns;
};

static void spawn_set(unsigned set)
{
	u64 random = set;

	semaphore_init(&permits, 2);
	mutex_init_as(&mutex, false); /* a hint to oneself takes its time to arrive */
	channel_init(&channel, slots, ARRAY_LEN(slots), sizeof slots[0]);
	ended = length[run] = 0;
	preempt_disable();
	for (unsigned i = 0; i < TASKS; i++)
		MUST(TASK_SPAWN(&actors[i], "actor", actor,
				((struct actor){.id = i, .random = test_random(&random)}),
				random_params(&random)));
	preempt_enable();
}

static void stir(void)
{
	u32 message;

	if (channel_try_receive(&channel, &message))
		message = 0; /* it was empty */
	for (unsigned i = 0; i < TASKS; i++)
		task_wake(actors[i]);
}

/* Less urgent than all others: sets going what has come to rest. */
static enum poll mover(void *frame)
{
	struct mover *me = frame;

	ASYNC_BEGIN(me);
	for (; me->turns < 1000 && ended < TASKS; me->turns++) {
		stir();
		AWAIT(me, yield_now(&me->yield));
	}
	CHECK_EQ(ended, TASKS);
	ASYNC_END(me);
}

static void compare(unsigned set)
{
	for (unsigned i = 0; i < MAX(length[0], length[1]); i++) {
		if (i < MIN(length[0], length[1]) && order[0][i] == order[1][i])
			continue;
		test_fail(__FILE__, __LINE__, "set %u, at %u of %u and %u: %x the long way, %x the short one", set, i,
			  length[0], length[1], order[0][i], order[1][i]);
		return;
	}
}

static enum poll the_same_order(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	trace_set_level(TRACE_OFF);
	for (me->set = 1; me->set <= SETS; me->set++) {
		for (run = 0; run < 2; run++) {
			alone = run;
			shards[0].shared = !run;
			shards[0].simple = run ? levels_classes : 0;
			spawn_set(me->set);
			MUST(TASK_SPAWN(&me->mover, "mover", mover, (struct mover){},
					SCHED_PARAMS_PANICKED));
			AWAIT(me, task_join(&me->join, me->mover));
			task_put(me->mover);
			for (me->i = 0; me->i < TASKS; me->i++) {
				AWAIT(me, task_join(&me->join, actors[me->i]));
				task_put(actors[me->i]);
			}
		}
		compare(me->set);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(the_same_order));
