/*
 * tlsf.h: two-level segregated fit. Source: Masmano, Ripoll, Crespo, Real: "TLSF: a new dynamic
 * memory allocator for real-time systems", ECRTS 2004. Finding, splitting and joining take a
 * constant number of steps: there is no loop in tlsf.c.
 *
 * Free blocks are linked in lists by size. The first level halves sizes by powers of two, the
 * second cuts each of those in 16 equal steps; a word of bits for each level says which lists are
 * not empty. A request is rounded up to a list's least size, so the first block of any such list
 * fits, and find-first-set finds the list. Neighbouring free blocks are joined at once.
 *
 * A struct tlsf that is all zero is an empty heap. No locks: its owner has one. It takes memory
 * by tlsf_add only. A free block that was overwritten panics when it is found.
 */
#pragma once

#include "mm/block.h"

#define TLSF_LISTS_LOG2 4
#define TLSF_LISTS      (1u << TLSF_LISTS_LOG2)
#define TLSF_SMALL_LOG2 8 /* below 256 bytes the lists hold one size each */
#define TLSF_LEVELS     (32 - TLSF_SMALL_LOG2 + 1)
#define TLSF_MAX_BYTES  (1u << 30) /* of one block: rounding up stays in 32 bits */

struct tlsf {
	u32 levels_filled;             /* bit l: lists_filled[l] != 0 */
	u32 lists_filled[TLSF_LEVELS]; /* bit i: lists[l][i] != NULL */
	struct block *lists[TLSF_LEVELS][TLSF_LISTS];
};

/** Memory that a pool needs beyond the payload of a single block in it. */
#define TLSF_POOL_OVERHEAD_BYTES (2 * HEADER_BYTES)

/** The least size of a free block that tlsf_take(bytes) is sure to find: at most 1/16 more. */
u32 tlsf_round(u32 bytes);

/** Makes @p bytes of memory at @p pool, both multiples of UNIT_BYTES, a pool with one block, which
 *  is neither marked nor in any list. */
struct block *tlsf_format(void *pool, u32 bytes);

/** Gives the memory to the heap: a pool with one free block. Returns it. */
struct block *tlsf_add(struct tlsf *t, void *pool, u32 bytes);

/** Takes @p b, which is free and tlsf_is_pool, and with it the pool's memory, out of the heap. */
void tlsf_remove(struct tlsf *t, struct block *b);

/** A block of at least @p bytes (a multiple of UNIT_BYTES, from UNIT_BYTES to TLSF_MAX_BYTES),
 *  marked @p mark, or NULL when no list has one. */
struct block *tlsf_take(struct tlsf *t, u32 bytes, u32 mark);

/** Gives a block of tlsf_take back, its slack cleared. Returns the free block of which it is now
 *  a part. */
struct block *tlsf_give(struct tlsf *t, struct block *b);

/** True when @p b is all that its pool has. */
bool tlsf_is_pool(const struct block *b);
