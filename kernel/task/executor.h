/*
 * executor.h: what the files of task/ share: the scheduler's state, run queues and hints.
 *
 * One lock protects it all. It is taken with interrupts masked, and it is the one lock that is
 * held across a switch of stacks: who leaves a stack takes it, who arrives gives it on, after it
 * has queued the predecessor. So between the decision and the moment the old stack is free to be
 * resumed there is no point at which another CPU could see either half.
 * Order: a timer's or a channel's lock may be held when it is taken, never the reverse.
 */
#pragma once

#include "core/cpu.h"
#include "sync/spin.h"
#include "task/task.h"

/* A rank makes any two jobs comparable: the class above the key; smaller is more urgent. */
#define RANK_IDLE UINT64_MAX
#define RANK_KEY_MAX ((1ull << 60) - 1)

struct scheduler {
	struct spin lock;
	u32 seq GUARDED_BY(lock);	    /* operations so far; orders the trace */
	u32 classes GUARDED_BY(lock);	    /* bit k: class k has a waiting task */
	u32 waiting GUARDED_BY(lock);	    /* tasks in run queues */
	u32 pinned GUARDED_BY(lock);	    /* those of them that may not run on every CPU */
	u32 queued[SCHED_CLASSES] GUARDED_BY(lock); /* by class */
	u32 hints_pending GUARDED_BY(lock); /* CPUs whose hinted is set */
	bool starved GUARDED_BY(lock);	    /* a preemption was put off for want of a stack */
	u64 running[CPUS_MAX] GUARDED_BY(lock);	 /* rank of what each CPU runs */
	u64 promised[CPUS_MAX] GUARDED_BY(lock); /* the same, or the rank it was hinted for */
};
extern struct scheduler scheduler;

u64 rank_of(const struct task *t) REQUIRES(scheduler.lock);

/** A job of @p t begins: its deadline is fixed here, and here only. In task.c. */
void task_release(struct task *t, u64 now_ns) REQUIRES(scheduler.lock);

/** Queues @p t, which is in no queue, as ready. @p why: TRACE_enqueue_why_*. */
void runqueue_add(struct task *t, u8 why, u64 now_ns) REQUIRES(scheduler.lock);
void runqueue_remove(struct task *t) REQUIRES(scheduler.lock);

/** The most urgent waiting task of those that may run on @p cpu, or NULL. O(log n). */
struct task *runqueue_first(unsigned cpu) REQUIRES(scheduler.lock);

/**
 * Records why CPU @p c goes from @p prev to @p next (NULL: idle), before next leaves its queue.
 * @p prev_ready: prev competes too, although it is not queued.
 */
void decision_record(const struct task *prev, bool prev_ready, const struct task *next, u64 now_ns)
	REQUIRES(scheduler.lock);

/**
 * Hints the CPU that should run @p t: the one of those it may use that runs, or is promised, the
 * least urgent work, if that is less urgent than @p t.
 * Returns that CPU, or TRACE_NO_CPU.
 */
unsigned hint_for(const struct task *t) REQUIRES(scheduler.lock);

/** hint_for a waiting task that outranks what a CPU runs that it may use, if there is one, unless
 *  some CPU is going to look anyway. */
void hint_rest(void) REQUIRES(scheduler.lock);

/** This CPU looks at the queues: spends its hint. */
void hint_take(struct cpu *c) REQUIRES(scheduler.lock);

/* A worker is a stack with a guard page below it. */
struct worker {
	void *sp; /* saved by arch_switch while nobody runs on it */
	struct list link;
	u16 id; /* from 1 */
};

/** Makes @p n workers; panics without memory. Start-up. */
void workers_init(unsigned n);

/** Takes a free worker, or NULL. */
struct worker *worker_take(void) REQUIRES(scheduler.lock);
void worker_give(struct worker *w) REQUIRES(scheduler.lock);

/** The worker whose stack this runs on, found from the stack pointer; 0 for a boot stack. */
u16 worker_here(void);

/** Entry of every fresh worker; executor.c. */
void worker_main(void);

/** Tells the joiners that @p t is done. In task.c; interrupts masked, scheduler's lock not held. */
void task_finish(struct task *t, int status);
