/*
 * sched.h: the policy contract. A policy is one file that orders the waiting tasks of its class;
 * it decides nothing else. It sees a task's parameters through const pointers and owns only the
 * task's struct sched_entity.
 *
 * Context of all policy functions: the lock of the queue that they are given is
 * held, interrupts are masked; no blocking, no allocation. The executor (task/) calls them; nobody
 * else does.
 *
 * A task's life, as its policy sees it:
 *
 *   release --> enqueue --> dequeue --> charge --+--> enqueue (preempted: at the head; quantum over
 *      ^                                         |             or polled again: at the tail)
 *      |                                         +--> leave (the job ended)
 *      +------------------- woken --------------------+
 *
 * Keys: a policy maps a job to a u64, smaller is more urgent. Classes compare by their urgency;
 * tasks of one class compare by key, unless the class is flat: then they rank alike, nobody
 * preempts anybody for its key, and the order of the queue decides who is next. Equal keys run in
 * order of arrival.
 */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/tree.h"
#include "base/types.h"
#include "trace/trace.h"
#include <stdatomic.h>

/* The numbers are the trace's; which class is more urgent says sched_urgency in trace/events.def. */
enum sched_class {
	SCHED_CEDF = TRACE_sched_class_cedf,
	SCHED_EDF = TRACE_sched_class_edf,
	SCHED_FIFO = TRACE_sched_class_fifo,
	SCHED_RR = TRACE_sched_class_rr,
	SCHED_FAIR = TRACE_sched_class_fair,
	SCHED_PANICKED = TRACE_sched_class_panicked,
	SCHED_MLFQ = TRACE_sched_class_mlfq,
	SCHED_LOTTERY = TRACE_sched_class_lottery,
	SCHED_STRIDE = TRACE_sched_class_stride,
	SCHED_CLASSES
};

#define SCHED_LEVELS 32 /* 0 to 31, 31 most urgent */
#define SCHED_QUANTUM_DEFAULT_NS MS(4)
#define SCHED_QUANTUM_MIN_NS US(50)
#define SCHED_QUANTUM_MAX_NS SEC(10)
#define SCHED_SHARE_DEFAULT 100u
#define SCHED_SHARE_MAX 10000u
#define SCHED_MLFQ_LEVELS 8
#define SCHED_MLFQ_BOOST_NS MS(200)
#define SCHED_DEADLINE_MAX_NS SEC(1000000)
#define SCHED_SERVER_MAX_NS SEC(1000)

#define SCHED_CPUS_ALL UINT64_MAX
#define SCHED_CPUS_ANY {0, SCHED_CPUS_ALL} /* a policy's range */

/* What a task asks for at spawn. Fields that its class does not use are 0. */
struct sched_params {
	enum sched_class class;
	u8 level;	 /* FIFO, RR: 0 to 31 */
	bool hard;	 /* the server below throttles; else it postpones the deadline */
	u16 share;	 /* FAIR: weight; LOTTERY, STRIDE: tickets; 1 to SCHED_SHARE_MAX */
	u64 cpus;	 /* bit c: may run on CPU c; 0: on every CPU. CEDF: its cluster, not 0 */
	u64 quantum_ns;	 /* RR, FAIR, MLFQ (top level), LOTTERY, STRIDE: at least
			    SCHED_QUANTUM_MIN_NS */
	u64 deadline_ns; /* EDF, CEDF: relative to the release, at least 1 */
	/* EDF, CEDF: a constant-bandwidth server; both 0: none. */
	u64 budget_ns; /* at least SCHED_QUANTUM_MIN_NS, at most the period */
	u64 period_ns; /* the server's */
};

#define SCHED_PARAMS_FIFO(l) ((struct sched_params){.class = SCHED_FIFO, .level = (l)})
#define SCHED_PARAMS_RR(l, q)                                                                      \
	((struct sched_params){.class = SCHED_RR, .level = (l), .quantum_ns = (q)})
#define SCHED_PARAMS_EDF(d) ((struct sched_params){.class = SCHED_EDF, .deadline_ns = (d)})
#define SCHED_PARAMS_CEDF(set, d)                                                                  \
	((struct sched_params){.class = SCHED_CEDF, .cpus = (set), .deadline_ns = (d)})
#define SCHED_PARAMS_FAIR(weight, q)                                                               \
	((struct sched_params){.class = SCHED_FAIR, .share = (weight), .quantum_ns = (q)})
#define SCHED_PARAMS_MLFQ(q) ((struct sched_params){.class = SCHED_MLFQ, .quantum_ns = (q)})
#define SCHED_PARAMS_LOTTERY(tickets, q)                                                           \
	((struct sched_params){.class = SCHED_LOTTERY, .share = (tickets), .quantum_ns = (q)})
#define SCHED_PARAMS_STRIDE(tickets, q)                                                            \
	((struct sched_params){.class = SCHED_STRIDE, .share = (tickets), .quantum_ns = (q)})
#define SCHED_PARAMS_PANICKED ((struct sched_params){.class = SCHED_PANICKED})

/* Service by weight: sched/share.h. Times are in units of 1 / SHARE_SCALE ns. */
struct sched_share {
	u64 at;	   /* virtual time: service over weight */
	u64 from;  /* where its request begins; 0 where there are none */
	i64 ahead; /* of V, when its last job ended */
	u32 era;   /* which zero the times count from */
	u16 weight;
	u16 rest; /* of the division by it */
};

struct sched_lottery {
	u64 used_ns; /* of its quantum */
	u32 tickets;
};

struct sched_mlfq {
	u64 epoch;   /* periods of SCHED_MLFQ_BOOST_NS that had passed when it was last charged */
	u64 used_ns; /* of the time that it may have at its level */
	u8 level;    /* 0 most urgent */
};

struct sched_server {
	i64 left_ns; /* of its budget */
	u64 deadline_ns;
	u64 resume_ns; /* of a hard one, 0: may run. Else throttled: in no queue until then, when
			  replenish is called. Changes only in release, charge and replenish */
};

/* The part of a task that its policy owns, from the spawn on, whether it is queued or not. Of it
 * the executor writes cpus, while the task is in no queue; at spawn and when the class changes it
 * zeroes all else. */
struct sched_entity {
	union {
		struct tree_node node; /* begins with the next three: key, seq, mask */
		struct {
			u64 key;  /* what the policy compares; changes only in release, charge and
				     enqueue */
			u64 seq;  /* arrival number in all queues of all classes; orders equal keys */
			u64 cpus; /* where it may run, SCHED_CPUS_ALL when it does not matter */
			struct list link; /* in a level's list */
		};
	};
	u64 quantum_ns; /* CPU time until its quantum is over; 0: no end */
	union {
		struct sched_share share;
		struct sched_lottery lottery;
		struct sched_mlfq mlfq;
		struct sched_server server;
	} own;
};

/* What a parameter may be, both ends included; all 0: the class does not take it. */
struct sched_range {
	u64 least, most;
};

struct sched_policy {
	const char *name;
	struct {
		struct sched_range cpus, level, share, quantum_ns, deadline_ns, budget_ns, period_ns;
	} takes;
	u8 rule;	   /* TRACE_rule_*: what it means to have the least key */
	u8 urgency;	   /* TRACE_sched_urgency_* */
	bool single;	   /* keys compare only within one queue: its tasks are all in the same */
	bool flat;	   /* its tasks rank alike */
	bool levels;	   /* its queue is a struct levels; the executor has a short way for it */
	bool passes;	   /* whom it would take at once may pass the queue by: to queue it and to
			      take it out again would change nothing but its arrival number */
	void *queue;	   /* the policy's own; handed to the functions below */
	usize queue_bytes; /* of one; all zero: an empty one */

	/** A job of @p e, which is in no queue, begins: sets its key and quantum. */
	void (*release)(void *queue, struct sched_entity *e, const struct sched_params *p,
			u64 now_ns);

	/** @p e, which is in no queue, had a CPU for @p ran_ns since its release or the last call,
	 *  and keeps it, waits, is preempted or ends; @p quantum_over: and used its quantum up.
	 *  May change key and quantum. Only for entities with a quantum. NULL: nothing to note. */
	void (*charge)(void *queue, struct sched_entity *e, const struct sched_params *p,
		       u64 ran_ns, u64 now_ns, bool quantum_over);

	/** The throttled @p e may run again, or is throttled further. NULL: is never. */
	void (*replenish)(void *queue, struct sched_entity *e, const struct sched_params *p,
			  u64 now_ns);

	/** At the end of the quantum of @p cur, just charged, while @p next, of the same rank, is
	 *  what peek gives for @p cpu: whether @p cur goes on. NULL: it does not. */
	bool (*keeps)(void *queue, const struct sched_entity *cur, const struct sched_entity *next,
		      unsigned cpu);

	/** The job of @p e, which is in no queue, ended: it waits, dies or changes its class. */
	void (*leave)(void *queue, struct sched_entity *e, const struct sched_params *p);

	/** Queues @p e before (preempted) or behind its equals (else); behind, a quantum begins.
	 *  O(log n). */
	void (*enqueue)(void *queue, struct sched_entity *e, bool at_head);

	/** Takes @p e, which is queued with its present key and cpus, out. May change its quantum:
	 *  most often it is going to run. O(log n). */
	void (*dequeue)(void *queue, struct sched_entity *e);

	/** The entity that CPU @p cpu is to run next: the first of those that may run there, or
	 *  NULL. O(log n). */
	struct sched_entity *(*peek)(const void *queue, unsigned cpu);

	/** Fills @p best with up to @p max queued entities that may run on @p cpu, in order. For
	 *  explanations only. Returns how many. */
	unsigned (*list)(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max);
};

extern const struct sched_policy sched_cedf, sched_edf, sched_fifo, sched_rr, sched_fair,
	sched_mlfq, sched_lottery, sched_stride, sched_panicked;

/** The policy of @p class, or NULL when this kernel has none. */
const struct sched_policy *sched_policy_of(unsigned class);

/** The policy with urgency @p urgency, or NULL when this kernel has none. */
const struct sched_policy *sched_policy_at(unsigned urgency);

#define SCHED_WHY_BYTES 96

/** Checks @p p for a task of this machine; on ERR_INVAL @p why names the parameter, its value and
 *  what was expected. Context: any, once cpu_count is constant. */
int sched_validate(const struct sched_params *p, char why[SCHED_WHY_BYTES]) MUST_CHECK;

/** What @p p says of CPUs, in an entity's form. Context as above. */
u64 sched_cpus(const struct sched_params *p);

/** "edf", "fifo", ...; "?" for a number out of range. */
const char *sched_class_name(unsigned class);

extern _Atomic u64 sched_heads, sched_tails; /* arrivals so far */

/** For enqueue functions: numbers the arrival of @p e, over all queues: at the head below all
 *  that came before, else above them. Lock-free. */
ALWAYS_INLINE void sched_arrive(struct sched_entity *e, bool at_head)
{
	/* relaxed: a number only has to be its own; entities of one queue are ordered by its lock */
	u64 n = atomic_fetch_add_explicit(at_head ? &sched_heads : &sched_tails, 1,
					  memory_order_relaxed);

	e->seq = (1ull << 63) + (at_head ? -n - 1 : n);
}

#define SCHED_KEY_BITS 60

/** Makes jobs of all classes comparable, smaller is more urgent; less than UINT64_MAX. Keys from
 *  2^60 - 1 on (36 years, as times) rank alike. */
ALWAYS_INLINE u64 sched_rank(const struct sched_policy *p, const struct sched_entity *e)
{
	u64 key = p->flat ? 0 : MIN(e->key, (1ull << SCHED_KEY_BITS) - 1);

	return (u64)p->urgency << SCHED_KEY_BITS | key;
}
