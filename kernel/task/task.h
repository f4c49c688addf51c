/*
 * task.h: tasks. A task is a function that is polled until it is ready: it runs until it awaits
 * something, returns POLL_PENDING, and is polled again after somebody woke it (async/async.h has
 * the macros that make such a function read like a plain one). It may also be preempted anywhere
 * in between; then its suspended poll keeps the worker stack it runs on.
 *
 * States, all changes under the lock of the task's home (executor.h):
 *
 *   waiting --wake--> ready --dispatch--> running --pending--> waiting
 *   running --more urgent task, quantum--> ready (with a worker)     running --ready--> dead
 *   running --pending, but woken meanwhile--> ready
 *
 * A job begins at each wake-up of a waiting task, and at a task_wake_deadline.
 */
#pragma once

#include "base/error.h"
#include "base/panic.h"
#include "base/types.h"
#include "mm/arena.h"
#include "sched/sched.h"
#include "sync/spin.h"

enum poll {
	POLL_PENDING = TRACE_poll_result_pending,
	POLL_READY = TRACE_poll_result_ready,
};

typedef enum poll task_fn(void *frame);

enum task_state {
	TASK_WAITING,
	TASK_READY,
	TASK_RUNNING,
	TASK_THROTTLED, /* its server's budget is used up: in no queue, until a timer says so */
	TASK_DEAD,
};

#define TASK_NAME_BYTES 16

struct owned;
struct donor;
struct inherit;
struct own;
struct server;
struct shard;
struct worker;

/* Called in a task's context when a poll of it returned after its job's deadline, once for each
 * such job; @p frame is the task's. It may do all that a poll may do, but not await. */
typedef void task_miss_fn(void *frame, u32 job, u64 late_ns);

/* A machine has a million of them: the order leaves no holes. */
struct task {
	/* Written once, at spawn. */
	u32 id; /* from 1, never reused before 2^32 tasks */
	char name[TASK_NAME_BYTES];
	u8 admitted; /* its slot (sched/admission.h) and 1; 0: none */

	/* Its end before its time; see fault.h. */
	bool essential; /* its fault is the machine's */
	_Atomic bool killed;
	i8 ending; /* the status it ends with, once it is being cleared away */

	/* Written once, at spawn. */
	task_fn *fn;
	struct sched_params params;
	const struct sched_policy *policy;
	struct shard *home;
	task_miss_fn *on_miss; /* or NULL */
	struct server *server; /* or NULL */

	/* Priority inheritance; see inherit.h, whose lock protects the first two. */
	struct inherit *holds; /* what it owns and others wait for */
	struct donor *waits;   /* of it, for what inherits */
	struct own *own;       /* what it is by itself while it inherits, else NULL; under the home's lock */

	/* Under the home's lock. */
	enum task_state state;
	unsigned cpu;	/* where it ran last */
	u32 job;	/* jobs released so far */
	u32 missed_job; /* the last for which on_miss was called */
	u64 rank;	/* of its job; RANK_IDLE is less urgent than all (executor.h) */
	struct sched_entity entity;
	struct worker *worker; /* holds the suspended poll; NULL between polls */
	u64 release_ns, deadline_ns;
	u64 next_deadline_ns; /* of the job to be released next, when somebody gave it one; else 0 */
	u64 quantum_left_ns;
	u64 since_ns; /* since when it runs; else, until when it ran */
	u64 changed_ns; /* when its parameters changed last: then its policy was told what it ran */
	u64 cpu_ns;
	u64 polls;
	u32 preemptions, misses;

	struct arena arena; /* the task's own: see task/memory.h */

	/* Lifetime. */
	_Atomic u32 refs; /* the executor's until it is dead, and one for each handle */
	struct spin lock; /* protects status, done, and the two lists */
	int status GUARDED_BY(lock);
	bool done GUARDED_BY(lock);
	u8 shields; /* of its own: task_shield */
	_Atomic bool noted;                   /* woken since its last dispatch: to be polled again; under
						 the home's lock */
	bool has_handle; /* task_spawn gave one: what is kept of it stands in front of the task */
	struct list all;                      /* under the registry's lock */
	struct list joiners GUARDED_BY(lock); /* of struct waiter */
	struct owned *owned GUARDED_BY(lock); /* the newest (fault.h) */
	struct owned *lent;		      /* newer than those, or NULL; its own: task_own */

	char frame[] __attribute__((aligned(16)));
};

/* What task_spawn needs. @c frame is copied; its first member is a struct async (async.h), whose
 * status is the task's. Without a frame that is 0. */
struct task_spec {
	const char *name; /* up to 15 characters are kept */
	task_fn *fn;
	const void *frame;
	usize frame_bytes;
	struct sched_params params;
	u64 mem_max_bytes; /* what task_alloc may take, as arena_init counts; 0: no limit */
	task_miss_fn *on_miss; /* or NULL */

	/* With admit, the task is made only if it and all who were admitted will meet their
	 * deadlines, provided that its jobs come at most once in period_ns and compute for at most
	 * wcet_ns (sched/admission.h). With a server, that says so instead. */
	bool admit;
	u64 period_ns, wcet_ns;

	struct owned *owned; /* what it owns from the start (fault.h), or NULL */

	bool service;      /* a part of the kernel: what it has the kernel allocate may come out of
			      the reserve */
};

/**
 * Makes a task and releases its first job. @p handle, unless NULL, gets a reference that
 * task_put gives back; until then it is the calling task's, which may be killed or fault from this
 * call on: its death gives back what it did not hand on (task_hand_on), its return does not. Errors, of which the first two say why on the console: ERR_INVAL
 * (parameters), ERR_REFUSED (admission), ERR_NOMEM, ERR_BUSY (another is being admitted, or all
 * CPUs that it may run on are out, see hotplug.h).
 * Context: task or start-up.
 */
int task_spawn(const struct task_spec *spec, struct task **handle) MUST_CHECK;

/** TASK_SPAWN(&handle_or_NULL, "name", fn, (struct f){...}, SCHED_PARAMS_FIFO(3)) */
#define TASK_SPAWN(handle, task_name, function, frame_value, ...)                                  \
	({                                                                                         \
		__auto_type frame_ = (frame_value);                                                \
		struct task_spec spec_ = {.name = (task_name),                                     \
					  .fn = (function),                                        \
					  .frame = &frame_,                                        \
					  .frame_bytes = sizeof frame_,                            \
					  .params = __VA_ARGS__};                                  \
		task_spawn(&spec_, (handle));                                                      \
	})

/**
 * Changes the parameters of @p t from now on, its class and CPUs included, whatever it does at the
 * moment. The job that goes on keeps its release and has its deadline anew, a quantum and a server
 * begin anew; a queued task goes behind its new equals. Errors, all but the last two with the reason
 * on the console: ERR_INVAL (parameters), ERR_REFUSED (it was admitted with those that it has),
 * ERR_BUSY (all CPUs that it may run on are out, see hotplug.h), ERR_NOMEM, ERR_CLOSED (it is dead).
 * Context: task; the caller keeps @p t alive.
 */
int task_set_params(struct task *t, const struct sched_params *params) MUST_CHECK;

/**
 * Wakes @p t: a waiting task's next job is released; one that is running or ready will be polled
 * again; a dead one is left alone. Allocates nothing, sends at most one interrupt. May switch to
 * a more urgent task before it returns. Context: any that does not hold a shard's lock; the
 * caller keeps @p t alive.
 */
void task_wake(struct task *t);

/**
 * The same, for who holds @p held, with interrupts masked, which keeps @p t alive: gives it back as
 * soon as t cannot go away, and restores interrupts to @p irqs. So it may switch at once, which
 * task_wake under a lock cannot.
 */
void task_wake_release(struct task *t, struct spin *held, bool irqs) RELEASE(held);

/**
 * The same, and the job that begins has the absolute deadline @p deadline_ns, not 0: what is known
 * of a deadline by whoever releases the job, such as the source of a DAG, goes before what the
 * task's parameters say. When @p t is running or ready, its present job ends when it next waits,
 * and the new one begins at that moment.
 */
void task_wake_deadline(struct task *t, u64 deadline_ns);

/** The task that this CPU runs, or NULL. Context: any. */
static inline struct task *task_current(void)
{
	return arch_current();
}

/**
 * Ends @p t: at once when it runs, else when it is its turn to run, in the middle of its function.
 * Whoever joins it gets ERR_KILLED. Errors: ERR_CLOSED (it has ended), ERR_INVAL (it is essential).
 * Context: any that does not hold a shard's lock; the caller keeps @p t alive.
 */
int task_kill(struct task *t) MUST_CHECK;

/** From now on a fault of the calling task is the machine's, and nobody can kill it. Context: task. */
void task_essential(void);

/** The task whose poll calls this. Context: task. Never NULL there. */
static inline struct task *task_self(void)
{
	struct task *t = arch_current();

	ASSERT(t);
	return t;
}

/** For task_poll_again: the trace's record of it. */
void task_record_poll_again(struct task *t);

/** Wakes the calling task: it will be polled again when its poll has returned, behind its equals.
 *  Lock-free. Context: task. */
static inline void task_poll_again(void)
{
	struct task *t = task_self();

	/* relaxed: a running task's note is set by others under its lock, and by itself; only its
	 * CPU clears it, when it begins to run, and reads it when the poll has returned */
	atomic_store_explicit(&t->noted, true, memory_order_relaxed);
	if (unlikely(trace_level_now() != TRACE_OFF))
		task_record_poll_again(t);
}

/** CPU time that the calling task has used, in ns; preempted time does not count. Lock-free.
 *  Context: task. */
u64 task_cpu_ns(void);

/** Takes another reference, from a caller that has one; nobody owns that, so whoever may be killed
 *  gives it back behind the same shield (fault.h). Context: any. */
void task_get(struct task *t);

/** Gives a reference back, the calling task's handle before any other; the last one frees the task.
 *  Context: task or start-up. */
void task_put(struct task *t);

/** Gives back what task_get took. Context: any. */
void task_unref(struct task *t);

/** The handle that task_spawn gave the calling task is another's to give back from now on. Context:
 *  task. */
void task_hand_on(struct task *t);

/** Finds the task with number @p id and takes a reference, as task_get does. Errors: ERR_NODEV (none
 *  that is alive). O(tasks made between the last asked for and this one). Context: task. */
int task_find(u32 id, struct task **t) MUST_CHECK;

/* What the shell shows of a task; a copy, so no lock is held while it prints. */
struct task_info {
	u32 id;
	char name[TASK_NAME_BYTES];
	enum task_state state;
	bool preempted; /* ready, with a suspended poll */
	struct sched_params params;
	unsigned cpu;
	u64 preemptions, polls, misses, cpu_ns, last_run_ns;
	u32 job;
	u64 mem_bytes; /* that it has of the tasks' heap */
};

/** Copies @p t's. Context: any; the caller keeps it alive. */
void task_info(struct task *t, struct task_info *info);

/** Copies the task with the least id above @p after; false when there is none. */
bool task_next_info(u32 after, struct task_info *info);

/** Prints the back trace of task @p id, if its poll is suspended: nothing moves it meanwhile.
 *  Context: task. */
void task_backtrace(u32 id);

/** Records the name of every task that is not dead, for a trace that begins late. Context: task. */
void task_statedump(void);

/** Tasks that are not dead. */
unsigned task_count(void);
