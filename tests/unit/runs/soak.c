/*
 * A week of a machine's life: every five minutes a crew of tasks of all classes comes and works, with
 * memory, locks, channels, timers and tasks of its own; some panic or touch what is not there, some
 * are killed, one takes all the memory there is, allocations fail, and CPUs leave and come back. After
 * each round everything is as it was before the first: memory, tasks, timers, stacks. Virtual time skips
 * what is idle, so a week takes seconds.
 * cpus: 4
 * seeds: 1
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/select.h"
#include "async/sleep.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "services/burn.h"
#include "task/executor.h"
#include "task/hotplug.h"
#include "task/memory.h"
#include "trace/trace.h"

#define CREW	 10u
#define ROUND_NS (300 * NS_PER_S)
#define ROUNDS	 (7u * 24 * 12) /* a week; `rounds=N` on the command line: fewer */

static struct mutex mutex;
static struct channel channel;
static u64 slots[3];

/* All that must come back. */
struct inventory {
	u64 tasks, timers, stacks, kernel_blocks, kernel_bytes, task_blocks, task_bytes;
	u64 pages; /* free, or in the heaps' pools */
};

/* With the mutex. */
struct section {
	struct async async;
	u64 random;
	struct wait wait;
	struct sleep sleep;
};

struct member {
	struct async async;
	u64 random;
	unsigned steps;
	u64 message;
	void *memory;
	struct sleep sleep;
	struct timeout timeout;
	struct channel_op op;
	struct section section;
	struct join join;
	struct task *child;
};

static u64 timers_armed(void)
{
	u64 n = 0;

	for (unsigned i = 0; i < cpu_count; i++) {
		bool irqs = spin_lock(&cpus[i].timer_lock);

		for (unsigned s = 0; s < ARRAY_LEN(cpus[i].timers.slots); s++) {
			const struct wheel_node *first = cpus[i].timers.slots[s].first, *at = first;

			for (; at; at = at->next == first ? NULL : at->next)
				n++;
		}
		spin_unlock(&cpus[i].timer_lock, irqs);
	}
	return n;
}

static struct inventory take_inventory(void)
{
	struct kmalloc_stats kernel = heap_stats(HEAP_KERNEL), tasks = heap_stats(HEAP_TASKS);

	return (struct inventory){
		.tasks = task_count(),
		.timers = timers_armed(),
		.stacks = workers_free(),
		.kernel_blocks = kernel.blocks,
		.kernel_bytes = kernel.used_bytes,
		.task_blocks = tasks.blocks,
		.task_bytes = tasks.used_bytes,
		.pages = page_free_bytes() + kernel.pool_bytes + tasks.pool_bytes,
	};
}

static void compare(const struct inventory *was, const struct inventory *is)
{
	CHECK_EQ(is->tasks, was->tasks);
	CHECK_EQ(is->timers, was->timers);
	CHECK_EQ(is->stacks, was->stacks);
	CHECK_EQ(is->kernel_blocks, was->kernel_blocks);
	CHECK_EQ(is->kernel_bytes, was->kernel_bytes);
	CHECK_EQ(is->task_blocks, was->task_blocks);
	CHECK_EQ(is->task_bytes, was->task_bytes);
	CHECK_EQ(is->pages, was->pages);
}

static struct sched_params random_params(u64 *r)
{
	u64 quantum_ns = SCHED_QUANTUM_MIN_NS + test_below(r, US(50));
	u16 share = (u16)(1 + test_below(r, 500));
	struct sched_params p;

	switch (test_below(r, 10)) {
	case 0: p = SCHED_PARAMS_CEDF(SCHED_CPUS_ALL, MS(1)); break;
	case 1: p = SCHED_PARAMS_EDF(US(20) + test_below(r, MS(2))); break;
	case 2: p = SCHED_PARAMS_FIFO((u8)test_below(r, 12)); break;
	case 3: p = SCHED_PARAMS_FAIR(share, quantum_ns); break;
	case 4: p = SCHED_PARAMS_MLFQ(quantum_ns); break;
	case 5: p = SCHED_PARAMS_LOTTERY(share, quantum_ns); break;
	case 6: p = SCHED_PARAMS_STRIDE(share, quantum_ns); break;
	case 7: p = (struct sched_params){.class = SCHED_EDF, .deadline_ns = MS(1),
					  .budget_ns = US(50), .period_ns = US(200), .hard = true};
		break;
	case 8: p = SCHED_PARAMS_PANICKED; break;
	default: p = SCHED_PARAMS_RR((u8)test_below(r, 2), quantum_ns); break;
	}
	if (test_below(r, 4) == 0)
		p.cpus = 1ull << test_below(r, cpu_count);
	return p;
}

/* Memory may be short, and all CPUs that it asks for may be out; then there is no such task. */
static struct task *hire(const char *name, task_fn *fn, u64 *random)
{
	struct member frame = {.random = test_random(random), .steps = 1 + (unsigned)test_below(random, 6)};
	struct task *t;
	int err = TASK_SPAWN(&t, name, fn, frame, random_params(random));

	CHECK(!err || err == ERR_NOMEM || err == ERR_BUSY);
	return err ? NULL : t;
}

static enum poll child(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	me->memory = task_alloc(test_below(&me->random, 3000));
	AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, MS(1))));
	ASYNC_END(me);
}

/* Until there is none; it goes with the task. */
static void take_all_memory(void)
{
	for (usize bytes = MIB(8); bytes >= KIB(4); bytes /= 2)
		while (task_alloc(bytes))
			;
	CHECK(!task_alloc(MIB(1)));
}

static void come_to_grief(u64 *random)
{
	if (test_below(random, 2))
		panic("a member's own");
	*(volatile int *)(uptr)(8 * test_below(random, 100)) = 1;
}

static enum poll with_mutex(struct section *me)
{
	ASYNC_BEGIN(me);
	AWAIT(me, mutex_lock(&me->wait, &mutex));
	if (me->wait.status == ERR_OWNERDEAD)
		mutex_recover(&mutex);
	burn_ns(test_below(&me->random, US(30)));
	if (!test_below(&me->random, 6))
		come_to_grief(&me->random);
	AWAIT(me, sleep_for(&me->sleep, US(5)));
	CHECK_EQ(mutex_unlock(&mutex), 0);
	ASYNC_END(me);
}

static enum poll member(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	while (me->steps--) {
		switch (test_below(&me->random, 9)) {
		case 0: burn_ns(test_below(&me->random, US(200))); break;
		case 1: AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, NS_PER_S))); break;
		case 2: me->memory = task_alloc(test_below(&me->random, KIB(200))); break;
		case 3: task_free(me->memory), me->memory = NULL; break;
		case 4:
			AWAIT(me, timeout_after(&me->timeout,
						channel_send(&me->op, &channel, &me->message), US(50)));
			break;
		case 5:
			AWAIT(me, timeout_after(&me->timeout,
						channel_receive(&me->op, &channel, &me->message), US(50)));
			break;
		case 6:
			me->child = hire("child", child, &me->random);
			if (me->child && test_below(&me->random, 2))
				AWAIT(me, task_join(&me->join, me->child));
			if (me->child)
				task_put(me->child); /* or it goes on alone */
			break;
		case 7:
			me->section.random = test_random(&me->random);
			AWAIT_CALL(me, with_mutex, &me->section);
			break;
		default:
			if (!test_below(&me->random, 20))
				take_all_memory();
			if (!test_below(&me->random, 10))
				come_to_grief(&me->random);
			break;
		}
	}
	ASYNC_END(me);
}

struct round {
	struct async async;
	u64 random;
	unsigned i, ended, killed, faulted, refused;
	struct task *crew[CREW];
	struct sleep sleep;
	struct join join;
};

struct week {
	struct async async;
	u64 started_ns;
	u64 number, rounds;
	struct round round;
	struct sleep sleep;
	struct inventory first;
};

/* A CPU goes or comes; one stays, and so do those that somebody needs. */
static void change_cpus(u64 *random)
{
	unsigned cpu = (unsigned)test_below(random, cpu_count);
	int err = cpu_take_out(cpu, NULL);

	if (err == ERR_INVAL)
		err = cpu_put_back(cpu);
	CHECK(!err || err == ERR_BUSY);
}

/* Everything that a round may have left on purpose. */
static void restore(void)
{
	u64 message;

	kmalloc_fail_at(0);
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpu_use(i) != CPU_RUNS_TASKS)
			CHECK_EQ(cpu_put_back(i), 0);
	while (!channel_try_receive(&channel, &message))
		;
}

static void count_end(struct round *me)
{
	me->ended += !me->join.status;
	me->killed += me->join.status == ERR_KILLED;
	me->faulted += me->join.status == ERR_FAULT;
}

static void hire_crew(struct round *me)
{
	if (test_below(&me->random, 3) == 0)
		kmalloc_fail_at(1 + test_below(&me->random, 40));
	for (unsigned i = 0; i < CREW; i++) {
		me->crew[i] = hire("member", member, &me->random);
		me->refused += !me->crew[i];
		if (test_below(&me->random, 8) == 0)
			change_cpus(&me->random);
	}
}

static enum poll live_a_round(struct round *me)
{
	ASYNC_BEGIN(me);
	hire_crew(me);
	for (me->i = 0; me->i < CREW; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(300))));
		change_cpus(&me->random);
		if (me->crew[me->i] && test_below(&me->random, 5) == 0)
			test_kill(me->crew[me->i]);
	}
	for (me->i = 0; me->i < CREW; me->i++) {
		if (!me->crew[me->i])
			continue;
		AWAIT(me, task_join(&me->join, me->crew[me->i]));
		count_end(me);
		task_put(me->crew[me->i]);
	}
	restore();
	ASYNC_END(me);
}

static enum poll a_week_leaks_nothing(void *frame)
{
	struct week *me = frame;
	struct inventory now;

	ASYNC_BEGIN(me);
	test_contain_faults();
	mutex_init(&mutex);
	channel_init(&channel, slots, ARRAY_LEN(slots), sizeof slots[0]);
	me->round.random = trace_descriptor.seed;
	me->started_ns = clock_ns();
	me->rounds = test_number(board_cmdline(), "rounds", ROUNDS);
	for (me->number = 0; me->number <= me->rounds; me->number++) {
		AWAIT_CALL(me, live_a_round, &me->round);
		/* Those who went on alone end meanwhile. */
		AWAIT(me, sleep_until(&me->sleep, me->started_ns + (me->number + 1) * ROUND_NS));
		now = take_inventory();
		if (!me->number)
			me->first = now;
		compare(&me->first, &now);
		/* relaxed: those that check are gone */
		if (atomic_load_explicit(&test_failures, memory_order_relaxed))
			break;
	}
	kprintf("  %llu rounds: %u members ended, %u were killed, %u faulted, %u were refused\n",
		(unsigned long long)me->number, me->round.ended, me->round.killed, me->round.faulted,
		me->round.refused);
	CHECK(me->round.ended && me->round.killed && me->round.faulted && me->round.refused);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_week_leaks_nothing));
