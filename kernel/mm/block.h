/*
 * block.h: what every block of the heaps begins with; shared by the files of mm/ only.
 *
 * A block is a header and its payload. The blocks of a pool follow each other without gaps, up to
 * an end mark: a header with payload 0. Sizes are payload bytes, multiples of UNIT_BYTES.
 *
 * A header of a block in use belongs to its user, who alone changes it; prev, which tells where
 * the block before it begins, and the header of a free block belong to the pool's heap. So whoever
 * releases a block can check it, and the end of it in the next one's prev, without a lock.
 */
#pragma once

#include "base/types.h"
#include <stdatomic.h>

#define UNIT_BYTES 16u

struct block {
	u32 prev;  /* bytes of the block before it in the pool, or PREV_NONE */
	u32 size;  /* bytes; in use, plus how many of its last unit nobody asked for (slack) */
	u32 owner; /* in use: the code or the task that asked for it; else the code that freed it */
	_Atomic u32
		mark; /* relaxed: others only ask whether it is free, a heap's lock tells them */
	/* The payload begins here; a block that is not in use holds these: */
	struct block *next_free, *prev_free;
};
#define HEADER_BYTES offsetof(struct block, next_free)
_Static_assert(HEADER_BYTES == UNIT_BYTES, "payloads are aligned when headers are");
_Static_assert(sizeof(struct block) - HEADER_BYTES <= UNIT_BYTES, "links fit in the least payload");

#define PREV_NONE UINT32_MAX

/* An owner is the address of code, which lies below 2 GiB on every board, or a task's number. */
#define OWNER_TASK (1u << 31)

/* A mark depends on its place, so that a copied or stale header does not pass. */
#define MARK_USED   0x75736564u /* + enum heap_kind */
#define MARK_FREE   0x66726565u
#define MARK_CACHED 0x63616368u /* free in the eyes of its user, in use for its pool */
#define MARK_JOINED 0x6a6f696eu /* a header that has become part of the free block before it */
#define MARK_END    0x656e6421u

/* What the bytes behind those asked for hold, and on the simulator all that was freed. */
#define REDZONE 0xfdfdfdfdfdfdfdfdull
#define POISON  0xddddddddddddddddull

static inline u32 block_mark_at(const struct block *b, u32 mark)
{
	return mark ^ (u32)((uptr)b / UNIT_BYTES);
}

static inline void block_mark(struct block *b, u32 mark)
{
	atomic_store_explicit(&b->mark, block_mark_at(b, mark), memory_order_relaxed);
}

static inline bool block_is(const struct block *b, u32 mark)
{
	return atomic_load_explicit(&b->mark, memory_order_relaxed) == block_mark_at(b, mark);
}

static inline u32 block_bytes(const struct block *b)
{
	return b->size & ~(UNIT_BYTES - 1);
}

static inline void *block_payload(const struct block *b)
{
	return (u8 *)b + HEADER_BYTES;
}

static inline struct block *block_of(const void *payload)
{
	return (struct block *)((u8 *)payload - HEADER_BYTES);
}

static inline struct block *block_after(const struct block *b)
{
	return (struct block *)((u8 *)b + HEADER_BYTES + block_bytes(b));
}

/* The words in which the slack lies: it is the last 0 to 15 bytes of the payload. */
static inline u64 *block_last_unit(const struct block *b)
{
	return (u64 *)((u8 *)block_after(b) - UNIT_BYTES);
}

/** Makes @p b, which has @p bytes, one whose user asked for all of them but @p slack < UNIT_BYTES.
 */
static inline void block_set_slack(struct block *b, u32 bytes, u32 slack)
{
	u64 *unit = (u64 *)((u8 *)block_payload(b) + bytes - UNIT_BYTES);

	unit[0] = unit[1] = REDZONE;
	b->size = bytes + slack;
}

/* Both machines are little-endian: the last bytes of a word are its high ones. */
static inline bool block_slack_kept(const struct block *b)
{
	unsigned slack = b->size % UNIT_BYTES;
	const u64 *unit = block_last_unit(b);

	if (slack <= 8)
		return !slack || !((unit[1] ^ REDZONE) >> (64 - 8 * slack));
	return unit[1] == REDZONE && !((unit[0] ^ REDZONE) >> (128 - 8 * slack));
}

/** True when @p b, which its caller thinks it may release, is in use in the heap whose mark is
 *  @p used, and nobody wrote over its ends. */
static inline bool block_good(const struct block *b, u32 used)
{
	return (uptr)b % UNIT_BYTES == 0 && block_is(b, used) &&
	       block_after(b)->prev == block_bytes(b) && block_slack_kept(b);
}
