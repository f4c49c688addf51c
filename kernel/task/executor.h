/*
 * executor.h: what the files of task/ share: the run queues in their shards, hints, workers.
 *
 * Scheduling is global; its locks need not be. The waiting tasks are spread over shards: one, and
 * then its lock is the only one, or as many as `shards=N` on the command line says. A task's home
 * shard is chosen at spawn, and that shard's lock protects all of the task's scheduling state. No
 * operation but one (params.c) holds two shards' locks, and none holds one across a switch of
 * stacks. Each of several shards publishes its most urgent task (top), so that a CPU finds the most
 * urgent of all by reading one line for each shard.
 *
 * Order of locks: a timer's, a channel's or the registry's lock may be held when a shard's is
 * taken, and a shard's when the workers' is, never the reverse.
 *
 * What CPUs read without a lock, in pairs (Dekker's argument, in hint.c):
 *   who queues a task:        publishes the shard's top, fence, reads the CPUs' promises
 *   who takes a worse task:   stores its CPU's promise, fence, reads the shards' tops
 *
 * Operations are numbered for the trace (op_seq): a queued task's after its top was published, a
 * look's before it reads the tops, its end's after the last of these reads, a hint's after it read
 * the promises and before it counts. So what an operation relied on has a smaller number than it.
 */
#pragma once

#include "core/cpu.h"
#include "core/irq.h"
#include "sync/spin.h"
#include "task/task.h"

#define SHARDS_MAX CPUS_MAX
/* The rank of a CPU without a task; a rank makes any two jobs comparable (sched/sched.h). */
#define RANK_IDLE UINT64_MAX

/* A waiting task's place among all: by rank, then in order of arrival. */
struct place {
	u64 rank, order;
};

struct shard {
	struct spin lock;
	u32 classes GUARDED_BY(lock); /* bit u: a task of the class of urgency u waits */
	u32 simple GUARDED_BY(lock);  /* bit u: its queue is a struct levels, no task in the
					 shard is pinned, and it is not shared */
	bool shared;		      /* it is one of several, so it publishes its top; constant */
	void *queue[SCHED_CLASSES] GUARDED_BY(lock); /* by urgency */

	/* Written under the lock, read without it. */
	_Atomic u32 queued[SCHED_CLASSES]; /* waiting tasks, by urgency */
	_Atomic u32 pinned;		   /* those of them that may not run on every CPU */
	_Atomic u32 version;		   /* odd while the top changes: see shard_top */
	_Atomic u64 top_rank, top_order; /* no waiting task comes before; exact if none is pinned */
} CACHE_ALIGNED;

extern struct shard shards[SHARDS_MAX];
extern unsigned shard_count; /* constant once tasks run */
extern bool alone; /* one CPU, one shard: there is nobody else to look or to be hinted; constant, too */
extern const struct sched_policy *policy_at[SCHED_CLASSES]; /* by urgency; constant, too */
extern u32 levels_classes; /* bit u: the queue of policy_at[u] is a struct levels; constant */

/* Counts operations while the trace is on. */
extern _Atomic u32 op_count;

static inline bool traced(void)
{
	return trace_level_now() != TRACE_OFF;
}

/** Numbers an operation if it is to be recorded (@p on), else 0. */
static inline u32 op_seq(bool on)
{
	/* acq_rel: what an operation did or read before it took its number is done before one with
	 * a larger number goes on */
	return on ? atomic_fetch_add_explicit(&op_count, 1, memory_order_acq_rel) + 1 : 0;
}

/** Records an event of operation @p seq_. */
#define TRACE_OP(seq_, ID, event, ...)                                                             \
	do {                                                                                       \
		const u32 number_ = (seq_);                                                        \
                                                                                                   \
		if (unlikely(number_)) {                                                           \
			struct trace_##event payload_ = {__VA_ARGS__, .seq = number_};             \
			trace_record(TRACE_EV_##ID, &payload_, sizeof payload_, NULL, 0);          \
		}                                                                                  \
	} while (0)

/** Takes the lock of @p t's home. Context: interrupts masked. */
static inline void home_lock(struct task *t) ACQUIRE(t->home->lock) NO_THREAD_SAFETY_ANALYSIS
{
	for (;;) {
		/* relaxed: right if it is still so under its lock (task/params.c) */
		struct shard *s = __atomic_load_n(&t->home, __ATOMIC_RELAXED);

		spin_lock_raw(&s->lock);
		if (likely(s == t->home))
			return;
		spin_unlock_raw(&s->lock);
	}
}

static inline void home_unlock(struct task *t) RELEASE(t->home->lock)
{
	spin_unlock_raw(&t->home->lock);
}

/** The rank of @p t's job changed, or may have. */
static inline void rank_update(struct task *t)
{
	/* relaxed: its own CPU reads it without the lock, and is hinted when another changes it */
	__atomic_store_n(&t->rank, sched_rank(t->policy, &t->entity), __ATOMIC_RELAXED);
}

/* In a flat class the queue's own order decides, and all its tasks are in the same queue. */
static inline struct place place_of(const struct task *t)
{
	return (struct place){t->rank, t->policy->flat ? 0 : t->entity.seq};
}

static inline bool place_before(struct place a, struct place b)
{
	return a.rank < b.rank || (a.rank == b.rank && a.order < b.order);
}

static inline bool is_pinned(const struct task *t)
{
	return t->entity.cpus != SCHED_CPUS_ALL;
}

/** Makes the shards and their queues. Start-up. */
void runqueue_init(unsigned cpus);

/** Where a task with that number and policy is at home. */
struct shard *runqueue_home(u32 id, const struct sched_policy *p);

/** Records that task_release began a job of @p t. */
static inline void task_record_release(const struct task *t, u32 seq)
{
	TRACE_OP(seq, SCHED_RELEASE, sched_release, .tid = (i32)t->id, .job = t->job,
		 .release_ns = t->release_ns, .deadline_ns = t->deadline_ns);
}

/** Records that the calling task, or an interrupt, woke @p t; @p result: TRACE_wake_result_*. */
void record_wake(const struct task *t, u8 result, u32 seq);

/** Records that runqueue_add queued @p t. */
void runqueue_record(const struct task *t, u8 why, u32 seq) REQUIRES(t->home->lock);

/* What a shard publishes. */
struct top {
	struct place place;
	u32 version;
	bool pinned; /* some task is: the first for a CPU may come later than place */
};

/** What @p s published last. Context: any; lock-free but for a writer at work. */
struct top shard_top(const struct shard *s);

/** What a decision's record says of @p t; @p flags: as in trace/events.def. Context: the lock of its home is held. */
struct trace_candidate decision_candidate(const struct task *t, u16 flags, u64 now_ns);

/** The place of the first task for CPU @p cpu, or that with rank @p below; its shard, or NULL. */
struct shard *look_around(unsigned cpu, u64 below, struct place *first);

/* A task in need of a CPU; a copy, because without its lock the task itself may be gone. */
struct wanted {
	u64 rank, cpus;
	u32 tid, cpu; /* cpu: where it ran last */
};

static inline struct wanted wanted(const struct task *t)
{
	return (struct wanted){t->rank, t->entity.cpus, t->id, t->cpu};
}

extern _Atomic u64 online_cpus, idle_cpus; /* idle: a subset of the CPUs with promise RANK_IDLE */

/** For promise_set: @p c begins to idle, or ends. */
void promise_idle(const struct cpu *c, bool idle);

/** Sets the promise of @p c, this CPU; true when @p rank is less urgent than it was: then a task
 *  may have been queued whose waker relied on it, and the tops must be read again. */
static inline bool promise_set(struct cpu *c, u64 rank)
{
	/* relaxed: ordered by the fence behind it, or by the only shard's lock */
	u64 was = atomic_load_explicit(&c->promised, memory_order_relaxed);

	atomic_store_explicit(&c->promised, rank, memory_order_relaxed);
	if (unlikely((was == RANK_IDLE) != (rank == RANK_IDLE)))
		promise_idle(c, rank == RANK_IDLE);
	return was < rank;
}

/**
 * Hints the CPU that should run @p w, which was just woken: the one of those it may use that runs,
 * or is promised, the least urgent work, if that is less urgent. It may be this CPU; then it gets
 * no interrupt, because the caller looks.
 * Returns that CPU, or TRACE_NO_CPU. Context: interrupts masked, no shard's lock held.
 */
unsigned hint_for(struct wanted w);

/** The same for a task that this CPU gave up for one at least as urgent: hints others only. */
void hint_others(struct wanted w);

/** Records that @p w, which was just queued, needs no hint. */
static inline void hint_none(const struct wanted *w)
{
	TRACE_OP(op_seq(traced()), SCHED_HINT, sched_hint, .target_cpu = TRACE_NO_CPU,
		 .tid = (i32)w->tid);
}

/** The other CPUs that run tasks. Context: interrupts masked. */
static inline u64 others_online(void)
{
	/* relaxed: a CPU that comes looks by itself */
	return atomic_load_explicit(&online_cpus, memory_order_relaxed) & ~(1ull << cpu_id());
}

/** hint_for where there is one CPU, @p c, and no trace. */
ALWAYS_INLINE unsigned hint_alone(struct cpu *c, u64 rank)
{
	/* relaxed, all: nobody else writes or reads them */
	if (rank >= atomic_load_explicit(&c->promised, memory_order_relaxed))
		return TRACE_NO_CPU;
	(void)promise_set(c, rank);
	atomic_fetch_add_explicit(&c->hints, 1, memory_order_relaxed);
	return c->id;
}

/** Hints for a waiting task that outranks what another CPU runs that it may use, if there is one.
 *  The same context. */
void hint_rest(void);

#define WORKER_STRIDE_BYTES KIB(32) /* guard page and stack */
/* A worker is a stack with a guard page below it. */
struct worker {
	void *sp; /* saved by arch_switch while nobody runs on it */
	struct list link;
	u16 id; /* from 1 */
};

/** Makes @p n workers; panics without memory. Start-up. */
void workers_init(unsigned n);

/** A free worker, or NULL; then a preemption is put off, and workers_short. */
struct worker *worker_take_other(void);

/** Gives @p w to all CPUs; true when a preemption was put off for want of it. */
bool worker_give_other(struct worker *w) MUST_CHECK;

extern _Atomic bool workers_refused; /* somebody got none since one was given */

/** A preemption is put off for want of a stack. Lock-free. */
static inline bool workers_short(void)
{
	/* relaxed: who is refused one just now is served by the next that is given: there are more
	 * suspended polls than CPUs */
	return atomic_load_explicit(&workers_refused, memory_order_relaxed);
}

/** worker_take_other, for CPU @p c, this one, which may have one at hand. */
ALWAYS_INLINE struct worker *worker_take(struct cpu *c)
{
	struct worker *w = c->spare;

	c->spare = NULL;
	return likely(w) ? w : worker_take_other();
}

/** Gives back @p w (NULL: nothing), which CPU @p c, this one, left: keeps it at hand, or calls worker_give_other;
 *  if that returns true, hint_rest is due. */
ALWAYS_INLINE MUST_CHECK bool worker_give(struct cpu *c, struct worker *w)
{
	if (unlikely(c->spare || workers_short()))
		return worker_give_other(w);
	c->spare = w;
	return false;
}

/** Stacks that are free, those at hand included; exact while no CPU takes or gives one. For tests. */
unsigned workers_free(void);

/** The worker whose stack this runs on, found from the stack pointer; 0 for a boot stack. */
u16 worker_here(void);

/** Entry of every fresh worker; executor.c. */
void worker_main(void);

/** Whether @p at is in the guard page below the stack of @p w. Context: any. */
bool worker_guards(const struct worker *w, uptr at);

/** Prepares @p w, whose stack is not needed any more, to begin anew at @p entry, with interrupts
 *  masked; returns what arch_switch takes. */
void *worker_fresh(const struct worker *w, void (*entry)(void));

/** The poll of the current task was abandoned: ends the task with @p status and goes on with
 *  others. Context: interrupts masked, on a fresh stack of this CPU's worker. */
_Noreturn void executor_end(int status);

/* By what a task is ordered: a job of its class with these parameters, released at that time. */
struct order {
	struct sched_params params;
	u64 from_ns;
	struct sched_server server; /* what its server, if it has one, begins with */
	struct sched_server *left;  /* where to keep the state of the one that it leaves, or NULL */
};

/**
 * Changes what orders @p t, whatever it does, and sees to it that the right tasks run afterwards.
 * @p decide is called with its home locked, and fills in what orders it from now on; what it
 * returns, unless 0, is returned, and nothing changes. Errors: ERR_CLOSED (it is dead), and those.
 * Context: any that holds no shard's lock. May switch to another task before it returns, if
 * interrupts are enabled. params.c.
 */
int task_requeue(struct task *t, int (*decide)(struct task *t, const void *arg, struct order *o),
		 const void *arg) MUST_CHECK;

/* CPUs that are out of scheduling, or about to be. Where this and a task's CPUs are both read or
 * written under the task's home lock, or the registry's, at least one side sees the other. */
extern _Atomic u64 cpus_out;

/** Whether @p t, if it may run on @p cpus, can do without those in @p out. */
bool task_can_run(const struct task *t, u64 cpus, u64 out);

/** True if some task cannot do without the CPUs in @p out; then *@p id is one. In task.c. */
bool task_needing(u64 out, u32 *id);

/** This CPU was hinted by its own task or interrupt, which holds no lock: looks now if that can
 *  be, else as soon as it can. @p irqs: interrupts were enabled. */
void act_on_own_hint(struct cpu *c, bool irqs);

/** Hints the CPU on which @p w runs, or ran last, and returns it. Context: interrupts masked. */
unsigned hint_runner(struct wanted w);

/** Tells the joiners that @p t is done. In task.c; interrupts masked, no shard's lock held. */
void task_finish(struct task *t, int status);
