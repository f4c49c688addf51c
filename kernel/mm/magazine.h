/*
 * magazine.h: released blocks of one size that a CPU keeps for the next who asks. Sources:
 * Bonwick: "The slab allocator", USENIX Summer 1994; Bonwick, Adams: "Magazines and vmem",
 * USENIX 2001.
 *
 * A CPU has two magazines of each size, so that a user who allocates and releases about the
 * boundary of one does not meet the shared depot each time; between the depot and a CPU whole
 * magazines move. A magazine is a chain through the blocks' own memory.
 *
 * Context: a cache is its CPU's, with interrupts masked; a depot has its heap's lock.
 */
#pragma once

#include "mm/block.h"

#define MAGAZINE_BLOCKS    8u
#define MAGAZINE_MAX_BYTES 768u /* payload of the largest blocks kept: a task and its frame */
#define MAGAZINE_SIZES     (MAGAZINE_MAX_BYTES / UNIT_BYTES)
#define DEPOT_MAGAZINES    16u

struct magazine {
	struct block *first;
	_Atomic u32 count; /* relaxed: other CPUs add it up for the statistics, no more */
};

struct cache {
	struct magazine loaded, spare; /* spare is full or empty */
};

struct depot {
	struct block *full; /* the first block of each full magazine, chained by prev_free */
	u32 magazines;
};

static inline u32 magazine_count(const struct magazine *m)
{
	return atomic_load_explicit(&m->count, memory_order_relaxed);
}

static inline void magazine_set(struct magazine *m, struct block *first, u32 count)
{
	m->first = first;
	atomic_store_explicit(&m->count, count, memory_order_relaxed);
}

static inline struct block *magazine_pop(struct magazine *m)
{
	struct block *b = m->first;

	if (b)
		magazine_set(m, b->next_free, magazine_count(m) - 1);
	return b;
}

static inline bool magazine_push(struct magazine *m, struct block *b)
{
	u32 count = magazine_count(m);

	if (count == MAGAZINE_BLOCKS)
		return false;
	b->next_free = m->first;
	magazine_set(m, b, count + 1);
	return true;
}

static inline void magazine_move(struct magazine *to, struct magazine *from)
{
	magazine_set(to, from->first, magazine_count(from));
	magazine_set(from, NULL, 0);
}

/** A block out of @p c's spare magazine or of one from @p d, when c's loaded one is empty. */
static inline struct block *cache_reload(struct cache *c, struct depot *d)
{
	if (c->spare.first) {
		magazine_move(&c->loaded, &c->spare);
	} else if (d->full) {
		struct block *first = d->full;

		d->full = first->prev_free;
		d->magazines--;
		magazine_set(&c->loaded, first, MAGAZINE_BLOCKS);
	}
	return magazine_pop(&c->loaded);
}

/** Makes room for @p b, when @p c's loaded magazine is full; false when @p d is full, too. */
static inline bool cache_unload(struct cache *c, struct depot *d, struct block *b)
{
	if (c->spare.first) {
		struct block *full = c->spare.first;

		if (d->magazines == DEPOT_MAGAZINES)
			return false;
		full->prev_free = d->full;
		d->full = full;
		d->magazines++;
	}
	magazine_move(&c->spare, &c->loaded);
	return magazine_push(&c->loaded, b);
}
