/*
 * join.h: waiting for a task to end. Context: task.
 */
#pragma once

#include "async/async.h"
#include "task/waiter.h"

struct join {
	struct awaitable aw;
	struct waiter waiter; /* under task->lock */
	struct task *task;
	int status; /* what the task returned; valid once ready */
};

/** Ready when @p t has ended; then j->status is its status, and the caller's reference to @p t is
 *  still the caller's. Several tasks may join one. */
struct awaitable *task_join(struct join *j, struct task *t);
