/* FIFO and round robin on the kernel: the trace of a random set of tasks is judged by the rules. */
#include "lab08.h"

#define TASKS      12u
#define EQUALS     3u
#define QUANTUM_NS US(200)

struct worker {
	struct async async;
	struct sleep sleep;
	u64 random;
	unsigned steps;
};

static enum poll worker(void *frame)
{
	struct worker *me = frame;

	ASYNC_BEGIN(me);
	for (; me->steps; me->steps--) {
		burn_ns(US(5) + test_below(&me->random, US(120)));
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(150))));
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct join join;
	struct sleep sleep;
	u64 random, least, most;
	unsigned i;
	struct task *tasks[TASKS];
};

static struct sched_params random_params(u64 *random)
{
	u8 level = (u8)(8 + test_below(random, 4));
	struct sched_params p =
		test_below(random, 2) ? SCHED_PARAMS_FIFO(level) : SCHED_PARAMS_RR(level, US(60));

	if (test_below(random, 3) == 0)
		p.cpus = 1ull << test_below(random, cpu_count);
	return p;
}

static enum poll random_set(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = set_number();
	for (me->i = 0; me->i < TASKS; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "worker", worker,
				((struct worker){.random = set_number() + me->i, .steps = 4}),
				random_params(&me->random)));
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

static _Atomic bool stop;
static u64 had_ns[EQUALS];

struct equal {
	struct async async;
	unsigned number;
};

static enum poll equal(void *frame)
{
	struct equal *me = frame;

	/* relaxed: nothing else depends on it */
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		had_ns[me->number] = task_cpu_ns();
	return POLL_READY;
}

/* All on CPU 0, whatever the others do. */
static enum poll equals_share_a_cpu(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	/* relaxed, as above */
	atomic_store_explicit(&stop, false, memory_order_relaxed);
	for (me->i = 0; me->i < EQUALS; me->i++) {
		struct sched_params p = SCHED_PARAMS_RR(12, QUANTUM_NS);

		p.cpus = 1;
		MUST(TASK_SPAWN(&me->tasks[me->i], "equal", equal,
				((struct equal){.number = me->i}), p));
	}
	AWAIT(me, sleep_for(&me->sleep, MS(5)));
	me->least = UINT64_MAX;
	me->most = 0;
	for (me->i = 0; me->i < EQUALS; me->i++) {
		me->least = MIN(me->least, had_ns[me->i]);
		me->most = MAX(me->most, had_ns[me->i]);
	}
	/* relaxed, as above */
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	EXPECT(me->most - me->least <= QUANTUM_NS + US(50),
	       "round robin: of three equal tasks one had %llu us of the CPU and one %llu us; they "
	       "may differ by a quantum, %llu us",
	       (unsigned long long)me->most / 1000, (unsigned long long)me->least / 1000,
	       (unsigned long long)QUANTUM_NS / 1000);
	for (me->i = 0; me->i < EQUALS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(random_set), ASYNC(equals_share_a_cpu));
