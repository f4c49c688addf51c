/*
 * lock.h: locks that a task may hold across an await; who waits for one leaves the CPU to others.
 * They are semaphores: a mutex has one permit, and of an RW lock a reader takes one and a writer
 * all. Hence both are handed over in order of arrival, to an owner that is recorded before it
 * runs; readers that stand together enter together, and nobody passes a writer that waits.
 * A lock whose owner ends without giving it back is handed on, poisoned: w->status of each later
 * wait is ERR_OWNERDEAD, until an owner has put in order what the lock protects and says so by
 * recover. A reader that ends leaves nothing half done, and its share is given back.
 * The owner of a mutex inherits the priority of those who wait for it (task/inherit.h).
 * Not recursive. Context: task. Errors of the unlock functions: ERR_INVAL (the caller does not
 * own it, or nobody reads), and nothing changes.
 */
#pragma once

#include "async/semaphore.h"

struct mutex {
	struct semaphore s;
	struct inherit inherit;
};

/** Its owner inherits (task/inherit.h), unless the command line says `inherit=off`. */
void mutex_init(struct mutex *m);

/** The same; whether its owner inherits says @p inherits. */
void mutex_init_as(struct mutex *m, bool inherits);

/** Ready when the calling task owns @p m. */
static inline struct awaitable *mutex_lock(struct wait *w, struct mutex *m)
{
	return semaphore_acquire(w, &m->s, 1, TRACE_await_kind_mutex);
}

static inline int MUST_CHECK mutex_unlock(struct mutex *m)
{
	return semaphore_unlock(&m->s, 1, NULL);
}

static inline void mutex_recover(struct mutex *m)
{
	semaphore_recover(&m->s);
}

#define RW_MUTEX_ALL (1u << 30)

struct rw_mutex {
	struct semaphore s;
};

static inline void rw_mutex_init(struct rw_mutex *m)
{
	semaphore_init(&m->s, RW_MUTEX_ALL);
}

/** Ready when the caller may read. */
static inline struct awaitable *rw_mutex_read(struct wait *w, struct rw_mutex *m)
{
	return semaphore_acquire(w, &m->s, 1, TRACE_await_kind_read_lock);
}

/** Ready when the calling task, and nobody else, may read and write. */
static inline struct awaitable *rw_mutex_write(struct wait *w, struct rw_mutex *m)
{
	return semaphore_acquire(w, &m->s, RW_MUTEX_ALL, TRACE_await_kind_write_lock);
}

static inline void rw_mutex_recover(struct rw_mutex *m)
{
	semaphore_recover(&m->s);
}

/** @p w: by which the caller came to read; it must have stayed where it was. */
static inline int MUST_CHECK rw_mutex_end_read(struct rw_mutex *m, struct wait *w)
{
	return semaphore_unlock(&m->s, 1, w);
}

static inline int MUST_CHECK rw_mutex_end_write(struct rw_mutex *m)
{
	return semaphore_unlock(&m->s, RW_MUTEX_ALL, NULL);
}
