/*
 * fault.h: the end of a task before its time. A fault in a task's poll (an exception, a panic, a
 * failed assertion) ends that task alone, and so does task_kill: what it waits for is withdrawn,
 * what it owns is released in reverse order, and who joins it gets ERR_FAULT or ERR_KILLED.
 *
 * Whose fault is it? The task's, if its poll runs here, no interrupt handler does, interrupts were
 * enabled (so no spin lock is held: spin locks mask them) and preemption is not off. Anything else
 * is the kernel's own, and the machine panics. So it does for a task that is essential, and for a
 * second fault while the first is cleared away.
 *
 * How: the poll's stack is abandoned. Nothing on it is needed again, so the worker begins anew at
 * the top of the same stack, with interrupts masked, and ends the task from there.
 */
#pragma once

#include "core/panic.h"
#include "task/task.h"

#define FAULTS_KEPT 16
#define FAULT_TRACE_MAX 12

/* How a task ended; of the last ones a record is kept. */
struct fault_record {
	u64 number, at_ns; /* number: from 1 */
	u32 tid, job;
	int status; /* ERR_FAULT or ERR_KILLED */
	unsigned count;
	bool exact; /* the first of pcs is the instruction's own */
	char task[TASK_NAME_BYTES];
	char what[FAULT_TEXT_BYTES];
	uptr pcs[FAULT_TRACE_MAX]; /* the back trace, innermost first */
};

/** Whether tasks' faults are contained; true from the start. Tests that want a panic to end the
 *  machine set it to false. */
extern bool fault_containment;

/** Installs the handler of tasks' faults. Start-up. */
void fault_init(void);

/** The fault with the least number above @p after that is still on record; false: none. Context:
 *  task. */
bool fault_next(u64 after, struct fault_record *record);

/** How many tasks ended by a fault or were killed. Context: any. */
u64 fault_count(void);

/**
 * Ends the task that runs here, because somebody said task_kill. For the executor, where it may
 * preempt; interrupts masked.
 */
_Noreturn void fault_killed(void);

/** The same for a task that is between two polls, @p t, the current one. Returns. */
void fault_end_between_polls(struct task *t);

/** Releases what @p t owns, the newest first. For the executor: t is the current task, and its
 *  function has ended. */
void fault_release(struct task *t);

/*
 * What a task owns. Whoever lends a task something that must not be lost with it registers it with
 * the task; the task's end, whatever its reason, calls release for what is registered then, the
 * newest first.
 */
struct owned {
	struct owned *below, **at; /* the next older one; what points to it; under task->lock, like
				      the next */
	struct task *task; /* NULL: nobody owns it, or a task has it in lent */
	/** Takes it from the dead, with task_disown. Context: interrupts masked, no lock held. */
	void (*release)(struct owned *o);
	const void *what; /* for task_owned; may be NULL */
};

/**
 * From here to task_unshield a kill of @p t waits; a fault does not. For what would be lost between
 * two steps, such as what was allocated and is not yet on any list. Nests; costs no more than two
 * additions. @p t: the calling task, which must not await meanwhile; NULL: nobody runs, and
 * nothing happens. Context: task or start-up.
 */
static inline u8 task_shield(struct task *t)
{
	u8 was = t ? t->shields : 0;

	if (t) /* relaxed: read by its own CPU's interrupts, is_killed */
		__atomic_store_n(&t->shields, (u8)(was + 1), __ATOMIC_RELAXED);
	/* seq_cst: for the interrupt on this CPU that asks, is_killed */
	atomic_signal_fence(memory_order_seq_cst);
	return was;
}

/** For task_unshield: @p t was killed meanwhile; ends it where it can be ended. */
void fault_unshielded(const struct task *t);

/** @p was: what task_shield returned. */
static inline void task_unshield_to(struct task *t, u8 was)
{
	/* seq_cst: as in task_shield */
	atomic_signal_fence(memory_order_seq_cst);
	if (!t)
		return;
	/* relaxed: as there */
	__atomic_store_n(&t->shields, was, __ATOMIC_RELAXED);
	atomic_signal_fence(memory_order_seq_cst);
	/* relaxed: a kill that comes later interrupts */
	if (unlikely(atomic_load_explicit(&t->killed, memory_order_relaxed)))
		fault_unshielded(t);
}

static inline void task_unshield(struct task *t)
{
	task_unshield_to(t, t ? (u8)(t->shields - 1) : 0);
}

static inline struct task *shield_begin(void)
{
	struct task *t = task_current();

	task_shield(t);
	return t;
}

static inline void shield_end(struct task **t)
{
	task_unshield(*t);
}

/** A shield of the calling task from here to the end of the block, by whichever way that is left. */
#define TASK_SHIELD()                                                                              \
	struct task *shield_ __attribute__((cleanup(shield_end), unused)) = shield_begin()

/**
 * @p t owns @p o (NULL: nothing more) from now on. Context: any that does not hold t->lock; keeps t
 * alive. In t->lent a task keeps one thing that it may give back in a moment, the newest, without a
 * lock; it takes it out by itself. From this call by t, or by who ends it, on, it is owned as the rest
 * is: so t calls it before another task may make it own something, and before it puts in another.
 */
void task_own(struct task *t, struct owned *o);


/** Nobody does any more. Harmless when nobody did. Context: as above; who calls it must know that
 *  the owner does not end meanwhile, or hold the lock under which release would look. */
void task_disown(struct owned *o);

/** The newest that @p t owns with this @p release and @p what, or, with NULL for release, of all; NULL:
 *  none. Context: as above. */
struct owned *task_owned(struct task *t, void (*release)(struct owned *o), const void *what);
