/* Locks: taken while nobody else wants them, and handed over between tasks. */
#include "async/lock.h"
#include "bench.h"
#include "sync/mcs.h"
#include "sync/rwlock.h"
#include "sync/spin.h"

static void measure_spin(void)
{
	static struct spin spin = SPIN_INIT;

	while (bench_more()) {
		bench_begin();
		bool irqs = spin_lock(&spin);
		spin_unlock(&spin, irqs);
		bench_end();
	}
	bench_report("sync.spin.free");
}

static void measure_mcs(void)
{
	static struct mcs mcs = MCS_INIT;
	struct mcs_node node;

	while (bench_more()) {
		bench_begin();
		mcs_lock(&mcs, &node);
		mcs_unlock(&mcs, &node);
		bench_end();
	}
	bench_report("sync.mcs.free");
}

static void measure_rwlock(void)
{
	static struct rwlock rw = RWLOCK_INIT;

	while (bench_more()) {
		bench_begin();
		bool irqs = read_lock(&rw);
		read_unlock(&rw, irqs);
		bench_end();
	}
	bench_report("sync.rwlock.free");
	while (bench_more()) {
		bench_begin();
		bool irqs = write_lock(&rw);
		write_unlock(&rw, irqs);
		bench_end();
	}
	bench_report("sync.rwlock.free_write");
}

static struct mutex mutex;
static struct rw_mutex rw_mutex;
static struct semaphore sem;

static void measure_try(void)
{
	while (bench_more()) {
		bench_begin();
		must(semaphore_try_acquire(&sem, 1));
		semaphore_release(&sem, 1);
		bench_end();
	}
	bench_report("sync.sem.try");
}

struct locker {
	struct async async;
	struct wait wait;
	struct park park;
};

/* Woken while the bench holds the lock: waits for it; what the bench began ends when it has it. */
static enum poll mutex_waiter(void *frame)
{
	struct locker *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, park(&me->park));
		AWAIT(me, mutex_lock(&me->wait, &mutex));
		bench_end();
		must(mutex_unlock(&mutex));
	}
	ASYNC_END(me);
}

static enum poll sem_waiter(void *frame)
{
	struct locker *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, semaphore_acquire(&me->wait, &sem, 1, TRACE_await_kind_semaphore));
		bench_end();
	}
	ASYNC_END(me);
}

static enum poll rw_waiter(void *frame)
{
	struct locker *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, park(&me->park));
		AWAIT(me, rw_mutex_read(&me->wait, &rw_mutex));
		bench_end();
		must(rw_mutex_end_read(&rw_mutex, &me->wait));
	}
	ASYNC_END(me);
}

struct main {
	struct async async;
	struct wait wait;
	struct task *high;
	struct locker child;
};

static enum poll free_pairs(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	while (bench_more()) {
		bench_begin();
		AWAIT(me, mutex_lock(&me->wait, &mutex));
		must(mutex_unlock(&mutex));
		bench_end();
	}
	bench_report("sync.mutex.free");
	while (bench_more()) {
		bench_begin();
		AWAIT(me, semaphore_acquire(&me->wait, &sem, 1, TRACE_await_kind_semaphore));
		semaphore_release(&sem, 1);
		bench_end();
	}
	bench_report("sync.sem.free");
	while (bench_more()) {
		bench_begin();
		AWAIT(me, rw_mutex_read(&me->wait, &rw_mutex));
		must(rw_mutex_end_read(&rw_mutex, &me->wait));
		bench_end();
	}
	bench_report("sync.rw_mutex.free");
	ASYNC_END(me);
}

static enum poll handoffs(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	must(TASK_SPAWN(&me->high, "high", mutex_waiter, (struct locker){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		AWAIT(me, mutex_lock(&me->wait, &mutex));
		task_wake(me->high);
		bench_begin();
		must(mutex_unlock(&mutex));
	}
	bench_report("sync.mutex.handoff");
	must(TASK_SPAWN(&me->high, "high", rw_waiter, (struct locker){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		AWAIT(me, rw_mutex_write(&me->wait, &rw_mutex));
		task_wake(me->high);
		bench_begin();
		must(rw_mutex_end_write(&rw_mutex));
	}
	bench_report("sync.rw_mutex.handoff");
	must(semaphore_try_acquire(&sem, 1));
	must(TASK_SPAWN(&me->high, "high", sem_waiter, (struct locker){}, SCHED_PARAMS_FIFO(12)));
	while (bench_more()) {
		bench_begin();
		semaphore_release(&sem, 1);
	}
	bench_report("sync.sem.handoff");
	ASYNC_END(me);
}

struct top {
	struct async async;
	struct main main;
};

static enum poll bench(void *frame)
{
	struct top *me = frame;

	ASYNC_BEGIN(me);
	bench_calibrate();
	measure_spin();
	measure_mcs();
	measure_rwlock();
	mutex_init(&mutex);
	rw_mutex_init(&rw_mutex);
	semaphore_init(&sem, 1);
	measure_try();
	AWAIT_CALL(me, free_pairs, &me->main);
	AWAIT_CALL(me, handoffs, &me->main);
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct top)
