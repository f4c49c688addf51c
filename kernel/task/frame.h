/*
 * frame.h: what the executor knows of a task's frame, so that it can end a task in the middle: the
 * chain of calls that the frames make, and what the innermost of them waits for. async/async.h has
 * the macros that keep it.
 */
#pragma once

#include "task/task.h"

/*
 * An awaitable is a plain object with a poll: POLL_READY when what it stands for has happened,
 * else it has made sure that the calling task will be woken, and gives POLL_PENDING. It may be
 * polled again at any time. cancel withdraws it; afterwards it may be forgotten. An awaitable
 * that gave POLL_READY needs no cancel, and takes one without harm. Context of both: the task that
 * awaits, or the executor when that has ended.
 */
struct awaitable {
	enum poll (*poll)(struct awaitable *a);
	void (*cancel)(struct awaitable *a);
	u8 kind; /* TRACE_await_kind_*, for the trace */
};

enum async_does {
	ASYNC_RUNS,
	ASYNC_AWAITS, /* what awaiting points to */
	ASYNC_CALLS,  /* the function whose frame is callee */
};

/* First member of every frame. All zero means: not begun. */
struct async {
	int status;   /* what ASYNC_RETURN gave; task_join hands it on */
	u8 does;      /* enum async_does */
	void *resume; /* where the next call goes on */
	union {
		struct awaitable *awaiting;
		struct async *callee;
	};
};

/** Withdraws what the innermost of the calls that begin with @p a waits for. Context: as cancel. */
static inline void async_withdraw(struct async *a)
{
	while (a->does == ASYNC_CALLS)
		a = a->callee;
	if (a->does == ASYNC_AWAITS)
		a->awaiting->cancel(a->awaiting);
	a->does = ASYNC_RUNS;
}
