/*
 * sched.h: the policy contract. A policy is one file that orders the waiting tasks of its class;
 * it decides nothing else. It sees a task's parameters through const pointers and owns only the
 * task's struct sched_entity while that is queued.
 *
 * Context of all policy functions: the scheduler's lock is held, interrupts are masked; no
 * blocking, no allocation. The executor (task/executor.c) calls them; nobody else does.
 *
 * Keys: a policy maps a job to a u64 when the job is released, smaller is more urgent, and the
 * key stays the same until the next release, through preemption and migration. Tasks of one
 * class compare by key; classes compare by number. Equal keys run in order of arrival.
 */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/tree.h"
#include "base/types.h"
#include "trace/trace.h"

/* From most to least urgent; the numbers are the trace's. */
enum sched_class {
	SCHED_CEDF = TRACE_sched_class_cedf,
	SCHED_EDF = TRACE_sched_class_edf,
	SCHED_FIFO = TRACE_sched_class_fifo,
	SCHED_RR = TRACE_sched_class_rr,
	SCHED_FAIR = TRACE_sched_class_fair,
	SCHED_PANICKED = TRACE_sched_class_panicked,
	SCHED_CLASSES
};

#define SCHED_LEVELS 32 /* 0 to 31, 31 most urgent */
#define SCHED_QUANTUM_DEFAULT_NS MS(4)
#define SCHED_QUANTUM_MIN_NS US(50)

#define SCHED_CPUS_ALL UINT64_MAX

/* What a task asks for at spawn. Fields that its class does not use are 0. */
struct sched_params {
	enum sched_class class;
	u64 cpus;	 /* bit c: may run on CPU c; 0: on every CPU. CEDF: its cluster, not 0 */
	u8 level;	 /* FIFO, RR: 0 to 31 */
	u64 quantum_ns;	 /* RR: at least SCHED_QUANTUM_MIN_NS */
	u64 deadline_ns; /* EDF, CEDF: relative to the release, at least 1 */
};

#define SCHED_PARAMS_FIFO(l) ((struct sched_params){.class = SCHED_FIFO, .level = (l)})
#define SCHED_PARAMS_RR(l, q)                                                                      \
	((struct sched_params){.class = SCHED_RR, .level = (l), .quantum_ns = (q)})
#define SCHED_PARAMS_EDF(d) ((struct sched_params){.class = SCHED_EDF, .deadline_ns = (d)})
#define SCHED_PARAMS_CEDF(set, d)                                                                  \
	((struct sched_params){.class = SCHED_CEDF, .cpus = (set), .deadline_ns = (d)})

/* The part of a task that its policy owns. The executor writes key once a release, and cpus
 * while the task is in no queue; the rest belongs to the policy while the task is queued. */
struct sched_entity {
	u64 key;
	u64 cpus; /* where it may run, SCHED_CPUS_ALL when it does not matter */
	union {
		struct {
			struct list link;
			u64 seq;
		} free; /* in a level's list */
		struct tree_node node;
	};
	u32 order; /* arrival number, for the trace */
};

struct sched_policy {
	const char *name;
	u8 rule;     /* TRACE_rule_*: what it means to have the least key */
	void *queue; /* the policy's own; handed to the four functions below */

	/** Checks @p p; on ERR_INVAL *@p why says what was expected. Context: any. */
	int (*validate)(const struct sched_params *p, const char **why);

	/** The key of a job released at @p release_ns. */
	u64 (*key)(const struct sched_params *p, u64 release_ns);

	/** Queues @p e before (preempted) or behind its equals. O(log n). */
	void (*enqueue)(void *queue, struct sched_entity *e, bool at_head);

	/** Takes @p e, which is queued with its present key and cpus, out. O(log n). */
	void (*dequeue)(void *queue, struct sched_entity *e);

	/** The entity that CPU @p cpu is to run next: the first of those that may run there, or
	 *  NULL. O(log n). */
	struct sched_entity *(*peek)(const void *queue, unsigned cpu);

	/** Fills @p best with up to @p max queued entities that may run on @p cpu, in order. For
	 *  explanations only. Returns how many. */
	unsigned (*list)(const void *queue, unsigned cpu, struct sched_entity **best, unsigned max);
};

extern const struct sched_policy sched_cedf, sched_edf, sched_fifo, sched_rr;

/** The policy of @p class, or NULL when this kernel has none. */
const struct sched_policy *sched_policy_of(unsigned class);

/** Checks @p p for a task of this machine; on ERR_INVAL *@p why says what was expected. Context:
 *  any, once cpu_count is constant. */
int sched_validate(const struct sched_params *p, const char **why) MUST_CHECK;

/** What @p p says of CPUs, in an entity's form. Context as above. */
u64 sched_cpus(const struct sched_params *p);

/** "edf", "fifo", ...; "?" for a number out of range. */
const char *sched_class_name(unsigned class);
