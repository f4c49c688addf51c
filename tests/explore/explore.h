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

/*
 * What a program may provide.
 */

/** Spin locks (sync/spin.h) are taken for granted: to take one is a single step, which waits until
 * it is free. Else they are carried out like all else. */
extern const bool explore_locks_given;

/** How many interrupts come to each thread, at any of its accesses to memory while it has
 * interrupts enabled, where it enables them, while it halts or spins, or at its end. */
extern const unsigned explore_interrupts[];

/** An interrupt of thread @p id, on its stack, with interrupts masked. */
void explore_interrupt(unsigned id);

/** A thread that halts and that nobody hints is at its end, and explore_end looks whether all was
 * done. */
extern const bool explore_halts_end;

/** Reads are of what was written last, and writes come last: for what is too large otherwise. */
extern const bool explore_newest;

/** Memory that is not put back to what it was between executions, for what is large and written
 *  before it is read. */
#define EXPLORE_SCRATCH_BYTES (512u << 10)
extern char explore_scratch[EXPLORE_SCRATCH_BYTES];
