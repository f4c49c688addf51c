/*
 * server.h: tasks whose server is throttled (sched/edf.c): they may not run before a time, so they
 * are in no queue; a timer brings them back. Context: interrupts masked.
 */
#pragma once

#include "core/time.h"
#include "task/executor.h"

/* What a task needs that can be throttled; made when that begins, freed with the task. */
struct server {
	struct timer timer;
	struct task *task;
};

/** What a task with @p p needs of it. */
static inline usize server_bytes(const struct sched_params *p)
{
	return p->hard ? sizeof(struct server) : 0;
}

/** Makes the server of @p t at @p memory. At spawn, or under the home's lock. */
void server_init(struct task *t, void *memory);

/** Whether the policy of @p t says that it may not run yet. */
static inline bool server_throttles(const struct task *t) REQUIRES(t->home->lock)
{
	return unlikely(t->params.hard) && t->entity.own.server.resume_ns;
}

/** Takes @p t, which is in no queue, off the stage; server_arm must follow, with the home's lock
 *  given back. Operation @p seq. */
void server_park(struct task *t, u32 seq) REQUIRES(t->home->lock);
void server_arm(struct task *t);

/** Records the server of @p t, if it has one, in operation @p seq. */
void server_record(const struct task *t, u32 seq) REQUIRES(t->home->lock);
