/*
 * watchdog.h: finds tasks that are stuck: those in the same poll for too long, and those that are
 * ready for too long and were not polled. It tells of each once, with the back trace of a poll that
 * is suspended, and does nothing else; `kill` is the reader's. Scans all tasks once a period, on the
 * highest level there is. The boot line `watchdog=MS` starts it.
 */
#pragma once

#include "task/task.h"

/** Spawns it: a task is stuck after @p bound_ns, which is seen within half of that. Errors: as
 *  task_spawn, ERR_INVAL (less than 1 us), ERR_BUSY (one runs). @p handle as in task_spawn. Context:
 *  task. */
int watchdog_start(u64 bound_ns, struct task **handle) MUST_CHECK;

/** How many stuck tasks it found. Context: any. */
u64 watchdog_count(void);
