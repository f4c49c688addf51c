/* lab05.h: what the programs share: what should hold in plain words, and a task that waits for a
 * gate. */
#pragma once

#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"

/* An awaitable made of a flag: who opens it wakes the task. Nothing of the lab is in it. */
struct gate {
	struct awaitable aw;
	_Atomic bool open;
	_Atomic unsigned polls; /* that began; those of the task that waits */
};

static inline enum poll gate_poll(struct awaitable *a)
{
	struct gate *g = CONTAINER_OF(a, struct gate, aw);

	/* acq_rel, acquire: what happened before the wake-up is seen by the poll that follows */
	atomic_fetch_add_explicit(&g->polls, 1, memory_order_acq_rel);
	return atomic_load_explicit(&g->open, memory_order_acquire) ? POLL_READY : POLL_PENDING;
}

static inline void gate_cancel(struct awaitable *a)
{
	(void)a;
}

static inline struct awaitable *gate_wait(struct gate *g)
{
	g->aw = (struct awaitable){gate_poll, gate_cancel, TRACE_await_kind_event};
	return &g->aw;
}

static inline unsigned gate_polls(struct gate *g)
{
	return atomic_load_explicit(&g->polls, memory_order_acquire);
}

/** Lets others run until @p cond holds; needs no part of the lab but polls. */
#define YIELD_UNTIL(me, cond)                                                                      \
	while (!(cond))                                                                            \
	AWAIT(me, yield_now(&(me)->yield))

#define SAME SCHED_PARAMS_FIFO(16) /* as the tests */
#define MORE SCHED_PARAMS_FIFO(24) /* more urgent */
