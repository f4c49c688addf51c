/* Stride on the kernel: service in proportion to tickets, also for who sleeps now and then. */
#include "lab08.h"

#define TASKS      3u
#define QUANTUM_NS US(100)
#define RUN_NS     MS(8)

static _Atomic bool stop;
static u64 had_ns[TASKS];

struct worker {
	struct async async;
	struct sleep sleep;
	unsigned number;
};

static enum poll worker(void *frame)
{
	struct worker *me = frame;

	/* relaxed: nothing else depends on it */
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		had_ns[me->number] = task_cpu_ns();
	return POLL_READY;
}

static enum poll sleeper(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	/* relaxed, as above */
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		burn_ns(QUANTUM_NS / 3);
		AWAIT(me, sleep_for(&me->sleep, US(300)));
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	u64 random, sum_ns, tickets;
	u16 share[TASKS];
	unsigned i;
	struct task *tasks[TASKS + 1];
};

static struct sched_params pinned(u16 tickets)
{
	struct sched_params p = SCHED_PARAMS_STRIDE(tickets, QUANTUM_NS);

	p.cpus = 1;
	return p;
}

static void check_shares(struct scene *me)
{
	for (unsigned a = 0; a < TASKS; a++)
		for (unsigned b = 0; b < TASKS; b++) {
			u64 x = had_ns[a] * me->share[b], y = had_ns[b] * me->share[a];
			u64 most = (QUANTUM_NS + US(30)) * MAX(me->share[a], me->share[b]);

			EXPECT(x <= y + most,
			       "stride: with %u and %u tickets two tasks that compute had %llu and "
			       "%llu us of a CPU, off their tickets' ratio by more than a quantum "
			       "of %llu us",
			       me->share[a], me->share[b], (unsigned long long)had_ns[a] / 1000,
			       (unsigned long long)had_ns[b] / 1000,
			       (unsigned long long)QUANTUM_NS / 1000);
		}
}

static enum poll service_follows_tickets(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = set_number();
	for (me->i = 0; me->i < TASKS; me->i++) {
		me->share[me->i] = (u16)(50 * (1 + test_below(&me->random, 5)));
		MUST(TASK_SPAWN(&me->tasks[me->i], "worker", worker,
				((struct worker){.number = me->i}), pinned(me->share[me->i])));
	}
	MUST(TASK_SPAWN(&me->tasks[TASKS], "sleeper", sleeper, ((struct worker){.number = 0}),
			pinned(100)));
	AWAIT(me, sleep_for(&me->sleep, RUN_NS));
	check_shares(me);
	/* relaxed, as above */
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	for (me->i = 0; me->i <= TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(service_follows_tickets));
