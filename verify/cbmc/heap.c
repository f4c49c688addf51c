/*
 * heap.c: kernel/mm/tlsf.c. Which list a size belongs to, for every size that a block may have. And
 * by induction: any pools of any blocks in a few units of memory, and one operation.
 */
#include "prove.h"

#include "mm/tlsf.c"

/* A compiler makes code of all operations, in which a mutant is told from what it was. */
#ifdef __CPROVER__
#define ONE_OF static
#else
#define ONE_OF
#endif
/* How many units each block has, an end mark having none. */
#ifdef BLOCKS
static const u8 blocks[] = {BLOCKS};
#define UNITS_OF(n) blocks[n]
#else
#define UNITS_OF(n) (nondet_u8() % UNITS)
#endif
#ifndef AT
#define AT nondet_unsigned()
#endif
#ifndef UNITS
#define UNITS 7u
#endif
/* As in tlsf.h, but for other constants. */
#define MOST_BYTES (1u << (TLSF_LEVELS + TLSF_SMALL_LOG2 - 3))
#define BIT(i)     (1u << (i))

/* Which units are headers. */
struct map {
	u32 blocks, free, ends;
	u8 in[UNITS]; /* whose block a unit is */
	u32 size[UNITS], owner[UNITS];
};

/* Nobody defines it, so it holds anything. */
extern u8 memory[UNITS * UNIT_BYTES] __attribute__((aligned(UNIT_BYTES)));
static struct tlsf t;
static struct map map, before;
static unsigned hole, hole_units; /* that are no pool's */
static unsigned overwritten = UNITS;
static unsigned byte; /* any of memory */
static u8 byte_before;

static struct block *at(unsigned unit)
{
	return (struct block *)(memory + unit * UNIT_BYTES);
}

static unsigned unit_of(const struct block *b)
{
	uptr offset = (uptr)b - (uptr)memory;

	return offset % UNIT_BYTES == 0 && offset / UNIT_BYTES < UNITS
		       ? (unsigned)(offset / UNIT_BYTES)
		       : UNITS;
}

void misuse_free_overwritten(const struct block *b)
{
	CLAIM(unit_of(b) == overwritten, "it panics only when it must");
	ASSUME(false);
	for (;;)
		;
}

static u32 any_size(void)
{
	u32 bytes = nondet_u32();

	ASSUME(bytes % UNIT_BYTES == 0 && bytes && bytes <= MOST_BYTES);
	return bytes;
}

static bool is_earlier(struct place a, struct place b)
{
	return a.level < b.level || (a.level == b.level && a.list < b.list);
}

ONE_OF void sizes(void)
{
	u32 bytes = any_size(), other = any_size(), rounded = tlsf_round(bytes);
	struct place p = place_of(bytes), q = place_of(other), r = place_of(rounded);

	REACHABLE(bytes < 1u << TLSF_SMALL_LOG2 && other >= 1u << TLSF_SMALL_LOG2,
		  "a small size and a large one");
	REACHABLE(rounded > bytes && is_earlier(p, r), "one that is rounded up to the next list");
	REACHABLE(bytes == MOST_BYTES, "the largest");
	CLAIM(p.level < TLSF_LEVELS && p.list < TLSF_LISTS, "a size has a list");
	CLAIM(r.level < TLSF_LEVELS && r.list < TLSF_LISTS,
	      "and so has the size that it is rounded to");
	CLAIM(rounded >= bytes && rounded % UNIT_BYTES == 0, "it is rounded up");
	CLAIM(bytes >= other || !is_earlier(q, p), "a smaller size is in no later list");
	CLAIM(is_earlier(q, r) || other >= bytes,
	      "what its list, or a later one, holds is large enough");
	CLAIM(!is_earlier(p, r) || rounded > bytes, "the least size of a list stays in it");
	CLAIM(rounded - bytes <= bytes / TLSF_LISTS, "no more than a sixteenth is added");
	CLAIM(tlsf_round(rounded) == rounded, "what is rounded stays as it is");
}

/* Of the free blocks each is in its size's list, and in no other; the bits tell which lists have
 * some. There is no ring: each leads back to a head. */
static bool lists_are_right(void)
{
	u8 list[UNITS + 1], next[UNITS + 1], prev[UNITS + 1];
	u32 found = 0, levels = 0, lists[TLSF_LEVELS] = {0};

	list[UNITS] = next[UNITS] = prev[UNITS] = UNITS;
	for (unsigned i = 0; i < UNITS; i++) {
		struct place p = place_of(at(i)->size);

		list[i] = next[i] = prev[i] = UNITS;
		if (!(map.free & BIT(i)))
			continue;
		if (p.level >= TLSF_LEVELS || p.list >= TLSF_LISTS)
			return false;
		levels |= BIT(p.level);
		lists[p.level] |= BIT(p.list);
		list[i] = (u8)(p.level * TLSF_LISTS + p.list);
		next[i] = (u8)unit_of(at(i)->next_free);
		prev[i] = (u8)unit_of(at(i)->prev_free);
		if ((next[i] == UNITS && at(i)->next_free) ||
		    (prev[i] == UNITS && at(i)->prev_free))
			return false;
		if (prev[i] == UNITS) {
			if (t.lists[p.level][p.list] != at(i))
				return false;
			found |= BIT(i);
		}
	}
	for (unsigned i = 0; i < UNITS; i++) {
		if (!(map.free & BIT(i)))
			continue;
		if (next[i] < UNITS && (prev[next[i]] != i || list[next[i]] != list[i]))
			return false;
		if (prev[i] < UNITS && (next[prev[i]] != i || list[prev[i]] != list[i]))
			return false;
	}
	for (unsigned steps = 0; steps < UNITS / 3; steps++)
		for (unsigned i = 0; i < UNITS; i++)
			if (map.free & BIT(i) && prev[i] < UNITS && found & BIT(prev[i]))
				found |= BIT(i);
	if (found != map.free || t.levels_filled != levels)
		return false;
	for (unsigned level = 0; level < TLSF_LEVELS; level++) {
		if (t.lists_filled[level] != lists[level])
			return false;
		for (unsigned i = 0; i < TLSF_LISTS; i++)
			if (!(lists[level] & BIT(i)) && t.lists[level][i])
				return false;
	}
	return true;
}

/* Pools of blocks without gaps, each of which tells the size of the one before it, up to an end
 * mark; two neighbours are not both free. */
static bool is_right(void)
{
	unsigned left = 0, last = 0;
	u32 prev = PREV_NONE;

	map = (struct map){0};
	for (unsigned i = 0; i < UNITS; i++) {
		const struct block *b = at(i);
		bool is_free = block_is(b, MARK_FREE);

		map.in[i] = UNITS;
		if (i - hole < hole_units) {
			if (left || prev != PREV_NONE)
				return false;
			continue;
		}
		if (left) {
			map.in[i] = (u8)last;
			left--;
			continue;
		}
		if (b->prev != prev)
			return false;
		map.in[i] = (u8)i;
		if (block_is(b, MARK_END)) {
			if (prev == PREV_NONE || b->size)
				return false;
			map.ends |= BIT(i);
			prev = PREV_NONE;
			continue;
		}
		left = block_bytes(b) / UNIT_BYTES;
		if (!left || left >= UNITS ||
		    (is_free &&
		     (b->size % UNIT_BYTES || (prev != PREV_NONE && map.free & BIT(last)))))
			return false;
		map.blocks |= BIT(i);
		map.size[i] = b->size;
		map.owner[i] = b->owner;
		map.free |= is_free ? BIT(i) : 0;
		prev = block_bytes(b);
		last = i;
	}
	return !left && prev == PREV_NONE && lists_are_right();
}

static struct block *any_link(void)
{
	unsigned unit = nondet_unsigned();

	return unit < UNITS ? at(unit) : NULL;
}

/* What is not written here is anything. */
static void any_heap(void)
{
	unsigned left = 0, n = 0, units;
	u32 prev = PREV_NONE;

	for (unsigned i = 0; i < UNITS; i++) {
		struct block *b = at(i);

		if (left || i - hole < hole_units) {
			left -= left ? 1 : 0;
			continue;
		}
		left = units = UNITS_OF(n++);
		b->prev = prev;
		prev = units ? units * UNIT_BYTES : PREV_NONE;
		if (!units) {
			b->size = 0;
			block_mark(b, MARK_END);
		} else if (i + 1 < UNITS && nondet_bool()) {
			b->size = units * UNIT_BYTES;
			block_mark(b, MARK_FREE);
			b->next_free = any_link();
			b->prev_free = any_link();
		} else {
			b->size = units * UNIT_BYTES + nondet_u8() % UNIT_BYTES;
			ASSUME(!block_is(b, MARK_FREE) && !block_is(b, MARK_END));
		}
	}
	t.levels_filled = nondet_u32();
	for (unsigned level = 0; level < TLSF_LEVELS; level++) {
		t.lists_filled[level] = nondet_u32();
		for (unsigned i = 0; i < TLSF_LISTS; i++)
			t.lists[level][i] = any_link();
	}
	ASSUME(is_right());
	before = map;
	byte = nondet_unsigned();
	ASSUME(byte < sizeof memory);
	byte_before = memory[byte];
}

/* Any byte that is a user's, or that a header holds, but for the size of the block before it. */
static bool others_stay(u32 touched)
{
	unsigned unit = byte / UNIT_BYTES, in = before.in[unit];

	if (touched & BIT(in) ||
	    (in == unit ? byte % UNIT_BYTES < sizeof(u32) : before.free & BIT(in)))
		return true;
	return memory[byte] == byte_before;
}

/* Others may have written over the mark of a free block. */
ONE_OF void take(void)
{
	u32 bytes = any_size(), mark = nondet_u32(), room = 0, most = 0, cut;
	struct block *b;
	unsigned i;

	any_heap();
	for (i = 0; i < UNITS; i++)
		if (map.free & BIT(i))
			most = MAX(most, at(i)->size);
	ASSUME(mark != MARK_FREE && mark != MARK_END);
	overwritten = nondet_unsigned();
	ASSUME(overwritten == UNITS || (overwritten < UNITS && map.free & BIT(overwritten)));
	if (overwritten < UNITS) {
		at(overwritten)->mark = nondet_u32();
		ASSUME(!block_is(at(overwritten), MARK_FREE));
	}
	b = tlsf_take(&t, bytes, mark);
	i = unit_of(b);
	CLAIM(i == UNITS || i != overwritten, "a block that was overwritten panics");
	if (overwritten < UNITS)
		block_mark(at(overwritten), MARK_FREE);
	CLAIM(is_right(), "blocks without gaps, lists, bits");
	CLAIM(!b == (most < tlsf_round(bytes)), "none only if none is sure to be large enough");
	if (!b) {
		REACHABLE(bytes == most, "its size is there, but another may be first in its list");
		CLAIM(others_stay(0) && map.blocks == before.blocks && map.free == before.free &&
			      map.ends == before.ends,
		      "then all stays");
		return;
	}
	CLAIM(i < UNITS && before.free & BIT(i) && block_is(b, mark), "one that was free");
	room = before.size[i];
	cut = room - bytes < HEADER_BYTES + UNIT_BYTES ? 0 : BIT(i + 1 + bytes / UNIT_BYTES);
	REACHABLE(cut && before.free & ~BIT(i), "one of two is cut");
	REACHABLE(room == bytes + UNIT_BYTES, "one unit is left, which is no block");
	CLAIM(b->size == (cut ? bytes : room) && room >= bytes,
	      "large enough; the rest is cut off");
	CLAIM(map.blocks == (before.blocks | cut) && map.ends == before.ends &&
		      map.free == ((before.free & ~BIT(i)) | cut),
	      "the rest is free");
	CLAIM(!cut || at(i + 1 + bytes / UNIT_BYTES)->owner == before.owner[i],
	      "it was freed by whom it was freed");
	CLAIM(others_stay(BIT(i)), "all others stay as they are");
}

static bool all_of_pool(unsigned unit)
{
	return (unit == 0 || map.ends & BIT(unit - 1) || unit - 1 - hole < hole_units) &&
	       map.ends & BIT(unit + 1 + block_bytes(at(unit)) / UNIT_BYTES);
}

ONE_OF void give(void)
{
	unsigned i = AT, next, first;
	u32 joined = 0;
	bool middle;
	struct block *b;

	any_heap();
	ASSUME(i < UNITS && map.blocks & ~map.free & BIT(i) && at(i)->size % UNIT_BYTES == 0);
	next = i + 1 + at(i)->size / UNIT_BYTES;
	first = i;
	if (map.free & BIT(next))
		joined |= BIT(next);
	if (at(i)->prev != PREV_NONE && map.free & BIT(i - 1 - at(i)->prev / UNIT_BYTES)) {
		first = i - 1 - at(i)->prev / UNIT_BYTES;
		joined |= BIT(i);
	}
	middle = joined & BIT(next) && at(next)->prev_free && at(next)->next_free;
	b = tlsf_give(&t, at(i));
	REACHABLE(joined == (BIT(i) | BIT(next)) && before.blocks & ~before.free & ~BIT(i),
		  "both neighbours are free");
	REACHABLE(middle, "one of three in a list, neither the first nor the last");
	REACHABLE(!joined && before.free, "none of its neighbours is free");
	CLAIM(is_right(), "blocks without gaps, lists, bits");
	CLAIM(b == at(first) && map.blocks == (before.blocks & ~joined) &&
		      map.free == ((before.free | BIT(first)) & ~joined) && map.ends == before.ends,
	      "it is free, and one with its free neighbours");
	CLAIM(b->owner == before.owner[i], "its owner freed it");
	CLAIM(!(joined & BIT(i)) || block_is(at(i), MARK_JOINED), "a header that is none tells");
	CLAIM(!(joined & BIT(next)) || block_is(at(next), MARK_JOINED), "so does the next one");
	CLAIM(tlsf_is_pool(b) == all_of_pool(first), "it tells whether it is all of its pool");
	CLAIM(others_stay(joined | BIT(i) | BIT(first)), "all others stay as they are");
}

ONE_OF void add(void)
{
	struct block *b;

	hole = nondet_unsigned();
	hole_units = nondet_unsigned();
	ASSUME(hole_units >= 3 && hole_units <= UNITS && hole <= UNITS - hole_units);
	any_heap();
	REACHABLE(!before.blocks, "to an empty heap");
	REACHABLE(hole && before.ends & (BIT(hole) - 1) && before.ends >> hole, "between two");
	b = tlsf_add(&t, at(hole), hole_units * UNIT_BYTES);
	hole_units = 0;
	CLAIM(is_right(), "blocks without gaps, lists, bits");
	CLAIM(b == at(hole) && map.blocks == (before.blocks | BIT(hole)) &&
		      map.free == (before.free | BIT(hole)),
	      "one free block more");
	CLAIM(!b->owner && tlsf_is_pool(b), "which nobody freed, and is a pool");
	CLAIM(others_stay(BIT(UNITS)), "all others stay as they are");
}

ONE_OF void give_up(void)
{
	unsigned i = nondet_unsigned();

	any_heap();
	ASSUME(i < UNITS && map.blocks & BIT(i));
	CLAIM(tlsf_is_pool(at(i)) == all_of_pool(i), "it tells whether it is all of its pool");
	ASSUME(map.free & BIT(i) && all_of_pool(i));
	tlsf_remove(&t, at(i));
	hole = i;
	hole_units = 2 + at(i)->size / UNIT_BYTES;
	REACHABLE(hole && hole + hole_units < UNITS, "one between others");
	CLAIM(is_right(), "blocks without gaps, lists, bits");
	CLAIM(map.blocks == (before.blocks & ~BIT(i)) && map.free == (before.free & ~BIT(i)),
	      "one block less");
	CLAIM(others_stay(0), "all others stay as they are");
}

int main(void)
{
	OPERATION();
	return 0;
}
