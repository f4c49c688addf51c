/*
 * wait.h: waiting for one's turn: what events, semaphores, locks, barriers and mailboxes have in
 * common. Waits stand in a queue in order of arrival. Whoever makes something available grants it
 * to the first of them on the spot, under the queue's lock: nobody overtakes a wait, and none has
 * to run before the next is served. A wait that is cancelled after it was granted gives back what
 * it got, and the next one gets it: a cancelled wait never swallows a wake-up.
 * One spin lock a queue, taken before the scheduler's. Nothing allocates.
 */
#pragma once

#include "async/async.h"
#include "base/list.h"
#include "sync/spin.h"
#include "task/fault.h"
#include "task/inherit.h"

struct wait_queue;
struct wait;

/* What an object adds to its queue. Context of both: the queue's lock is held. */
struct wait_ops {
	/** Takes for @p w, whose turn it is, what it asks for; false when that cannot be had yet.
	 */
	bool (*grant)(struct wait_queue *q, struct wait *w);
	/** Gives back what @p w was granted. NULL: there is nothing to give back. */
	void (*revoke)(struct wait_queue *q, struct wait *w);
	/** @p w has to wait; it waits no more. NULL, both: nothing to do. */
	void (*waits)(struct wait_queue *q, struct wait *w);
	void (*leaves)(struct wait_queue *q, struct wait *w);
};

/* First member of the object that is waited for. */
struct wait_queue {
	struct spin lock;
	u32 count GUARDED_BY(lock); /* waits in it */
	struct list waits GUARDED_BY(lock);
	const struct wait_ops *ops;
};

enum wait_state {
	WAIT_NEW,
	WAIT_QUEUED,
	WAIT_GRANTED, /* its task does not know yet */
	WAIT_OVER,
};

/* One wait; must stay where it is until it is ready or cancelled. */
struct wait {
	struct awaitable aw;
	struct wait_queue *queue;
	struct list link;  /* under queue->lock, like the rest */
	struct task *task; /* who waits */
	enum wait_state state;
	u32 wants; /* how much of it, where that means something */
	struct owned owned; /* where what was granted is owned through the wait itself */
	struct donor donor; /* where the owner inherits from who waits */
	int status; /* valid once ready: 0, or what the object has to say, such as ERR_OWNERDEAD */
};

void wait_queue_init(struct wait_queue *q, const struct wait_ops *ops);

/** True when @p word was *@p was, and is @p is now; else *was is what it is, read relaxed. */
#define WORD_CHANGE(word, was, is, order)                                                          \
	likely(atomic_compare_exchange_strong_explicit(word, was, is, order, memory_order_relaxed))

/** For an object's awaitables: a wait in @p q; @p kind as in TRACE_await_kind_*. */
struct awaitable *wait_init(struct wait *w, struct wait_queue *q, u8 kind);

/* For objects that make their awaitables themselves: what wait_init fills in. */
enum poll wait_poll(struct awaitable *a);
void wait_cancel(struct awaitable *a);

/** After a change of the object: grants what can be granted now, in order, and gives the lock back,
 *  with @p irqs from spin_lock. May switch to who was granted it. Context: any. */
void wait_serve(struct wait_queue *q, bool irqs) RELEASE(q->lock);
