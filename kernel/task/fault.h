/*
 * fault.h: the end of a task that faults or is killed. A fault (a panic, a failed assertion, a CPU
 * exception, a stack overflow; core/panic.h says which are a task's) abandons the poll that it
 * struck: the CPU goes on at the top of the worker's stack, and there, with interrupts on and still
 * as that task, it says what happened, and gives back all that the task owns: first what it waits
 * for is cancelled, along the chain of its frames (frame.h); then what it owns is released in
 * reverse order (owned.h), and last its memory (mm/arena.h). Whoever joins it gets ERR_FAULTED, or
 * ERR_CANCELED when it was killed. Then the worker takes the next task.
 *
 * A fault in one of these releases skips that one. Then the task's own memory is never freed,
 * because something may still point into it.
 *
 * A killed task takes the same way when it is polled next, or, if its poll was preempted or runs,
 * at the next moment when it could be preempted. Sections of the kernel that get something for a
 * task and cannot have it lost in between shield it from that.
 */
#pragma once

#include "core/cpu.h"
#include "core/panic.h"
#include "task/task.h"

/* Bits of task.fate. */
enum {
	FATE_VITAL = 1,	 /* its fault is the machine's panic; it cannot be killed */
	FATE_KILLED = 2, /* to be ended */
	FATE_ENDING = 4, /* being released */
	FATE_TORN = 8,	 /* a release faulted: its memory stays */
};

/** Lets faults end tasks. Start-up. */
void fault_init(void);

/**
 * Ends @p t soon; one that is dead is left alone, and one that ends already goes on doing so.
 * Errors: ERR_NOTSUP (the machine cannot do without it). Context: any that holds no lock; the
 * caller keeps @p t alive. Does not return when the calling task kills itself, unless shielded.
 */
int task_kill(struct task *t) MUST_CHECK;

/** For the executor: the calling task was killed while it ran or was suspended. */
void fault_killed_here(struct task *t);

/** Ends a killed task here. Context: the running task could be preempted here; interrupts masked. */
static inline void fault_point(void)
{
	struct task *t = arch_cpu()->current;

	/* relaxed: whoever sets it then sees to it that this is called again */
	if (unlikely(atomic_load_explicit(&t->fate, memory_order_relaxed) & FATE_KILLED))
		fault_killed_here(t);
}

/** Between these two the calling task is not killed; a fault still ends it. They nest, and do
 *  nothing outside of tasks. Context: task, start-up, interrupts on. */
void task_shield(void);
void task_unshield(void);

/** Gives back what @p t owns: what it waits for if its poll was abandoned, its owned list, its
 *  arena. For the executor: @p t is current, interrupts on. */
void task_release_owned(struct task *t);

/** The same for one that returned, which is not killed any more. */
static inline void task_let_go(struct task *t)
{
	/* relaxed: the task's own bit */
	atomic_fetch_or_explicit(&t->fate, FATE_ENDING, memory_order_relaxed);
	task_release_owned(t);
}

/** For the executor, on the stack of an abandoned poll of @p t, the current task: reports and
 *  releases it; then t->status is its status. Interrupts masked. */
void task_end(struct task *t);

/** In executor.c: where an abandoned poll's worker goes on. */
void worker_abandoned(void);

#define FAULT_FRAMES_MAX 16

/* What is kept of a fault. */
struct fault_record {
	u32 number; /* from 1 */
	u32 tid, job;
	char task[TASK_NAME_BYTES];
	u8 kind; /* TRACE_fault_kind_* */
	u8 cpu, frames;
	bool again; /* while the task was being released */
	bool exact; /* frame[0] is the instruction that faulted, not a return address */
	u64 at_ns;
	uptr address;
	uptr frame[FAULT_FRAMES_MAX];
	char text[FAULT_TEXT_BYTES];
};

/** Faults so far. Context: any. */
u32 fault_count(void);

/** Copies the record of fault @p number; false when it is not kept any more, or never was. The
 *  last 16 are. Context: any. */
bool fault_record(u32 number, struct fault_record *r);

/** Prints a line on @p r, and its back trace. */
void fault_print(const struct fault_record *r);
