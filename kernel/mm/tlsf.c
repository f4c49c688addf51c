#include "mm/tlsf.h"
#include "mm/misuse.h"

struct place {
	unsigned level, list;
};

/* The list that holds blocks of this size. */
static struct place place_of(u32 bytes)
{
	if (bytes < 1u << TLSF_SMALL_LOG2)
		return (struct place){0, bytes / UNIT_BYTES};

	unsigned log2 = 31 - (unsigned)__builtin_clz(bytes);

	return (struct place){log2 - TLSF_SMALL_LOG2 + 1,
			      (bytes >> (log2 - TLSF_LISTS_LOG2)) - TLSF_LISTS};
}

/* The least size whose list, and every later one, holds only blocks of at least @p bytes. */
u32 tlsf_round(u32 bytes)
{
	if (bytes < 1u << TLSF_SMALL_LOG2)
		return bytes;

	u32 step = 1u << (31 - (unsigned)__builtin_clz(bytes) - TLSF_LISTS_LOG2);

	return ALIGN_UP(bytes, step);
}

static void insert(struct tlsf *t, struct block *b)
{
	struct place p = place_of(b->size);
	struct block **head = &t->lists[p.level][p.list];

	block_mark(b, MARK_FREE);
	b->prev_free = NULL;
	b->next_free = *head;
	if (*head)
		(*head)->prev_free = b;
	*head = b;
	t->levels_filled |= 1u << p.level;
	t->lists_filled[p.level] |= 1u << p.list;
}

static void take_out(struct tlsf *t, struct block *b)
{
	struct place p = place_of(b->size);

	if (b->next_free)
		b->next_free->prev_free = b->prev_free;
	if (b->prev_free) {
		b->prev_free->next_free = b->next_free;
		return;
	}
	t->lists[p.level][p.list] = b->next_free;
	if (b->next_free)
		return;
	t->lists_filled[p.level] &= ~(1u << p.list);
	if (!t->lists_filled[p.level])
		t->levels_filled &= ~(1u << p.level);
}

/* A free block of at least @p bytes, still in its list, or NULL. */
static struct block *find(struct tlsf *t, u32 bytes)
{
	struct place p = place_of(tlsf_round(bytes));
	u32 fit = t->lists_filled[p.level] & ~0u << p.list;

	if (!fit) {
		u32 higher = t->levels_filled & ~1u << p.level;

		if (!higher)
			return NULL;
		p.level = (unsigned)__builtin_ctz(higher);
		fit = t->lists_filled[p.level];
	}
	return t->lists[p.level][__builtin_ctz(fit)];
}

/* Cuts what @p b has beyond @p bytes off as a free block, when it can hold one. */
static void split(struct tlsf *t, struct block *b, u32 bytes)
{
	u32 rest = b->size - bytes;

	if (rest < HEADER_BYTES + UNIT_BYTES)
		return;
	b->size = bytes;

	struct block *r = block_after(b);

	r->prev = bytes;
	r->size = rest - (u32)HEADER_BYTES;
	r->owner = b->owner;
	block_after(r)->prev = r->size;
	insert(t, r);
}

/* Adds @p b, right behind @p a, to a. Both are in no list. */
static struct block *join(struct block *a, struct block *b)
{
	a->size += (u32)HEADER_BYTES + b->size;
	block_mark(b, MARK_JOINED);
	block_after(a)->prev = a->size;
	return a;
}

struct block *tlsf_format(void *pool, u32 bytes)
{
	struct block *b = pool, *end;

	b->prev = PREV_NONE;
	b->size = bytes - (u32)TLSF_POOL_OVERHEAD_BYTES;
	b->owner = 0;
	end = block_after(b);
	end->prev = b->size;
	end->size = end->owner = 0;
	block_mark(end, MARK_END);
	return b;
}

struct block *tlsf_add(struct tlsf *t, void *pool, u32 bytes)
{
	struct block *b = tlsf_format(pool, bytes);

	insert(t, b);
	return b;
}

void tlsf_remove(struct tlsf *t, struct block *b)
{
	take_out(t, b);
}

struct block *tlsf_take(struct tlsf *t, u32 bytes, u32 mark)
{
	struct block *b = find(t, bytes);

	if (!b)
		return NULL;
	if (!block_is(b, MARK_FREE))
		misuse_free_overwritten(b);
	take_out(t, b);
	split(t, b, bytes);
	block_mark(b, mark);
	return b;
}

struct block *tlsf_give(struct tlsf *t, struct block *b)
{
	struct block *next = block_after(b);
	u32 freed_by = b->owner;

	if (block_is(next, MARK_FREE)) {
		take_out(t, next);
		join(b, next);
	}
	if (b->prev != PREV_NONE) {
		struct block *before = (struct block *)((u8 *)b - b->prev - HEADER_BYTES);

		if (block_is(before, MARK_FREE)) {
			take_out(t, before);
			b = join(before, b);
		}
	}
	b->owner = freed_by;
	insert(t, b);
	return b;
}

bool tlsf_is_pool(const struct block *b)
{
	return b->prev == PREV_NONE && block_is(block_after(b), MARK_END);
}
