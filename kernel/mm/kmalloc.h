/*
 * kmalloc.h: the kernel's heap, and the tasks' heap beside it.
 *
 * There are two heaps with pools of their own, so that what a task takes, tears or leaves behind
 * lies among the memory of tasks. Which one pays follows from the function that is called: kmalloc
 * charges the kernel, task_alloc (task/memory.h) the current task's arena. Nothing about it is kept
 * in a CPU. Both heaps take pages in steps and give wholly free pools back; a part of the pages,
 * the reserve, is kept for the kernel's heap, and there for interrupts, start-up and service tasks.
 *
 * Each heap is a two-level segregated fit (tlsf.h) under one lock. In front of it stand magazines
 * (magazine.h): a CPU keeps a few released blocks of each size up to 768 bytes and hands them out
 * again without a lock. A block of more than 64 KiB has pages of its own. A miss costs one
 * operation under the lock, never a batch, so kmalloc and kfree take a bounded number of steps,
 * also when a pool comes or goes. Only when there are no pages left is all given back that is
 * cached within reach, before a request fails.
 *
 * Context: any. A double release, a foreign pointer and a block whose owner wrote over its end are
 * found when it is released, and panic before any lock is taken. A block that was written to after
 * its release panics when it is found.
 *
 * Words handed over at boot: heap=tlsf leaves the magazines out; fail_alloc=K lets the K-th
 * allocation after start-up fail.
 */
#pragma once

#include "base/types.h"

#define KMALLOC_ALIGN_BYTES 16u
#define KMALLOC_MAX_BYTES   (MIB(512)) /* of one block */

/** @p bytes of memory, 16-byte aligned, not zeroed; at least one unit when @p bytes is 0. NULL
 *  when there is none or bytes > KMALLOC_MAX_BYTES. */
void *kmalloc(usize bytes) __attribute__((malloc, warn_unused_result));

/** The same, zeroed. */
void *kzalloc(usize bytes) __attribute__((malloc, warn_unused_result));

/** Releases what kmalloc or kzalloc returned, on any CPU; NULL does nothing. */
void kfree(void *p);

enum heap_kind { HEAP_KERNEL, HEAP_TASKS, HEAPS };

/* Sizes include the 16 bytes before each block. Blocks that wait in magazines are not in use. */
struct kmalloc_stats {
	u64 pool_bytes;   /* taken from the page allocator */
	u64 used_bytes;   /* in blocks in use */
	u64 cached_bytes; /* in magazines */
	u64 peak_bytes;   /* the most that used_bytes + cached_bytes ever was */
	u64 blocks;       /* in use */
	u64 failures;     /* requests that got NULL */
	u64 locked;       /* requests and releases that had to take the heap's lock */
};

/** A heap's figures; exact while nobody else allocates or releases. */
struct kmalloc_stats heap_stats(enum heap_kind kind);

/** The kernel's heap's. */
static inline struct kmalloc_stats kmalloc_stats(void)
{
	return heap_stats(HEAP_KERNEL);
}

/** Bytes of pages that only the kernel's heap may use. */
u64 heap_reserve_bytes(void);

/** Lets the @p k-th allocation from now on fail, in either heap; 0: none. Once it has failed, the
 *  next ones succeed again. For tests. */
void kmalloc_fail_at(u64 k);

/** The code that asked for the block that kmalloc_fail_at denied last; 0: none was, yet. */
uptr kmalloc_failed_at(void);

/** Sets the reserve. Once, by the boot CPU, when all pages are there. Before, there is neither a reserve
 *  nor a magazine, nor will there be one unless @p magazines. @p fail_at: as in kmalloc_fail_at. */
void kmalloc_init(bool magazines, u64 fail_at);

/*
 * For arena.c: the same for either heap. @p owner is what messages say of the block: the address
 * of code, or OWNER_TASK | a task's number (block.h).
 */
void *heap_alloc(enum heap_kind kind, usize bytes, uptr owner) __attribute__((warn_unused_result));
void heap_free(enum heap_kind kind, void *p, uptr owner);
