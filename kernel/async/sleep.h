/*
 * sleep.h: awaitables that end by themselves: at a time, or at the next turn.
 * Context: task. A struct sleep must stay where it is until it is ready or cancelled.
 */
#pragma once

#include "async/async.h"
#include "core/time.h"

struct sleep {
	struct awaitable aw;
	struct timer timer;
	struct task *task; /* whom to wake; NULL before the first poll */
	u64 until_ns;
};

/** Ready at @p at_ns since boot, or at once when that is past. */
struct awaitable *sleep_until(struct sleep *s, u64 at_ns);

/** Ready @p ns from now; TIME_NEVER: never. */
struct awaitable *sleep_for(struct sleep *s, u64 ns);

struct yield {
	struct awaitable aw;
	bool polled;
};

static inline enum poll yield_poll(struct awaitable *a)
{
	struct yield *y = CONTAINER_OF(a, struct yield, aw);

	if (y->polled)
		return POLL_READY;
	y->polled = true;
	task_poll_again();
	return POLL_PENDING;
}

static inline void yield_cancel(struct awaitable *a)
{
	(void)a; /* a note to poll again does no harm */
}

/** Lets every task that is as urgent as this one have its turn first. */
static inline struct awaitable *yield_now(struct yield *y)
{
	y->aw = (struct awaitable){yield_poll, yield_cancel, TRACE_await_kind_yield};
	y->polled = false;
	return &y->aw;
}
