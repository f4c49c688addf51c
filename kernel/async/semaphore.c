#include "async/semaphore.h"

static bool semaphore_grant(struct wait_queue *q, struct wait *w)
{
	struct semaphore *s = CONTAINER_OF(q, struct semaphore, queue);
	u64 v = atomic_load_explicit(&s->state, memory_order_relaxed), to;

	/* acquire: pairs with the release in semaphore_give */
	do
		to = (v & ~SEMAPHORE_WAITS) >= w->wants ? v - w->wants : v | SEMAPHORE_WAITS;
	while (!atomic_compare_exchange_weak_explicit(&s->state, &v, to, memory_order_acquire,
						      memory_order_relaxed));
	if ((v & ~SEMAPHORE_WAITS) < w->wants)
		return false;
	if (w->wants == s->permits)
		/* relaxed: read by others for information; by w->task after it was woken */
		atomic_store_explicit(&s->owner, w->task, memory_order_relaxed);
	return true;
}

/* The queue became empty: from now on no lock is needed. */
static void semaphore_empty(struct wait_queue *q)
{
	struct semaphore *s = CONTAINER_OF(q, struct semaphore, queue);

	/* relaxed: who takes permits without the lock pairs with who gave them back */
	atomic_fetch_and_explicit(&s->state, ~SEMAPHORE_WAITS, memory_order_relaxed);
}

static void put(struct semaphore *s, u32 n)
{
	if (n == s->permits)
		atomic_store_explicit(&s->owner, NULL, memory_order_relaxed); /* see the header */
	/* release: pairs with the acquires in semaphore_take and semaphore_grant */
	atomic_fetch_add_explicit(&s->state, n, memory_order_release);
}

static void semaphore_revoke(struct wait_queue *q, struct wait *w)
{
	put(CONTAINER_OF(q, struct semaphore, queue), w->wants);
}

void semaphore_init(struct semaphore *s, u32 permits)
{
	static const struct wait_ops ops = {semaphore_grant, semaphore_revoke, semaphore_empty};

	wait_queue_init(&s->queue, &ops);
	s->permits = permits;
	/* relaxed, both: whoever gets to know s gets to know it later */
	atomic_store_explicit(&s->state, permits, memory_order_relaxed);
	atomic_store_explicit(&s->owner, NULL, memory_order_relaxed);
}

void semaphore_put(struct semaphore *s, u32 n, bool irqs)
{
	put(s, n);
	wait_serve(&s->queue, irqs);
}

void semaphore_release_waited(struct semaphore *s, u32 n)
{
	bool irqs = spin_lock(&s->queue.lock);

	semaphore_put(s, n, irqs);
}
