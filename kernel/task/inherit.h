/*
 * inherit.h: priority inheritance (Sha, Rajkumar, Lehoczky, "Priority Inheritance Protocols", IEEE
 * Transactions on Computers 39(9), 1990). Whoever owns a lock is ordered as the most urgent of those
 * who wait for it, as long as it owns it and they wait, if that is more urgent than what it is by
 * itself. Transitive: who waits counts as what it inherits. The CPUs that the owner may use stay its
 * own, and so do its deadlines; what it uses meanwhile is not charged to its server.
 *
 * A waiting task counts as what its last job was. An owner that inherits is changed as by
 * task_set_params, with the same record in the trace.
 *
 * Context of all: the lock that protects the wait queue is held, so that nobody comes or goes;
 * interrupts masked. O(tasks that wait for locks of the owner), for each owner in the chain.
 */
#pragma once

#include "base/list.h"
#include "task/task.h"

struct order; /* executor.h */

/* What an owner that inherits was by itself. */
struct own {
	struct sched_params params;
	u64 key;		    /* where that does not follow from its deadline */
	struct sched_server server; /* the state of its server, if it has one */
	u64 from_ns;		    /* of the order that it inherited, see struct order */
};

/* Part of a lock. */
struct inherit {
	bool on;	      /* else nobody inherits by it; set before it is used */
	bool held;	      /* it is among what its owner holds, because somebody waits */
	struct task *owner;   /* NULL: nobody */
	struct inherit *next; /* of what the owner holds */
	struct list donors;   /* who waits: struct donor */
	struct own own;	      /* memory for the owner's */
};

/* Part of a wait. */
struct donor {
	struct list link;
	struct task *task;
	struct inherit *waits_for; /* NULL: it does not wait */
	struct donor *next;	   /* of the same task */
};

/** What locks do unless they are told otherwise: `inherit=off` among the words at boot, else true. */
extern bool inherit_default;

/** Nobody owns @p r and nobody waits. Context: any. */
void inherit_init(struct inherit *r);

/** @p t (NULL: nobody) owns @p r from now on. */
void inherit_own(struct inherit *r, struct task *t);

/** @p d of task @p t begins to wait for @p r. */
void inherit_wait(struct inherit *r, struct donor *d, struct task *t);

/** @p d waits no more; if it did not, nothing happens. */
void inherit_leave(struct donor *d);

/** What @p t is of itself changed. Context: any, no lock of the scheduler is held. */
void inherit_changed(struct task *t);

/** True if others wait for what @p t owns. */
static inline bool holds_contended(const struct task *t)
{
	/* relaxed: whoever makes it so asks for the task's home after that, and sees what it is then */
	return __atomic_load_n(&t->holds, __ATOMIC_RELAXED) != NULL;
}

/** What @p t, which inherits, is to be of itself says @p o, which becomes what it inherits, on those
 *  CPUs. Context: the lock of its home is held. */
void inherit_keep(struct task *t, struct order *o);

/** The parameters that @p t has of itself. Context: the lock of its home is held. */
static inline struct sched_params *own_params(struct task *t)
{
	return unlikely(t->own) ? &t->own->params : &t->params;
}
