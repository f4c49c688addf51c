/*
 * Tasks that are killed, or fault, wherever they are: holding a lock, in a queue, asleep, in the
 * middle of a select, computing. Nothing that they had is lost, and nobody waits for them.
 *
 * cpus: 1 2 4
 * seeds: 12
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "core/time.h"
#include "mm/kmalloc.h"

#define VICTIMS 4
#define ROUNDS 60

static struct mutex mutex;
static unsigned left, right; /* equal, but for an owner between the two, or a dead one */
static struct rw_mutex rw;
static struct channel channel;
static u64 slots[2];
static u64 seed; /* the runner's */
static _Atomic u64 drawn;
static _Atomic bool faulting; /* victims fault by themselves now and then */

static void maybe_fault(void)
{
	/* relaxed: any order of the draws will do */
	u64 n = atomic_fetch_add_explicit(&drawn, 1, memory_order_relaxed);

	if (faulting && !test_below(&n, 40))
		panic("a victim's own");
}

static void compute(u64 ns)
{
	u64 until_ns = clock_ns() + ns;

	while (clock_ns() < until_ns)
		arch_relax();
}

struct victim {
	struct async async;
	struct wait wait;
	struct sleep sleep;
	struct channel_op op;
	struct timeout timeout;
	struct select select;
	struct awaitable *arms[2];
	u64 message;
};

static enum poll with_mutex(struct victim *me)
{
	ASYNC_BEGIN(me);
	AWAIT(me, mutex_lock(&me->wait, &mutex));
	if (me->wait.status == ERR_OWNERDEAD) {
		right = left;
		mutex_recover(&mutex);
	}
	CHECK_EQ(left, right);
	left++;
	compute(US(3));
	maybe_fault();
	AWAIT(me, sleep_for(&me->sleep, US(2)));
	right++;
	CHECK_EQ(mutex_unlock(&mutex), 0);
	ASYNC_END(me);
}

static enum poll with_rw(struct victim *me)
{
	ASYNC_BEGIN(me);
	AWAIT(me, rw_mutex_read(&me->wait, &rw));
	compute(US(1));
	maybe_fault();
	AWAIT(me, sleep_for(&me->sleep, US(1)));
	CHECK_EQ(rw_mutex_end_read(&rw, &me->wait), 0);
	AWAIT(me, rw_mutex_write(&me->wait, &rw));
	if (me->wait.status)
		rw_mutex_recover(&rw);
	compute(US(1));
	CHECK_EQ(rw_mutex_end_write(&rw), 0);
	ASYNC_END(me);
}

static enum poll with_channel(struct victim *me)
{
	ASYNC_BEGIN(me);
	AWAIT(me, timeout_after(&me->timeout, channel_send(&me->op, &channel, &me->message),
				US(20)));
	me->arms[0] = channel_receive(&me->op, &channel, &me->message);
	me->arms[1] = sleep_for(&me->sleep, US(4));
	AWAIT(me, select_fair(&me->select, me->arms, 2));
	maybe_fault();
	ASYNC_END(me);
}

struct life {
	struct async async;
	struct victim victim;
};

static enum poll live(void *frame)
{
	struct life *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT_CALL(me, with_mutex, &me->victim);
		AWAIT_CALL(me, with_channel, &me->victim);
		AWAIT_CALL(me, with_rw, &me->victim);
	}
	ASYNC_END(me);
}

struct massacre {
	struct async async;
	struct task *tasks[VICTIMS];
	struct join join;
	struct sleep sleep;
	struct wait wait;
	struct timeout timeout;
	u64 message;
	usize blocks;
	unsigned i, round, faults, kills;
};

static void spawn_all(struct massacre *me)
{
	for (unsigned i = 0; i < VICTIMS; i++)
		MUST(TASK_SPAWN(&me->tasks[i], "victim", live, (struct life){},
				i % 2 ? SCHED_PARAMS_RR(4, US(50)) : SCHED_PARAMS_FIFO((u8)(8 + i))));
}

/* After all of them are gone the things they used are free, at once. */
static void check_free(struct massacre *me)
{
	struct wait w;

	(void)me;
	CHECK_EQ(await_poll(mutex_lock(&w, &mutex)), POLL_READY);
	CHECK(left - right <= 1);
	if (left != right)
		CHECK_EQ(w.status, ERR_OWNERDEAD);
	right = left;
	mutex_recover(&mutex);
	CHECK_EQ(mutex_unlock(&mutex), 0);
	CHECK_EQ(semaphore_try_acquire(&rw.s, RW_MUTEX_ALL), 0);
	rw_mutex_recover(&rw);
	semaphore_release(&rw.s, RW_MUTEX_ALL);
	while (!channel_try_receive(&channel, &me->message))
		;
	CHECK_EQ(channel_try_send(&channel, &me->message), 0);
	CHECK_EQ(channel_try_receive(&channel, &me->message), 0);
}

static enum poll massacre(struct massacre *me)
{
	ASYNC_BEGIN(me);
	for (me->round = 0; me->round < ROUNDS; me->round++) {
		spawn_all(me);
		AWAIT(me, sleep_for(&me->sleep, US(1) + test_below(&seed, US(120))));
		for (me->i = 0; me->i < VICTIMS; me->i++) {
			int err = task_kill(me->tasks[me->i]);

			CHECK(!err || (faulting && err == ERR_CLOSED));
			AWAIT(me, sleep_for(&me->sleep, 1 + test_below(&seed, US(4))));
		}
		for (me->i = 0; me->i < VICTIMS; me->i++) {
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
			CHECK(me->join.status == ERR_KILLED || me->join.status == ERR_FAULT);
			me->kills += me->join.status == ERR_KILLED;
			me->faults += me->join.status == ERR_FAULT;
			task_put(me->tasks[me->i]);
		}
		check_free(me);
		CHECK_EQ(task_count(), 1);
		/* The executors drop their references of the dead a little later. */
		AWAIT(me, sleep_for(&me->sleep, US(200)));
		if (!me->round)
			me->blocks = kmalloc_stats().blocks;
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	kprintf("  %u killed, %u faulted\n", me->kills, me->faults);
	CHECK((me->faults > 0) == faulting);
	CHECK(me->kills > 0);
	ASYNC_END(me);
}

static enum poll kill_anywhere(void *frame)
{
	struct massacre *me = frame;

	if (!me->async.resume) {
		mutex_init(&mutex);
		rw_mutex_init(&rw);
		channel_init(&channel, slots, 2, sizeof slots[0]);
		left = right = 0;
		seed = clock_ns();
		fault_containment = true;
		task_essential();
	}
	return massacre(me);
}

static enum poll fault_anywhere(void *frame)
{
	faulting = true;
	return kill_anywhere(frame);
}

struct closing {
	struct async async;
	struct channel_end end;
	struct sleep sleep;
	bool release;
};

static enum poll hold_an_end(void *frame)
{
	struct closing *me = frame;

	ASYNC_BEGIN(me);
	channel_hold(&me->end, &channel);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	if (me->release)
		channel_release(&me->end);
	else
		panic("with a channel in hand");
	ASYNC_END(me);
}

struct peer {
	struct async async;
	struct channel_op op;
	struct join join;
	struct task *task;
	u64 message;
};

static enum poll an_end_closes(void *frame)
{
	struct peer *me = frame;

	ASYNC_BEGIN(me);
	fault_containment = true;
	channel_init(&channel, slots, 2, sizeof slots[0]);
	MUST(TASK_SPAWN(&me->task, "neat", hold_an_end, (struct closing){.release = true},
			SCHED_PARAMS_FIFO(4)));
	AWAIT(me, task_join(&me->join, me->task));
	CHECK_EQ(me->join.status, 0);
	task_put(me->task);
	CHECK_EQ(channel_try_receive(&channel, &me->message), ERR_AGAIN);
	MUST(TASK_SPAWN(&me->task, "torn", hold_an_end, (struct closing){}, SCHED_PARAMS_FIFO(4)));
	AWAIT(me, channel_receive(&me->op, &channel, &me->message));
	CHECK_EQ(me->op.status, ERR_CLOSED);
	AWAIT(me, task_join(&me->join, me->task));
	CHECK_EQ(me->join.status, ERR_FAULT);
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll forever(void *frame)
{
	struct async *me = frame;

	(void)me;
	for (;;)
		arch_relax();
	return POLL_READY;
}

struct stubborn {
	struct async async;
	struct task *task;
	struct sleep sleep;
	struct join join;
};

/* It never awaits, and is more urgent than nobody: only an interrupt reaches it. */
static enum poll a_loop_is_killed(void *frame)
{
	struct stubborn *me = frame;

	ASYNC_BEGIN(me);
	task_essential();
	MUST(TASK_SPAWN(&me->task, "loop", forever, (struct async){}, SCHED_PARAMS_FIFO(4)));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	CHECK_EQ(task_kill(me->task), 0);
	AWAIT(me, task_join(&me->join, me->task));
	CHECK_EQ(me->join.status, ERR_KILLED);
	CHECK_EQ(task_kill(me->task), ERR_CLOSED);
	CHECK_EQ(task_kill(task_self()), ERR_INVAL);
	task_put(me->task);
	ASYNC_END(me);
}

static volatile bool shielded, kill_came;

static enum poll behind_a_shield(void *frame)
{
	(void)frame;
	task_shield(task_self());
	task_shield(task_self());
	shielded = true;
	while (!kill_came)
		arch_relax();
	task_unshield(task_self());
	shielded = false; /* it is still alive */
	task_unshield(task_self());
	for (;;)
		arch_relax();
	return POLL_READY;
}

/* A kill waits until the shield is down, and no longer. */
static enum poll a_shield_holds_and_ends(void *frame)
{
	struct stubborn *me = frame;

	ASYNC_BEGIN(me);
	fault_containment = true;
	shielded = kill_came = false;
	MUST(TASK_SPAWN(&me->task, "shield", behind_a_shield, (struct async){}, SCHED_PARAMS_FIFO(4)));
	while (!shielded)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	CHECK_EQ(task_kill(me->task), 0);
	AWAIT(me, sleep_for(&me->sleep, US(50)));
	CHECK(shielded);
	kill_came = true;
	AWAIT(me, task_join(&me->join, me->task));
	CHECK_EQ(me->join.status, ERR_KILLED);
	CHECK(!shielded);
	task_put(me->task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_shield_holds_and_ends), ASYNC(kill_anywhere), ASYNC(fault_anywhere), ASYNC(an_end_closes),
	   ASYNC(a_loop_is_killed));
