#include "async/lock.h"

static struct mutex *mutex_of(struct wait_queue *q)
{
	return CONTAINER_OF(q, struct mutex, queue);
}

static struct task *owner_of(const struct mutex *m)
{
	/* relaxed: who asks is the owner, or holds the lock, and somebody waits */
	uptr owner = atomic_load_explicit(&m->owner, memory_order_relaxed);

	return (struct task *)(owner & ~MUTEX_WAITED);
}

/* The trace has the locks that somebody waits for. */
static void mark(const struct mutex *m, u32 kind, const struct task *t)
{
	TRACE(MARK, mark, .kind = kind, .tid = (i32)t->id, .value = (uptr)m);
}

static bool mutex_grant(struct wait_queue *q, struct wait *w)
{
	struct mutex *m = mutex_of(q);
	uptr was = 0, is;

	do
		is = was & ~MUTEX_WAITED ? was | MUTEX_WAITED
					 : (uptr)w->task | (q->count > 1 ? MUTEX_WAITED : 0);
	while (!WORD_CHANGE(&m->owner, &was, is, memory_order_acquire)); /* as in mutex_poll */
	if (was & ~MUTEX_WAITED)
		return false;
	w->status = m->poisoned;
	task_own(w->task, &m->owned);
	inherit_leave(&w->donor);
	inherit_own(&m->inherit, w->task);
	mark(m, TRACE_mark_lock_take, w->task);
	return true;
}

/* Its owner, who runs here or was granted it and does not know yet, has it no more. */
static void let_go(struct wait_queue *q, struct wait *w)
{
	struct mutex *m = mutex_of(q);

	(void)w;
	task_own(task_self(), NULL); /* or it may be lent */
	task_disown(&m->owned);
	if (m->inherit.owner)
		mark(m, TRACE_mark_lock_give, m->inherit.owner);
	inherit_own(&m->inherit, NULL);
	/* release: pairs with the acquire of the next owner */
	atomic_store_explicit(&m->owner, q->count ? MUTEX_WAITED : 0, memory_order_release);
}

/* Only now is the owner known to those who inherit. */
static void mutex_waits(struct wait_queue *q, struct wait *w)
{
	struct mutex *m = mutex_of(q);

	if (m->inherit.owner != owner_of(m)) {
		inherit_own(&m->inherit, owner_of(m));
		mark(m, TRACE_mark_lock_take, owner_of(m));
	}
	mark(m, TRACE_mark_lock_wait, w->task);
	inherit_wait(&m->inherit, &w->donor, w->task);
}

static void mutex_leaves(struct wait_queue *q, struct wait *w)
{
	if (w->state == WAIT_NEW)
		mark(mutex_of(q), TRACE_mark_lock_leave, w->task);
	inherit_leave(&w->donor);
}

/* The owner is dead. It may have left half a change behind: the next one is told. */
static void owner_died(struct owned *o)
{
	struct mutex *m = CONTAINER_OF(o, struct mutex, owned);
	bool irqs = spin_lock(&m->queue.lock);

	m->poisoned = ERR_OWNERDEAD;
	let_go(&m->queue, NULL);
	wait_serve(&m->queue, irqs);
}

void mutex_init(struct mutex *m)
{
	mutex_init_as(m, inherit_default);
}

void mutex_init_as(struct mutex *m, bool inherits)
{
	static const struct wait_ops ops = {mutex_grant, let_go, mutex_waits, mutex_leaves};

	wait_queue_init(&m->queue, &ops);
	/* relaxed: nobody knows it yet */
	atomic_store_explicit(&m->owner, 0, memory_order_relaxed);
	m->poisoned = 0;
	m->owned = (struct owned){.release = owner_died};
	inherit_init(&m->inherit);
	m->inherit.on = inherits;
}

int mutex_give(struct mutex *m)
{
	bool irqs = spin_lock(&m->queue.lock), mine = owner_of(m) == task_self();

	if (mine)
		let_go(&m->queue, NULL);
	wait_serve(&m->queue, irqs);
	return mine ? 0 : ERR_INVAL;
}
