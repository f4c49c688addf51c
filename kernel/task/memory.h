/*
 * memory.h: memory of the current task: taken out of the tasks' heap, charged to the task, and
 * released when the task ends in whichever way (mm/arena.h). What is to outlive its task, or to be
 * released by another one, comes from kmalloc instead.
 *
 * Context: task. No error but NULL: beyond task_spec.mem_max_bytes, or when all memory but the
 * kernel's reserve is used.
 */
#pragma once

#include "base/types.h"

/** @p bytes of memory, 16-byte aligned, not zeroed, or NULL. */
void *task_alloc(usize bytes) __attribute__((malloc, warn_unused_result));

/** The same, zeroed. */
void *task_zalloc(usize bytes) __attribute__((malloc, warn_unused_result));

/** Releases what the same task got from the two above; NULL does nothing. Panics on anything
 *  else. */
void task_free(void *p);
