/*
 * pools.h: a heap without its magazines: a two-level segregated fit, and its way to and from the
 * pages. It takes pages in steps of 256 KiB, or, when there are not as many, just what a request
 * needs; a block of more than 64 KiB has pages of its own. A pool that is wholly free goes back.
 *
 * A part of the pages, the reserve, is kept for the kernel's heap, and there for interrupts,
 * start-up and service tasks: another task that makes the kernel allocate does not reach it.
 *
 * Context: the caller holds the heap's lock, under which it takes that of the pages. All steps are
 * bounded.
 */
#pragma once

#include "mm/kmalloc.h"
#include "mm/tlsf.h"

struct pools {
	bool kernels;               /* the reserve is for this heap */
	struct kmalloc_stats stats; /* of pools, blocks and bytes; what is cached counts as used */
	struct tlsf tlsf;
};

/** A block of at least @p bytes, a multiple of UNIT_BYTES up to KMALLOC_MAX_BYTES, marked as
 * cached; or NULL. */
struct block *pools_take(struct pools *p, u32 bytes);

/** Gives a block of pools_take back, its slack cleared. */
void pools_give(struct pools *p, struct block *b);

/** Sets the reserve, by what pages there are, and that it is for @p p. Start-up. */
void pools_reserve(struct pools *p);
