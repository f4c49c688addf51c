/*
 * tasks.h: what the executor is to the async primitives, for programs that explore them: thread i
 * is task i, on a CPU of its own, and polls what it awaits until that is ready; between two polls
 * it halts until somebody woke it. A wake-up that comes while it polls makes it poll again. What a
 * task owns is kept by the kernel's own code (task/fault.c). Spin locks are taken for granted:
 * spin.c explores them.
 *
 * Ghosts are the program's notes of what happened, in the order of the search. They are volatile,
 * which the explorer leaves alone, so they order nothing.
 */
#pragma once

#include "async/async.h"
#include "core/cpu.h"
#include "core/time.h"
#include "explore.h"
#include "mm/arena.h"
#include "task/executor.h"
#include "task/fault.h"
#include "unreached.h"

#define TASKS_MAX 4

const bool explore_locks_given = true;

struct cpu cpus[CPUS_MAX];
_Atomic u8 trace_level = TRACE_OFF;
struct clock_scale clock_scale;
/* Gone after a task's end: nothing here ends a task before its time. */
void (*panic_contain)(const struct fault *f);

static struct task tasks[TASKS_MAX];

static void tasks_begin(void)
{
	for (unsigned i = 0; i < TASKS_MAX; i++) {
		cpus[i].id = i;
		cpus[i].current = &tasks[i];
		tasks[i].id = i + 1;
		list_init(&tasks[i].joiners);
	}
	sim_cpu_set_local(&cpus[0]);
}

static void task_begin(unsigned id)
{
	sim_cpu_set_local(&cpus[id]);
}

void task_wake(struct task *t)
{
	sim_hint(t->id - 1);
}

void task_wake_release(struct task *t, struct spin *held, bool irqs) NO_THREAD_SAFETY_ANALYSIS
{
	spin_unlock(held, irqs);
	task_wake(t);
}

/** Awaits @p a. */
static inline void await(struct awaitable *a)
{
	while (await_poll(a) == POLL_PENDING)
		sim_idle();
}

/* Who began to wait, in that order. */
struct ghost {
	volatile unsigned n;
	volatile unsigned of[8];
};

static inline void ghost_note(struct ghost *g, unsigned what)
{
	unsigned at = g->n;

	ASSERT(at < ARRAY_LEN(g->of));
	g->of[at] = what;
	g->n = at + 1;
}

/** Awaits @p a for task @p id, and notes in @p g when it begins to wait: between the queue's lock
 *  and the note nothing else happens. */
static inline void await_noted(struct awaitable *a, unsigned id, struct ghost *g)
{
	if (await_poll(a) == POLL_READY)
		return;
	ghost_note(g, id);
	sim_idle();
	await(a);
}

/** Task @p id has what it waited for: whoever is in @p g, or came there before it, has it, too,
 *  unless @p waits says that it waits still. */
static inline bool ghost_passed_nobody(const struct ghost *g, unsigned id,
				       bool (*waits)(unsigned id))
{
	for (unsigned i = 0; i < g->n && g->of[i] != id; i++)
		if (waits(g->of[i]))
			return false;
	return true;
}

/*
 * What task/fault.c names and nothing here reaches.
 */
_Noreturn void executor_end(int status)
{
	(void)status;
	UNREACHED("executor_end");
}

void act_on_own_hint(struct cpu *c, bool irqs)
{
	(void)c, (void)irqs;
	UNREACHED("act_on_own_hint");
}

unsigned hint_runner(struct wanted w)
{
	(void)w;
	UNREACHED("hint_runner");
}

bool worker_guards(const struct worker *w, uptr at)
{
	(void)w, (void)at;
	UNREACHED("worker_guards");
}

void *worker_fresh(const struct worker *w, void (*entry)(void))
{
	(void)w, (void)entry;
	UNREACHED("worker_fresh");
}

unsigned arena_release(struct arena *a)
{
	(void)a;
	UNREACHED("arena_release");
}

unsigned arch_backtrace(uptr fp, uptr *pcs, unsigned max)
{
	(void)fp, (void)pcs, (void)max;
	UNREACHED("arch_backtrace");
}

void arch_switch(void **save_sp, void *load_sp)
{
	(void)save_sp, (void)load_sp;
	UNREACHED("arch_switch");
}

/* And what async/select.c does: nothing has a time limit. */
struct sleep;
struct awaitable *sleep_until(struct sleep *s, u64 at_ns);
struct awaitable *sleep_until(struct sleep *s, u64 at_ns)
{
	(void)s, (void)at_ns;
	UNREACHED("sleep_until");
}

/* And what task/inherit.c does: nobody inherits. */
const struct sched_policy *sched_policy_of(unsigned class)
{
	(void)class;
	UNREACHED("sched_policy_of");
}
