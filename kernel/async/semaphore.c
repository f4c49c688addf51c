#include "async/semaphore.h"

/* A reader leaves nothing half done behind. */
static void reader_died(struct owned *o)
{
	struct wait *w = CONTAINER_OF(o, struct wait, owned);
	struct semaphore *s = CONTAINER_OF(w->queue, struct semaphore, queue);

	task_disown(o);
	semaphore_release(s, w->wants);
}

/* Who was told of a message ended before he took it: the next one is told. */
static void claim_lost(struct owned *o)
{
	reader_died(o);
}

void semaphore_use_claim(struct semaphore *s)
{
	struct task *self = task_current();
	struct owned *o = self ? task_owned(self, claim_lost, s) : NULL;

	if (o)
		task_disown(o);
}

/* The owner changes here and in put; who waits for him is in the queue. */
bool semaphore_grant(struct wait_queue *q, struct wait *w)
{
	struct semaphore *s = CONTAINER_OF(q, struct semaphore, queue);

	if (s->free < w->wants)
		return false;
	s->free -= w->wants;
	if (w->wants == s->permits)
		s->owner = w->task;
	w->status = s->poisoned ? ERR_OWNERDEAD : 0;
	if (w->aw.kind == TRACE_await_kind_mutex || w->aw.kind == TRACE_await_kind_write_lock) {
		task_own(w->task, &s->owned);
	} else if (w->aw.kind == TRACE_await_kind_read_lock) {
		w->owned.release = reader_died;
		task_own(w->task, &w->owned);
	} else if (w->aw.kind == TRACE_await_kind_mailbox) {
		w->owned.release = claim_lost;
		w->owned.what = s;
		task_own(w->task, &w->owned);
	}
	return true;
}

static void put(struct semaphore *s, u32 n)
{
	s->free += n;
	s->owner = NULL;
	task_disown(&s->owned);
	if (s->queue.ops->freed)
		s->queue.ops->freed(&s->queue);
}

/* The owner of a lock is dead. It may have left half a change behind: the next one is told. */
static void owner_died(struct owned *o)
{
	struct semaphore *s = CONTAINER_OF(o, struct semaphore, owned);
	bool irqs = spin_lock(&s->queue.lock);

	s->poisoned = true;
	put(s, s->permits);
	wait_serve(&s->queue, irqs);
}

void semaphore_recover(struct semaphore *s)
{
	bool irqs = spin_lock(&s->queue.lock);

	s->poisoned = false;
	spin_unlock(&s->queue.lock, irqs);
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
	s->permits = s->free = permits;
	s->owner = NULL;
	s->owned = (struct owned){.release = owner_died};
	s->poisoned = false;
}

int semaphore_try_acquire(struct semaphore *s, u32 n)
{
	struct wait w = {.task = task_current(), .wants = n};
	bool irqs = spin_lock(&s->queue.lock);
	bool got = !s->queue.count && semaphore_grant(&s->queue, &w);

	spin_unlock(&s->queue.lock, irqs);
	return got ? 0 : ERR_AGAIN;
}

void semaphore_put(struct semaphore *s, u32 n, bool irqs)
{
	put(s, n);
	wait_serve(&s->queue, irqs);
}

int semaphore_unlock(struct semaphore *s, u32 n, struct wait *w)
{
	bool irqs = spin_lock(&s->queue.lock);
	bool taken =
		n == s->permits ? s->owner == task_self() : !s->owner && s->permits - s->free >= n;

	if (!taken) {
		spin_unlock(&s->queue.lock, irqs);
		return ERR_INVAL;
	}
	if (w)
		task_disown(&w->owned);
	semaphore_put(s, n, irqs);
	return 0;
}
