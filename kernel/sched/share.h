/*
 * share.h: service by weight: virtual times, their mean, and a queue by key that both fit into.
 * What fair and stride have in common. Context and locks as in sched.h.
 *
 * The virtual time of a task is its service over its weight. V is the mean of those of all tasks
 * whose jobs go on, weighted; so V runs the slower the more weight there is, and what each is
 * ahead of V, times its weight, adds up to 0. All of it is exact: remainders are kept.
 *
 * On several CPUs a task may be due more than one CPU can give, and drift from V without end: what
 * is beyond LAG_MAX is forgotten. Times overflow at weight 1 after 52 days of a task that runs
 * alone, at greater weights much later: then an era ends, and all times move back (O(n log n)).
 */
#pragma once

#include "sched/ordered.h"

#define SHARE_SCALE 1024ull	    /* units of virtual time in a ns of service, at weight 1 */
#define SHARE_LAG_MAX (1ll << 46)   /* in units times weight: 68 s of service */
#define SHARE_ERA_SPAN (1ull << 61) /* units that all times move back by when an era ends */

struct share_queue {
	struct ordered waiting; /* first, and by key, a virtual time too; the floor is own.share.from */
	u64 now;		/* V, rounded down */
	i64 rest;		/* what weight * (virtual time - now) adds up to; 0 to weight - 1 */
	u64 weight;		/* of all whose jobs go on */
	u32 era;
};

/** A job of @p e begins, with weight @p weight; it is @p ahead units ahead of V once it is in. */
void share_join(struct share_queue *q, struct sched_entity *e, u32 weight, i64 ahead);

/** @p e, in no queue, was served for @p ran_ns; up to 60 s count. */
void share_charge(struct share_queue *q, struct sched_entity *e, u64 ran_ns);

/** The job of @p e, in no queue, ended. Returns how many units it is ahead of V. */
i64 share_leave(struct share_queue *q, struct sched_entity *e);

/** To be called before @p e's key and times are used: brings them into the present era. */
void share_join_era(const struct share_queue *q, struct sched_entity *e);

/** @p ns of service as virtual time at @p weight. */
static inline u64 share_virtual(u64 ns, u64 weight)
{
	return ns * SHARE_SCALE / weight;
}
