/*
 * semaphore.h: permits, given out in order of arrival. Who asks for many waits until there are so
 * many, and nobody passes him meanwhile. The locks of lock.h are made of it.
 * Context: task for the awaitable, any for the rest. See wait.h for locks.
 */
#pragma once

#include "async/wait.h"
#include "task/fault.h"

struct semaphore {
	struct wait_queue queue;
	u32 permits;        /* constant: how many there were */
	u32 free;           /* under queue.lock, like the next */
	struct task *owner; /* of a lock: who took all of them; NULL when nobody did */
	struct owned owned; /* by the owner of a lock; not of a plain semaphore, whose permits may
			     * be given back by others */
	bool poisoned;	    /* an owner ended without giving it back */
};

void semaphore_init(struct semaphore *s, u32 permits);

/** Takes at once what nobody waits for; else, and where it makes an owner, as all that waits. */
ALWAYS_INLINE enum poll semaphore_poll(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct semaphore *s = CONTAINER_OF(w->queue, struct semaphore, queue);
	bool irqs, got;

	/* relaxed: who grants it does so under the lock, but only its own task makes it new */
	if (__atomic_load_n(&w->state, __ATOMIC_RELAXED) != WAIT_NEW ||
	    a->kind != TRACE_await_kind_semaphore)
		return wait_poll(a);
	irqs = spin_lock(&s->queue.lock);
	got = !s->queue.count && s->free >= w->wants;
	if (likely(got)) {
		s->free -= w->wants;
		w->state = WAIT_OVER;
	}
	spin_unlock(&s->queue.lock, irqs);
	return likely(got) ? POLL_READY : wait_poll(a);
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

/** semaphore_release in general, with its lock held, which it gives back, with @p irqs from
 *  spin_lock. */
void semaphore_put(struct semaphore *s, u32 n, bool irqs) RELEASE(s->queue.lock);

/** For what is made of it: as in wait.h. */
bool semaphore_grant(struct wait_queue *q, struct wait *w);
void semaphore_revoke(struct wait_queue *q, struct wait *w);

/** Gives @p n permits back, or makes new ones. */
static inline void semaphore_release(struct semaphore *s, u32 n)
{
	bool irqs = spin_lock(&s->queue.lock);

	if (unlikely(s->queue.count || s->owner)) {
		semaphore_put(s, n, irqs);
		return;
	}
	s->free += n;
	spin_unlock(&s->queue.lock, irqs);
}

/** For mailboxes, whose permits stand for messages: the calling task takes the one that it was told
 *  of. Until then its end passes the permit on. Context: queue.lock is held. */
void semaphore_use_claim(struct semaphore *s);

/** For locks: what the dead owner left behind is in order again; the next owner is not told any
 *  more. Context: the owner. */
void semaphore_recover(struct semaphore *s);

/** For locks: gives @p n back; @p w: by which they were got, if they are owned through it, or NULL. Errors, and nothing changes: ERR_INVAL (all, but the caller does
 *  not own them; or some, but so many are not taken). Context: task. */
int semaphore_unlock(struct semaphore *s, u32 n, struct wait *w) MUST_CHECK;
