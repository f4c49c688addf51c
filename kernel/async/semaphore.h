/*
 * semaphore.h: permits, given out in order of arrival. Who asks for many waits until there are so
 * many, and nobody passes him meanwhile. The locks of lock.h are made of it.
 * Context: task for the awaitable, any for the rest. See wait.h for locks.
 *
 * While nobody waits, permits are taken and given back by one compare-and-swap. SEMAPHORE_WAITS
 * in the state stops that: from the moment when a wait could not be granted until the queue is
 * empty, the state changes under the queue's lock only. So a wait that saw too few permits, and
 * said so in the same compare-and-swap, is served by whoever gives some back.
 */
#pragma once

#include "async/wait.h"
#include <stdatomic.h>

#define SEMAPHORE_WAITS (1ull << 63)

struct semaphore {
	struct wait_queue queue;
	u32 permits;		/* constant: how many there were */
	_Atomic u64 state;	/* free permits, and SEMAPHORE_WAITS */
	struct task *_Atomic owner; /* who took all of them in one go; NULL when nobody did. Set by
				       who takes them, cleared by who gives them back */
};

void semaphore_init(struct semaphore *s, u32 permits);

/** Takes @p n for @p self, unless somebody waits or there are not so many. */
static inline bool semaphore_take(struct semaphore *s, u32 n, struct task *self)
{
	u64 v = atomic_load_explicit(&s->state, memory_order_relaxed);

	do
		if (v >= SEMAPHORE_WAITS || v < n)
			return false;
	/* acquire: pairs with the release in semaphore_give */
	while (!atomic_compare_exchange_weak_explicit(&s->state, &v, v - n, memory_order_acquire,
						      memory_order_relaxed));
	if (n == s->permits)
		/* relaxed: read by others for information, and by self */
		atomic_store_explicit(&s->owner, self, memory_order_relaxed);
	return true;
}

/** Gives @p n back, if nobody waits for them. */
static inline bool semaphore_give(struct semaphore *s, u32 n)
{
	u64 v = atomic_load_explicit(&s->state, memory_order_relaxed);

	if (n == s->permits)
		atomic_store_explicit(&s->owner, NULL, memory_order_relaxed); /* as above */
	do
		if (v >= SEMAPHORE_WAITS)
			return false;
	/* release: pairs with the acquire in semaphore_take */
	while (!atomic_compare_exchange_weak_explicit(&s->state, &v, v + n, memory_order_release,
						      memory_order_relaxed));
	return true;
}

/** For what is made of a semaphore: gives @p n back, serves who waits, and gives the lock back, with
 *  @p irqs from spin_lock. */
void semaphore_put(struct semaphore *s, u32 n, bool irqs) RELEASE(s->queue.lock);

static inline enum poll semaphore_poll(struct awaitable *a)
{
	struct wait *w = CONTAINER_OF(a, struct wait, aw);
	struct semaphore *s = CONTAINER_OF(w->queue, struct semaphore, queue);

	if (w->state == WAIT_NEW && semaphore_take(s, w->wants, task_current())) {
		w->state = WAIT_OVER;
		return POLL_READY;
	}
	return wait_poll(a);
}

/** Ready when the caller got @p n permits; @p kind: TRACE_await_kind_semaphore, or of what is
 *  made of it. */
static inline struct awaitable *semaphore_acquire(struct wait *w, struct semaphore *s, u32 n,
						  u8 kind)
{
	w->aw = (struct awaitable){semaphore_poll, wait_cancel, kind};
	w->queue = &s->queue;
	w->state = WAIT_NEW;
	w->wants = n;
	return &w->aw;
}

/** The same without waiting. Errors: ERR_AGAIN (not so many, or others wait). */
static inline int MUST_CHECK semaphore_try_acquire(struct semaphore *s, u32 n)
{
	return semaphore_take(s, n, task_current()) ? 0 : ERR_AGAIN;
}

void semaphore_release_waited(struct semaphore *s, u32 n);

/** Gives @p n permits back, or makes new ones. */
static inline void semaphore_release(struct semaphore *s, u32 n)
{
	if (!semaphore_give(s, n))
		semaphore_release_waited(s, n);
}

/** Permits that are free. */
static inline u64 semaphore_free(const struct semaphore *s)
{
	return atomic_load_explicit(&s->state, memory_order_relaxed) & ~SEMAPHORE_WAITS;
}

/** True when the calling task may give @p n back as a lock: all, if it owns them; or some that are
 *  taken, but not all by one. */
static inline bool semaphore_holds(struct semaphore *s, u32 n)
{
	u64 left = semaphore_free(s);

	if (n == s->permits)
		return atomic_load_explicit(&s->owner, memory_order_relaxed) == task_current();
	return left && left + n <= s->permits;
}

/** For locks: gives @p n back. Errors, and nothing changes: ERR_INVAL (semaphore_holds says no).
 *  Context: task. */
static inline int MUST_CHECK semaphore_unlock(struct semaphore *s, u32 n)
{
	if (!semaphore_holds(s, n))
		return ERR_INVAL;
	semaphore_release(s, n);
	return 0;
}
