/*
 * crash.h: tasks that end by a fault, one of each kind, to see that it is theirs alone.
 */
#pragma once

#include "task/task.h"

#define CRASH_KINDS                                                                                \
	"panic|assert|null|wild|code|jump|undefined|divide|stack|calls|memory|lock|text"

/** Spawns a task that ends by a fault of @p kind, one of CRASH_KINDS; @p handle as in task_spawn.
 *  Errors: ERR_INVAL (no such kind), ERR_NOMEM. Context: task. */
int crash_spawn(const char *kind, struct task **handle) MUST_CHECK;

/** Does what such a task does, here. Returns only for a kind that there is not. Context: any. */
void crash_here(const char *kind);

/** The name of kind number @p i, NULL behind the last. */
const char *crash_kind(unsigned i);
