/*
 * semaphore.h: permits, given out in order of arrival. Who asks for many waits until there are so
 * many, and nobody passes him meanwhile. The RW lock of lock.h is made of it.
 *
 * While nobody waits, permits are taken and given back by one atomic exchange. SEMAPHORE_WAITED
 * says that somebody may wait: then they change under queue.lock only. Whoever finds too few of
 * them for the first in the queue sets it, by the same exchange that finds it; it goes when the
 * last in the queue is granted what he asks for.
 * Context: task for the awaitable, any for the rest. See wait.h for locks.
 */
#pragma once

#include "async/wait.h"
#include "task/fault.h"

#define SEMAPHORE_WAITED (1u << 31)

struct semaphore {
	struct wait_queue queue;
	u32 permits;        /* constant: how many there were, at most 2^30 */
	_Atomic u32 free;   /* and SEMAPHORE_WAITED */
	struct owned owned; /* by who took all of a lock's; not of a plain semaphore, whose permits
			     * may be given back by others */
	int poisoned;	    /* ERR_OWNERDEAD: an owner ended without giving it back; the owner's */
};

void semaphore_init(struct semaphore *s, u32 permits);

/** Takes at once what nobody waits for; else, and where it makes an owner, as all that waits. */
ALWAYS_INLINE enum poll semaphore_poll(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct semaphore *s = CONTAINER_OF(w->queue, struct semaphore, queue);
	/* relaxed: the exchange finds out whether it is so */
	u32 free = atomic_load_explicit(&s->free, memory_order_relaxed);

	/* relaxed: who grants it does so under the lock, but only its own task makes it new */
	if (__atomic_load_n(&w->state, __ATOMIC_RELAXED) != WAIT_NEW ||
	    a->kind != TRACE_await_kind_semaphore)
		return wait_poll(a);
	while (likely(!(free & SEMAPHORE_WAITED) && free >= w->wants))
		/* acquire: pairs with the release of those that gave them back */
		if (WORD_CHANGE(&s->free, &free, free - w->wants, memory_order_acquire)) {
			w->state = WAIT_OVER;
			return POLL_READY;
		}
	return wait_poll(a);
}

/** Ready when the caller got @p n permits; @p kind: TRACE_await_kind_semaphore, or of what is
 *  made of it. */
static inline struct awaitable *semaphore_acquire(struct wait *w, struct semaphore *s, u32 n, u8 kind)
{
	w->aw = (struct awaitable){semaphore_poll, wait_cancel, kind};
	w->queue = &s->queue;
	w->state = WAIT_NEW;
	w->wants = n;
	w->owned.task = NULL;
	w->donor.waits_for = NULL;
	w->status = 0;
	return &w->aw;
}

/** The same without waiting. Errors: ERR_AGAIN (not so many, or others wait). */
int semaphore_try_acquire(struct semaphore *s, u32 n) MUST_CHECK;

/** semaphore_release in general. */
void semaphore_put(struct semaphore *s, u32 n);

/** For what is made of it: as in wait.h. */
bool semaphore_grant(struct wait_queue *q, struct wait *w);
void semaphore_revoke(struct wait_queue *q, struct wait *w);

/** Gives @p n permits back, or makes new ones. */
static inline void semaphore_release(struct semaphore *s, u32 n)
{
	/* relaxed: as in semaphore_poll */
	u32 free = atomic_load_explicit(&s->free, memory_order_relaxed);

	while (likely(!(free & SEMAPHORE_WAITED)))
		/* release: pairs with the acquire of who takes them */
		if (WORD_CHANGE(&s->free, &free, free + n, memory_order_release))
			return;
	semaphore_put(s, n);
}

/** For mailboxes, whose permits stand for messages: the calling task takes the one that it was told
 *  of. Until then its end passes the permit on. Context: queue.lock is held. */
void semaphore_use_claim(struct semaphore *s);

/** For locks: gives @p n back; @p w: by which they were got, if they are owned through it, or NULL. Errors, and nothing changes: ERR_INVAL (all, but the caller does
 *  not own them; or some, but so many are not taken). Context: task. */
int semaphore_unlock(struct semaphore *s, u32 n, struct wait *w) MUST_CHECK;
