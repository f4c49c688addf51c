/*
 * tlsf.c: kernel/mm/tlsf.c: what sizes mean, for all of them; and its lists, by induction: any heap
 * with up to 3 free blocks, and one operation. Cutting and joining, which reach a block's
 * neighbours in memory, are tested, not proved.
 */
#include "prove.h"

#include "mm/tlsf.c"

#define BLOCKS 4

static struct tlsf heap;
static struct block block_0, block_1, block_2, block_3;
static struct block *const block[BLOCKS] = {&block_0, &block_1, &block_2, &block_3};
static bool in[BLOCKS];

void misuse_free_overwritten(const struct block *b)
{
	(void)b;
}

static u32 any_size(void)
{
	u32 bytes = nondet_u32();

	ASSUME(bytes % UNIT_BYTES == 0 && bytes && bytes <= MOST_BYTES);
	return bytes;
}

static bool place_before(struct place a, struct place b)
{
	return a.level < b.level || (a.level == b.level && a.list < b.list);
}

static void sizes(void)
{
	u32 bytes = any_size(), other = any_size(), rounded = tlsf_round(bytes);
	struct place p = place_of(bytes), q = place_of(other), r = place_of(rounded);

	CLAIM(p.level < TLSF_LEVELS && p.list < TLSF_LISTS, "a size has a list");
	CLAIM(r.level < TLSF_LEVELS && r.list < TLSF_LISTS,
	      "and so has the size that it is rounded to");
	CLAIM(rounded >= bytes && rounded % UNIT_BYTES == 0, "it is rounded up");
	CLAIM(bytes >= other || !place_before(q, p), "a smaller size is in no later list");
	CLAIM(place_before(q, r) || other >= bytes,
	      "what its list, or a later one, holds is large enough");
	CLAIM(!place_before(p, r) || rounded > bytes, "the least size of a list stays in it");
	CLAIM(rounded - bytes <= bytes / TLSF_LISTS, "no more than a sixteenth is added");
}

static struct block **head_of(struct place p)
{
	return &heap.lists[p.level][p.list];
}

static bool same_list(unsigned i, unsigned j)
{
	struct place p = place_of(block[i]->size), q = place_of(block[j]->size);

	return p.level == q.level && p.list == q.list;
}

/* Whether the blocks that are in stand in their lists, those with smaller numbers behind, and the
 * bits of the list in question say so. */
static bool list_is_right(struct place p)
{
	struct block *expected = NULL;
	bool level = false;

	for (unsigned i = 0; i < BLOCKS; i++) {
		struct place q = place_of(block[i]->size);

		level |= in[i] && q.level == p.level;
		if (!in[i] || q.level != p.level || q.list != p.list)
			continue;
		if (block[i]->next_free != expected ||
		    (expected && expected->prev_free != block[i]))
			return false;
		expected = block[i];
	}
	return *head_of(p) == expected && (!expected || !expected->prev_free) &&
	       (heap.lists_filled[p.level] >> p.list & 1) == (expected != NULL) &&
	       (heap.levels_filled >> p.level & 1) == level;
}

static void any_heap(void)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		block[i]->size = any_size();
		in[i] = i + 1 < BLOCKS && nondet_bool();
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct place p = place_of(block[i]->size);

		if (!in[i])
			continue;
		block_mark(block[i], MARK_FREE);
		block[i]->prev_free = NULL;
		block[i]->next_free = *head_of(p);
		if (*head_of(p))
			(*head_of(p))->prev_free = block[i];
		*head_of(p) = block[i];
		heap.levels_filled |= 1u << p.level;
		heap.lists_filled[p.level] |= 1u << p.list;
	}
}

/* Of every list, since this one is any. */
static void claim_lists(void)
{
	struct place any = {nondet_unsigned(), nondet_unsigned()};

	ASSUME(any.level < TLSF_LEVELS && any.list < TLSF_LISTS);
	CLAIM(list_is_right(any), "each list holds its blocks, and the bits say which are empty");
}

static void give(void)
{
	any_heap();
	REACHABLE(in[0] && in[1] && in[2] && same_list(0, 1) && same_list(1, 3),
		  "a list of two, and one more");
	insert(&heap, block[BLOCKS - 1]);
	in[BLOCKS - 1] = true;
	claim_lists();
	CLAIM(block_is(block[BLOCKS - 1], MARK_FREE), "it is marked free");
}

static void remove_one(void)
{
	unsigned i = nondet_unsigned();

	any_heap();
	ASSUME(i < BLOCKS && in[i]);
	REACHABLE(i == 1 && in[0] && in[2] && same_list(0, 1) && same_list(1, 2),
		  "out of the middle");
	tlsf_remove(&heap, block[i]);
	in[i] = false;
	claim_lists();
}

static void look_up(void)
{
	u32 bytes = any_size();
	struct block *b;
	unsigned found = BLOCKS;

	any_heap();
	b = find(&heap, bytes);
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (b == block[i])
			found = i;
		CLAIM(b || !in[i] || block[i]->size < tlsf_round(bytes),
		      "none only when there is none of the rounded size");
	}
	CLAIM(!b || (found < BLOCKS && in[found] && block[found]->size >= bytes),
	      "what is found is free, and large enough");
	REACHABLE(b != NULL && in[0] && in[1] && !same_list(0, 1), "one of two");
	claim_lists();
}

int main(void)
{
	OPERATION();
	return 0;
}
