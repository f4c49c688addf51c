/*
 * explore.h: what a program for the explorer provides (docs/explorer.md). Its threads are CPUs 0 to
 * explore_threads - 1; they run the kernel's code, and say with ASSERT what must hold. A line
 * ` * links: task/worker.c ...` in its first comment names sources of kernel/ that it needs.
 */
#pragma once

#include "arch/arch.h"
#include "base/panic.h"
#include "base/types.h"
#include <stdatomic.h>

/** How many threads; at most 6. */
extern const unsigned explore_threads;

/** Before the threads, alone. */
void explore_begin(void);

/** Thread @p id. */
void explore_thread(unsigned id);

/** After all threads, alone. */
void explore_end(void);

/** Memory that is not put back to what it was between executions, for what is large and written
 *  before it is read. */
#define EXPLORE_SCRATCH_BYTES (256u << 10)
extern char explore_scratch[EXPLORE_SCRATCH_BYTES];
