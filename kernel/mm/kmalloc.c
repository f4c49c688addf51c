#include "mm/kmalloc.h"
#include "base/panic.h"
#include "base/string.h"
#include "mm/page.h"
#include "sync/spin.h"

/*
 * A block is a header and its payload; blocks of a pool follow each other without gaps up to an
 * end mark, a header in use with payload 0. Free blocks are linked in lists by size: the first
 * level halves sizes by powers of two, the second cuts each of those in LISTS equal steps.
 * Sizes are payload bytes, multiples of UNIT.
 */
#define UNIT       KMALLOC_ALIGN_BYTES
#define LISTS_LOG2 4
#define LISTS      (1u << LISTS_LOG2)
#define SMALL_LOG2 8 /* below 256 bytes the lists hold one size each */
#define LEVELS     (32 - SMALL_LOG2 + 1)
#define POOL_ORDER 6 /* 256 KiB, the step in which the heap grows */

/* A header's mark depends on its place, so that a copied or stale header does not pass. */
#define MARK_USED 0x75736564u
#define MARK_FREE 0x66726565u

struct block {
	struct block *prev; /* neighbour before it in the pool, NULL at the begin */
	u32 bytes;          /* of the payload */
	u32 mark;
	/* The payload begins here; in a free block it holds these: */
	struct block *next_free, *prev_free;
};
#define HEADER_BYTES offsetof(struct block, next_free)
_Static_assert(HEADER_BYTES == UNIT, "payloads are aligned when headers are");
_Static_assert(sizeof(struct block) - HEADER_BYTES <= UNIT, "links fit in the least payload");

static struct spin heap_lock = SPIN_INIT;
static u32 levels_filled VAR_GUARDED_BY(heap_lock);        /* bit l: lists_filled[l] != 0 */
static u32 lists_filled[LEVELS] VAR_GUARDED_BY(heap_lock); /* bit i: lists[l][i] != NULL */
static struct block *lists[LEVELS][LISTS] VAR_GUARDED_BY(heap_lock);
static struct kmalloc_stats stats VAR_GUARDED_BY(heap_lock);

struct place {
	unsigned level, list;
};

/* The list that holds blocks of this size. */
static struct place place_of(u32 bytes)
{
	if (bytes < 1u << SMALL_LOG2)
		return (struct place){0, bytes / UNIT};

	unsigned log2 = 31 - (unsigned)__builtin_clz(bytes);

	return (struct place){log2 - SMALL_LOG2 + 1, (bytes >> (log2 - LISTS_LOG2)) - LISTS};
}

/* The least size whose list, and every later one, holds only blocks of at least @p bytes. */
static u32 round_to_list(u32 bytes)
{
	if (bytes < 1u << SMALL_LOG2)
		return bytes;

	u32 step = 1u << (31 - (unsigned)__builtin_clz(bytes) - LISTS_LOG2);

	return ALIGN_UP(bytes, step);
}

static u32 mark_at(const struct block *b, u32 mark)
{
	return mark ^ (u32)((uptr)b / UNIT);
}

static void mark(struct block *b, u32 kind)
{
	b->mark = mark_at(b, kind);
}

static bool is_free(const struct block *b)
{
	return b->mark == mark_at(b, MARK_FREE);
}

static struct block *after(struct block *b)
{
	return (struct block *)((u8 *)b + HEADER_BYTES + b->bytes);
}

static void insert(struct block *b) REQUIRES(heap_lock)
{
	struct place p = place_of(b->bytes);
	struct block **head = &lists[p.level][p.list];

	mark(b, MARK_FREE);
	b->prev_free = NULL;
	b->next_free = *head;
	if (*head)
		(*head)->prev_free = b;
	*head = b;
	levels_filled |= 1u << p.level;
	lists_filled[p.level] |= 1u << p.list;
}

static void take_out(struct block *b) REQUIRES(heap_lock)
{
	struct place p = place_of(b->bytes);

	if (b->next_free)
		b->next_free->prev_free = b->prev_free;
	if (b->prev_free) {
		b->prev_free->next_free = b->next_free;
		return;
	}
	lists[p.level][p.list] = b->next_free;
	if (b->next_free)
		return;
	lists_filled[p.level] &= ~(1u << p.list);
	if (!lists_filled[p.level])
		levels_filled &= ~(1u << p.level);
}

/* A free block of at least @p bytes, still in its list, or NULL. */
static struct block *find(u32 bytes) REQUIRES(heap_lock)
{
	struct place p = place_of(round_to_list(bytes));
	u32 fit = lists_filled[p.level] & ~0u << p.list;

	if (!fit) {
		u32 higher = levels_filled & ~1u << p.level;

		if (!higher)
			return NULL;
		p.level = (unsigned)__builtin_ctz(higher);
		fit = lists_filled[p.level];
	}
	return lists[p.level][__builtin_ctz(fit)];
}

/* Takes pages for a block of at least @p bytes: a big step, or as much as there is. */
static bool grow(u32 bytes) REQUIRES(heap_lock)
{
	unsigned least = page_order(round_to_list(bytes) + 2 * HEADER_BYTES);
	unsigned order = MAX(least, POOL_ORDER);
	u8 *pool;

	while (!(pool = page_alloc(order))) {
		if (order-- == least)
			return false;
	}

	usize pool_bytes = (usize)PAGE_BYTES << order;
	struct block *b = (struct block *)pool;

	b->prev = NULL;
	b->bytes = (u32)(pool_bytes - 2 * HEADER_BYTES);
	after(b)->prev = b;
	after(b)->bytes = 0;
	mark(after(b), MARK_USED);
	insert(b);
	stats.pool_bytes += pool_bytes;
	return true;
}

/* Cuts what @p b has beyond @p bytes off as a free block, when it can hold one. */
static void split(struct block *b, u32 bytes) REQUIRES(heap_lock)
{
	u32 rest = b->bytes - bytes;

	if (rest < HEADER_BYTES + UNIT)
		return;
	b->bytes = bytes;

	struct block *r = after(b);

	r->prev = b;
	r->bytes = rest - (u32)HEADER_BYTES;
	after(r)->prev = r;
	insert(r);
}

static struct block *alloc_locked(u32 bytes) REQUIRES(heap_lock)
{
	struct block *b = find(bytes);

	if (!b && grow(bytes))
		b = find(bytes);
	if (!b)
		return NULL;
	if (!is_free(b))
		panic("heap: free block %p was overwritten", (void *)b);
	take_out(b);
	split(b, bytes);
	mark(b, MARK_USED);
	stats.blocks++;
	stats.used_bytes += HEADER_BYTES + b->bytes;
	stats.peak_bytes = MAX(stats.peak_bytes, stats.used_bytes);
	return b;
}

void *kmalloc(usize bytes)
{
	struct block *b = NULL;
	bool irqs = spin_lock(&heap_lock);

	if (bytes <= KMALLOC_MAX_BYTES)
		b = alloc_locked((u32)ALIGN_UP(MAX(bytes, 1u), UNIT));
	if (!b)
		stats.failures++;
	spin_unlock(&heap_lock, irqs);
	return b ? (u8 *)b + HEADER_BYTES : NULL;
}

void *kzalloc(usize bytes)
{
	void *p = kmalloc(bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

static void check_used(struct block *b)
{
	if ((uptr)b % UNIT == 0 && b->mark == mark_at(b, MARK_USED) && after(b)->prev == b &&
	    (is_free(after(b)) || after(b)->mark == mark_at(after(b), MARK_USED)))
		return;
	if ((uptr)b % UNIT == 0 && is_free(b))
		panic("kfree(%p): already free", (void *)((u8 *)b + HEADER_BYTES));
	panic("kfree(%p): not a block of the heap, or written past its end",
	      (void *)((u8 *)b + HEADER_BYTES));
}

/* Adds @p b, right behind @p a, to a. */
static struct block *join(struct block *a, struct block *b)
{
	a->bytes += (u32)HEADER_BYTES + b->bytes;
	b->mark = 0;
	after(a)->prev = a;
	return a;
}

void kfree(void *p)
{
	if (!p)
		return;

	struct block *b = (struct block *)((u8 *)p - HEADER_BYTES);
	bool irqs = spin_lock(&heap_lock);

	check_used(b);
	stats.blocks--;
	stats.used_bytes -= HEADER_BYTES + b->bytes;
	/* Not in use from here on, also when a neighbour takes it in. */
	mark(b, MARK_FREE);
	if (is_free(after(b))) {
		take_out(after(b));
		join(b, after(b));
	}
	if (b->prev && is_free(b->prev)) {
		take_out(b->prev);
		b = join(b->prev, b);
	}
	insert(b);
	spin_unlock(&heap_lock, irqs);
}

struct kmalloc_stats kmalloc_stats(void)
{
	bool irqs = spin_lock(&heap_lock);
	struct kmalloc_stats s = stats;

	spin_unlock(&heap_lock, irqs);
	return s;
}
