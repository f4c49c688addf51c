/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * Waking a task while a CPU goes idle, with two run queues: CPU 0 queues it and hints, CPU 1 has
 * just ended one, looks for another and halts when it finds none. It does not sleep while the task
 * waits (rule G in task/hint.c), and the task is taken once. hints_first.c is the same
 * with the other queue, and hints_two.c, hints_pinned.c and hints_one.c are with two tasks; before
 * the CPUs start, looks find these in their order.
 */
#include "core/irq.h"
#include "explore.h"
#include "mm/page.h"
#include "task/look.h"

#define POLICY sched_fifo
#include "pages.h"

#ifndef TASKS
#define TASKS 1
#endif
#ifndef QUEUES
#define QUEUES 2
#endif
#ifndef HOME
#define HOME 1 /* the first task's */
#endif
#ifndef MAY_RUN_ON
#define MAY_RUN_ON SCHED_CPUS_ALL
#endif
#define CPUS 2

const unsigned explore_threads = CPUS;

struct cpu cpus[CPUS_MAX];
unsigned cpu_count = CPUS;
_Atomic u64 sched_heads, sched_tails;
_Atomic bool workers_refused;
_Atomic u8 trace_level = TRACE_OFF;

static struct task tasks[TASKS];
static _Atomic u32 taken[TASKS];

static void send_hint(unsigned cpu)
{
	sim_hint(cpu);
}

static const struct irqchip chip = {.name = "explorer", .send_hint = send_hint};
const struct irqchip *irqchip = &chip;

void trace_record(unsigned id, const void *payload, usize bytes, const void *more, usize more_bytes)
{
	(void)id, (void)payload, (void)bytes, (void)more, (void)more_bytes;
}

u16 worker_here(void)
{
	return 0;
}

/* As task_wake does. */
static void wake(struct task *t)
{
	struct wanted w;

	home_lock(t);
	runqueue_add(t, false);
	w = wanted(t);
	home_unlock(t);
	(void)hint_for(w);
}

/* As the executor does when a task has ended. */
static bool look_below(struct cpu *c, u64 below) NO_THREAD_SAFETY_ANALYSIS
{
	struct look l = {.below = below, .otherwise = below};
	struct task *t;

	look_begin(&l, c, false);
	t = look_take(&l, NULL);
	if (t) {
		runqueue_remove(t);
		home_unlock(t);
		/* relaxed: counted at the end */
		atomic_fetch_add_explicit(&taken[t->id - 1], 1, memory_order_relaxed);
	}
	look_end(&l, t, false);
	return t;
}

static bool look(struct cpu *c)
{
	return look_below(c, RANK_IDLE);
}

/* The more urgent one is for the other CPU. */
static void elsewhere(void)
{
	tasks[TASKS - 1].entity.cpus = 1;
	for (unsigned i = 0; i < TASKS; i++)
		wake(&tasks[i]);
	cpus[1].promised = 1;
	ASSERT(look(&cpus[1]) && taken[0] == 3);
	ASSERT(!look(&cpus[1]));
	sim_cpu_set_local(&cpus[0]);
	ASSERT(look(&cpus[0]) && taken[TASKS - 1] == 2);
	tasks[TASKS - 1].entity.cpus = MAY_RUN_ON;
}

/* All are queued: each look takes the most urgent that may run there. */
static void in_turn(void)
{
	struct place first;

	if (TASKS < 2)
		return;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < TASKS; i++)
			wake(&tasks[round ? i : TASKS - 1 - i]);
		sim_cpu_set_local(&cpus[1]);
		ASSERT(!look_below(&cpus[1], tasks[TASKS - 1].rank));
		ASSERT(!look_around(1, tasks[TASKS - 1].rank, &first));
		ASSERT(look_around(1, RANK_IDLE, &first) == tasks[TASKS - 1].home &&
		       first.rank == tasks[TASKS - 1].rank);
		ASSERT(look(&cpus[1]) && taken[TASKS - 1] == 1);
		ASSERT(look_around(1, RANK_IDLE, &first) == tasks[TASKS - 2].home);
		ASSERT(look(&cpus[1]) && taken[TASKS - 2] == 1);
		ASSERT(!look(&cpus[1]));
		sim_cpu_set_local(&cpus[0]);
		if (MAY_RUN_ON != SCHED_CPUS_ALL) {
			wake(&tasks[0]);
			ASSERT(!look(&cpus[0]));
			ASSERT(look(&cpus[1]) && taken[0] == 2);
			elsewhere();
		}
		for (unsigned i = 0; i < TASKS; i++)
			taken[i] = 0;
		for (unsigned i = 0; i < CPUS; i++)
			cpus[i].promised = 1;
	}
}

void explore_begin(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i].id = i;
		cpus[i].promised = 1; /* each runs something urgent */
	}
	online_cpus = (1u << CPUS) - 1;
	sim_cpu_set_local(&cpus[0]);
	runqueue_init(QUEUES);
	for (unsigned i = 0; i < TASKS; i++) {
		struct task *t = &tasks[i];

		t->id = i + 1;
		t->cpu = 1;
		t->policy = &sched_fifo;
		t->home = &shards[(i + HOME) % QUEUES];
		t->entity.cpus = MAY_RUN_ON;
		t->params.level = (u8)(10 + i);
		sched_fifo.release(t->home->queue[sched_fifo.urgency], &t->entity, &t->params, 0);
		rank_update(t);
	}
	in_turn();
}

void explore_thread(unsigned id)
{
	sim_cpu_set_local(&cpus[id]);
	arch_irq_disable();
	if (id == 0) {
		/* Plain, so that it is a race if anybody reads a shard that is none. */
		*(u64 *)&shards[QUEUES].top_rank = RANK_IDLE;
		for (unsigned i = 0; i < TASKS; i++)
			wake(&tasks[i]);
		return;
	}
	for (unsigned n = 0; n < TASKS;)
		if (look(&cpus[id]))
			n++;
		else
			sim_idle();
}

void explore_end(void)
{
	for (unsigned i = 0; i < TASKS; i++)
		ASSERT(taken[i] == 1);
}
