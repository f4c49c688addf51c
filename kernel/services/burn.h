/*
 * burn.h: work that only takes CPU time, for demonstrations, measurements and the shell.
 */
#pragma once

#include "task/task.h"

/**
 * Computes until the calling task has used @p ns of CPU time in this call: time in which it was
 * preempted does not count. Context: task.
 */
void burn_ns(u64 ns);

/** Spawns a task that burns @p ns in one poll, with no await in it. Errors as task_spawn. */
int burn_spawn(const char *name, struct sched_params params, u64 ns, struct task **handle)
	MUST_CHECK;

/** The same with all that @p spec says but the function and its frame. */
int burn_spawn_as(const struct task_spec *spec, u64 ns, struct task **handle) MUST_CHECK;
