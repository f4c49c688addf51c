/*
 * lock.h: locks that a task may hold across an await; who waits for one leaves the CPU to others.
 * Both are handed over in order of arrival, to an owner that is recorded before it runs. An RW lock
 * is a semaphore, of which a reader takes one permit and a writer all: readers that stand together
 * enter together, and nobody passes a writer that waits. A mutex is a word: the owner. While nobody
 * waits, it changes by one atomic exchange, and the owner notes it where that needs no lock (lent).
 * A lock whose owner ends without giving it back is handed on, poisoned: w->status of each later
 * wait is ERR_OWNERDEAD, until an owner has put in order what the lock protects and says so by
 * recover. A reader that ends leaves nothing half done, and its share is given back.
 * The owner of a mutex inherits the priority of those who wait for it (task/inherit.h).
 * Not recursive. Context: task. Errors of the unlock functions: ERR_INVAL (the caller does not
 * own it, or nobody reads), and nothing changes.
 */
#pragma once

#include "async/semaphore.h"

#define MUTEX_WAITED 1u

struct mutex {
	struct wait_queue queue;
	_Atomic uptr owner;  /* the task, 0: none; with MUTEX_WAITED, which is set as a semaphore's is,
				it changes under queue.lock only */
	int poisoned;	     /* ERR_OWNERDEAD: an owner ended without giving it back; the owner's */
	struct owned owned;
	struct inherit inherit; /* knows the owner while somebody waits */
};

/** Its owner inherits (task/inherit.h), unless the command line says `inherit=off`. */
void mutex_init(struct mutex *m);

/** The same; whether its owner inherits says @p inherits. */
void mutex_init_as(struct mutex *m, bool inherits);

/** Takes at once what nobody has; else as all that waits. */
ALWAYS_INLINE enum poll mutex_poll(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct mutex *m = CONTAINER_OF(w->queue, struct mutex, queue);
	struct task *self = task_current();
	uptr nobody = 0;
	u8 was;

	if (__atomic_load_n(&w->state, __ATOMIC_RELAXED) != WAIT_NEW) /* as in semaphore_poll */
		return wait_poll(a);
	if (unlikely(self->lent))
		task_own(self, NULL);
	was = task_shield(self); /* a kill must not come between the exchange and the note of it */
	/* acquire: pairs with the release of who had it before */
	if (WORD_CHANGE(&m->owner, &nobody, (uptr)self, memory_order_acquire)) {
		self->lent = &m->owned;
		w->state = WAIT_OVER;
		w->status = m->poisoned;
		task_unshield_to(self, was);
		return POLL_READY;
	}
	task_unshield_to(self, was);
	return wait_poll(a);
}

/** Ready when the calling task owns @p m. */
static inline struct awaitable *mutex_lock(struct wait *w, struct mutex *m)
{
	w->aw = (struct awaitable){mutex_poll, wait_cancel, TRACE_await_kind_mutex};
	w->queue = &m->queue;
	w->state = WAIT_NEW;
	w->donor.waits_for = NULL;
	return &w->aw;
}

/** mutex_unlock in general. */
int mutex_give(struct mutex *m) MUST_CHECK;

static inline int MUST_CHECK mutex_unlock(struct mutex *m)
{
	struct task *self = task_current();
	uptr mine = (uptr)self;
	bool given = false;

	if (likely(self->lent == &m->owned)) {
		u8 was = task_shield(self);

		/* release: pairs with the acquire of the next owner */
		given = WORD_CHANGE(&m->owner, &mine, 0, memory_order_release);
		if (likely(given))
			self->lent = NULL;
		task_unshield_to(self, was);
	}
	return likely(given) ? 0 : mutex_give(m);
}

/** What the dead owner left behind is in order again; the next owner is not told any more. Context:
 *  the owner. */
static inline void mutex_recover(struct mutex *m)
{
	m->poisoned = 0;
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

/** The same; the owner is a writer. */
static inline void rw_mutex_recover(struct rw_mutex *m)
{
	m->s.poisoned = 0;
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
