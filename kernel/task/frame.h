/*
 * frame.h: what every frame of an async function begins with, and what an awaitable is. async.h has
 * the macros that use them.
 *
 * A frame names at any time what its function waits for, or the frame of the function that it
 * called: so from a task's frame one finds, along this chain, the one awaitable that must be
 * cancelled when the task ends while it waits, or anywhere in a poll.
 */
#pragma once

#include "base/types.h"
#include "task/task.h"

/*
 * An awaitable is a plain object with a poll: POLL_READY when what it stands for has happened,
 * else it has made sure that the calling task will be woken, and gives POLL_PENDING. It may be
 * polled again at any time. cancel withdraws it; afterwards it may be forgotten. An awaitable
 * that gave POLL_READY needs no cancel, and cancel does nothing then. The task may be killed
 * between any two instructions of poll outside of its locks, and cancel follows. Context of both:
 * the task that awaits.
 */
struct awaitable {
	enum poll (*poll)(struct awaitable *a);
	void (*cancel)(struct awaitable *a);
	u8 kind; /* TRACE_await_kind_*, for the trace */
};

static inline enum poll await_poll(struct awaitable *a)
{
	return a->poll(a);
}

static inline void await_cancel(struct awaitable *a)
{
	a->cancel(a);
}

/* First member of every frame. All zero means: not begun. */
struct async {
	int status;   /* what ASYNC_RETURN gave; task_join hands it on */
	void *resume; /* where the next call goes on */
	struct awaitable *awaiting; /* what it waits for, or NULL */
	struct async *callee;       /* whose end it waits for, or NULL */
};
