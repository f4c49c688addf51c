#include "async/semaphore.h"

/* A reader leaves nothing half done behind. And if who was told of a message ended before he took
 * it, the next one is told. */
static void share_lost(struct owned *o)
{
	struct wait *w = CONTAINER_OF(o, struct wait, owned);
	struct semaphore *s = CONTAINER_OF(w->queue, struct semaphore, queue);

	task_disown(o);
	semaphore_release(s, w->wants);
}

void semaphore_use_claim(struct semaphore *s)
{
	struct task *self = task_current();
	struct owned *o = self ? task_owned(self, share_lost, s) : NULL;

	if (o)
		task_disown(o);
}

/* Takes @p n permits, if so many are free. */
static bool take(struct semaphore *s, u32 n)
{
	/* relaxed: as in semaphore_poll */
	u32 was = atomic_load_explicit(&s->free, memory_order_relaxed), free, left;

	do {
		free = was & ~SEMAPHORE_WAITED;
		left = free < n ? was | SEMAPHORE_WAITED
				: (free - n) | (s->queue.count > 1 ? SEMAPHORE_WAITED : 0);
	} while (!WORD_CHANGE(&s->free, &was, left, memory_order_acquire)); /* as there */
	return free >= n;
}

/* Its owner changes here and in put. */
bool semaphore_grant(struct wait_queue *q, struct wait *w)
{
	struct semaphore *s = CONTAINER_OF(q, struct semaphore, queue);

	if (!take(s, w->wants))
		return false;
	w->status = s->poisoned;
	if (w->aw.kind == TRACE_await_kind_write_lock) {
		task_own(w->task, &s->owned);
	} else if (w->aw.kind == TRACE_await_kind_read_lock ||
		   w->aw.kind == TRACE_await_kind_mailbox) {
		w->owned.release = share_lost;
		w->owned.what = s;
		task_own(w->task, &w->owned);
	}
	return true;
}

static void put(struct semaphore *s, u32 n)
{
	task_disown(&s->owned);
	/* release: pairs with the acquire of who takes them */
	(void)atomic_fetch_add_explicit(&s->free, n, memory_order_release);
}

/* The owner of a lock is dead. It may have left half a change behind: the next one is told. */
static void owner_died(struct owned *o)
{
	struct semaphore *s = CONTAINER_OF(o, struct semaphore, owned);
	bool irqs = spin_lock(&s->queue.lock);

	s->poisoned = ERR_OWNERDEAD;
	put(s, s->permits);
	wait_serve(&s->queue, irqs);
}

void semaphore_revoke(struct wait_queue *q, struct wait *w)
{
	task_disown(&w->owned);
	put(CONTAINER_OF(q, struct semaphore, queue), w->wants);
}

void semaphore_init(struct semaphore *s, u32 permits)
{
	static const struct wait_ops ops = {.grant = semaphore_grant, .revoke = semaphore_revoke};

	wait_queue_init(&s->queue, &ops);
	s->permits = permits;
	/* relaxed: nobody knows it yet */
	atomic_store_explicit(&s->free, permits, memory_order_relaxed);
	s->owned = (struct owned){.release = owner_died};
	s->poisoned = 0;
}

int semaphore_try_acquire(struct semaphore *s, u32 n)
{
	struct wait w = {.task = task_current(), .wants = n};
	bool irqs = spin_lock(&s->queue.lock);
	bool got = !s->queue.count && semaphore_grant(&s->queue, &w);

	spin_unlock(&s->queue.lock, irqs);
	return got ? 0 : ERR_AGAIN;
}

void semaphore_put(struct semaphore *s, u32 n)
{
	bool irqs = spin_lock(&s->queue.lock);

	put(s, n);
	wait_serve(&s->queue, irqs);
}

int semaphore_unlock(struct semaphore *s, u32 n, struct wait *w)
{
	bool irqs = spin_lock(&s->queue.lock);
	/* relaxed: of a lock they change under its lock, or become more */
	u32 free = atomic_load_explicit(&s->free, memory_order_relaxed) & ~SEMAPHORE_WAITED;
	bool taken = n == s->permits ? s->owned.task == task_self()
				     : !s->owned.task && s->permits - free >= n;

	if (taken && w)
		task_disown(&w->owned);
	if (taken)
		put(s, n);
	wait_serve(&s->queue, irqs);
	return taken ? 0 : ERR_INVAL;
}
