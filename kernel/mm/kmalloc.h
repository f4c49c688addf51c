/*
 * kmalloc.h: the kernel's heap: two-level segregated fit. Source: Masmano, Ripoll, Crespo, Real:
 * "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004. Allocation and
 * release take bounded time, except when the heap grows: it takes pages in big steps and keeps
 * them. Neighbouring free blocks are joined at once.
 *
 * Context: any; one spin lock. A double release, a foreign pointer and a block whose owner wrote
 * past its end are found when a block or its neighbour is released, and panic.
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

/** Releases what kmalloc or kzalloc returned; NULL does nothing. */
void kfree(void *p);

struct kmalloc_stats {
	u64 pool_bytes; /* taken from the page allocator */
	u64 used_bytes; /* in blocks in use, their headers included */
	u64 peak_bytes; /* the most that used_bytes ever was */
	u64 blocks;     /* in use */
	u64 failures;   /* requests that got NULL */
};

/** The heap's figures, of one instant. */
struct kmalloc_stats kmalloc_stats(void);
