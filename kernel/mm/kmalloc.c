#include "mm/kmalloc.h"
#include "base/panic.h"
#include "base/string.h"
#include "base/words.h"
#include "core/cpu.h"
#include "mm/arena.h"
#include "mm/magazine.h"
#include "mm/misuse.h"
#include "mm/page.h"
#include "mm/tlsf.h"
#include "sync/spin.h"

#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))

#define POOL_BYTES        KIB(256) /* the step in which a heap grows */
#define LARGE_BYTES       KIB(64)  /* a block of more has pages of its own */
#define RESERVE_SHARE     32       /* of all pages, ... */
#define RESERVE_BYTES_MIN MIB(1)
#define RESERVE_BYTES_MAX MIB(64)

static struct pools {
	struct spin lock;
	struct tlsf tlsf GUARDED_BY(lock);
	struct depot depots[MAGAZINE_SIZES] GUARDED_BY(lock);
	struct kmalloc_stats stats GUARDED_BY(lock); /* cached blocks count as used */
	_Atomic u64 failures;                        /* relaxed: a counter */
} CACHE_ALIGNED heaps[HEAPS];

static struct cache caches[CPUS_MAX][HEAPS][MAGAZINE_SIZES] CACHE_ALIGNED;

/* Written by kmalloc_init only. */
static bool magazines;
static usize reserve_bytes;

/* Requests up to this size try the own magazine before all else: MAGAZINE_MAX_BYTES, or 0 while
 * there are none, or an allocation is to fail and so all must be counted. relaxed, as are the
 * other two: whoever lets an allocation fail knows which one by other means. */
static _Atomic usize short_way_bytes;
static _Atomic u64 fail_countdown;
static _Atomic uptr failed_at;

/* This CPU's, interrupts masked. */
static inline struct cache *cache_of(enum heap_kind kind, usize bytes)
{
	return &caches[arch_cpu()->id][kind][bytes / UNIT_BYTES - 1];
}

/* Where arch.h says so, memory that was released is filled, and must be so still when it is
 * handed out again; all but the links at its begin, and of large blocks only the begin. */
static void poison(struct block *b, bool check)
{
	u32 bytes = MIN(b->size, MAGAZINE_MAX_BYTES) - UNIT_BYTES;
	const u64 *word = (u64 *)(b + 1);

	if (!ARCH_POISON)
		return;
	if (!check)
		memset(b + 1, (u8)POISON, bytes);
	for (u32 i = 0; check && i < bytes / 8; i++) {
		if (word[i] != POISON)
			misuse_free_overwritten(b);
	}
}

static inline void *hand_out(struct block *b, enum heap_kind kind, u32 bytes, u32 slack, uptr owner)
{
	b->owner = (u32)owner;
	block_set_slack(b, bytes, slack);
	block_mark(b, MARK_USED + kind);
	return block_payload(b);
}

static void count(struct pools *h, struct block *b, u64 one) REQUIRES(h->lock)
{
	h->stats.blocks += one;
	h->stats.used_bytes += one * (HEADER_BYTES + b->size);
	h->stats.peak_bytes = MAX(h->stats.peak_bytes, h->stats.used_bytes);
}

/* What the heap must leave of the pages: a task's own errands do not touch the reserve. */
static usize bytes_to_keep(const struct pools *h)
{
	const struct arena *a = arena_current();

	return h == &heaps[HEAP_KERNEL] && (!a || a->service) ? 0 : reserve_bytes;
}

static void *get_pages(struct pools *h, usize bytes) REQUIRES(h->lock)
{
	void *pages = pages_alloc(bytes / PAGE_BYTES, bytes_to_keep(h));

	h->stats.pool_bytes += pages ? bytes : 0;
	return pages;
}

/* The pages of a pool whose one block has @p bytes. */
static usize pool_of(usize bytes)
{
	return ALIGN_UP(bytes + TLSF_POOL_OVERHEAD_BYTES, PAGE_BYTES);
}

/* Takes pages for a block of at least @p bytes: a big step, or as much as it takes. */
static NOINLINE bool grow(struct pools *h, u32 bytes) REQUIRES(h->lock)
{
	usize pool_bytes = POOL_BYTES;
	void *pool = get_pages(h, pool_bytes);

	if (!pool) {
		pool_bytes = pool_of(tlsf_round(bytes));
		pool = get_pages(h, pool_bytes);
	}
	if (pool)
		tlsf_add(&h->tlsf, pool, (u32)pool_bytes);
	return pool != NULL;
}

/* Gives the pages back on which @p b stands, which is all that its pool has. */
static void shrink(struct pools *h, struct block *b) REQUIRES(h->lock)
{
	usize bytes = pool_of(b->size);

	h->stats.pool_bytes -= bytes;
	pages_free(b, bytes / PAGE_BYTES);
}

/* A pool that is wholly free goes back, unless it is about all that is free in this heap. */
static void give_locked(struct pools *h, struct block *b) REQUIRES(h->lock)
{
	count(h, b, (u64)-1);
	if (b->size > LARGE_BYTES) {
		shrink(h, b);
		return;
	}
	b = tlsf_give(&h->tlsf, b);
	if (tlsf_is_pool(b) &&
	    h->stats.pool_bytes - h->stats.used_bytes - pool_of(b->size) >= POOL_BYTES) {
		tlsf_remove(&h->tlsf, b);
		shrink(h, b);
	}
}

static NOINLINE struct block *take_large(struct pools *h, u32 bytes) REQUIRES(h->lock)
{
	void *pages = get_pages(h, pool_of(bytes));

	return pages ? tlsf_format(pages, bytes + (u32)TLSF_POOL_OVERHEAD_BYTES) : NULL;
}

static struct block *take_small(struct pools *h, u32 bytes) REQUIRES(h->lock)
{
	struct block *b = tlsf_take(&h->tlsf, bytes, MARK_CACHED);

	if (!b && grow(h, bytes))
		b = tlsf_take(&h->tlsf, bytes, MARK_CACHED);
	return b;
}

/* The block to hand out, still counted and marked as cached, or NULL. */
static struct block *take_locked(struct pools *h, enum heap_kind kind, u32 bytes) REQUIRES(h->lock)
{
	struct block *b = NULL;

	if (magazines && bytes <= MAGAZINE_MAX_BYTES) {
		struct cache *c = cache_of(kind, bytes);

		b = magazine_pop(&c->loaded);
		if (!b)
			b = cache_reload(c, &h->depots[bytes / UNIT_BYTES - 1]);
		if (b)
			return b;
	}
	b = bytes > LARGE_BYTES ? take_large(h, bytes) : take_small(h, bytes);
	if (b)
		count(h, b, 1);
	return b;
}

/* Gives one block out of this CPU's magazines or the depot back to the pools. */
static bool give_back_one(enum heap_kind kind, u32 bytes)
{
	struct pools *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);
	struct cache *c = cache_of(kind, bytes);
	struct block *b = magazine_pop(&c->loaded);

	if (!b)
		b = cache_reload(c, &h->depots[bytes / UNIT_BYTES - 1]);
	if (b)
		give_locked(h, b);
	spin_unlock(&h->lock, irqs);
	return b != NULL;
}

/* Of both heaps: the pages that it frees are for either. */
static bool give_back_cached(void)
{
	bool any = false;

	for (u32 i = 0; i < HEAPS * MAGAZINE_SIZES; i++) {
		while (give_back_one(i % HEAPS, (i / HEAPS + 1) * UNIT_BYTES))
			any = true;
	}
	return any;
}

static void short_way_set(void)
{
	bool all_counted = atomic_load_explicit(&fail_countdown, memory_order_relaxed) > 0;

	atomic_store_explicit(&short_way_bytes, magazines && !all_counted ? MAGAZINE_MAX_BYTES : 0,
			      memory_order_relaxed);
}

static bool to_fail(uptr site)
{
	u64 n = atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	while (n && !atomic_compare_exchange_weak_explicit(
			    &fail_countdown, &n, n - 1, memory_order_relaxed, memory_order_relaxed))
		;
	if (n != 1)
		return false;
	atomic_store_explicit(&failed_at, site, memory_order_relaxed);
	short_way_set();
	return true;
}

static struct block *take(enum heap_kind kind, u32 bytes)
{
	struct pools *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);
	struct block *b = take_locked(h, kind, bytes);

	h->stats.locked++;
	spin_unlock(&h->lock, irqs);
	return b;
}

static NOINLINE struct block *take_when_pages_are_short(enum heap_kind kind, u32 bytes)
{
	struct block *b = NULL;

	while (!b && give_back_cached())
		b = take(kind, bytes);
	return b;
}

static NOINLINE void *alloc_long_way(enum heap_kind kind, usize asked, uptr owner)
{
	u32 bytes = (u32)ALIGN_UP(MAX(asked, 1u), UNIT_BYTES);
	struct block *b = NULL;

	if (asked <= KMALLOC_MAX_BYTES && !to_fail(owner)) {
		b = take(kind, bytes);
		if (!b)
			b = take_when_pages_are_short(kind, bytes);
	}
	/* A block that could not be split has a unit more than it need. */
	if (b)
		return hand_out(b, kind, b->size, MIN(b->size - (u32)asked, UNIT_BYTES - 1), owner);
	atomic_fetch_add_explicit(&heaps[kind].failures, 1, memory_order_relaxed);
	return NULL;
}

static ALWAYS_INLINE void *alloc(enum heap_kind kind, usize asked, uptr owner)
{
	/* 0 is not below the limit either. */
	if (asked - 1 < atomic_load_explicit(&short_way_bytes, memory_order_relaxed)) {
		usize bytes = ALIGN_UP(asked, UNIT_BYTES);
		bool irqs = arch_irq_save();
		struct block *b = magazine_pop(&cache_of(kind, bytes)->loaded);

		arch_irq_restore(irqs);
		if (likely(b)) {
			if (unlikely(!block_is(b, MARK_CACHED)))
				misuse_free_overwritten(b);
			poison(b, true);
			return hand_out(b, kind, (u32)bytes, (u32)(bytes - asked), owner);
		}
	}
	return alloc_long_way(kind, asked, owner);
}

static NOINLINE void free_long_way(enum heap_kind kind, struct block *b)
{
	struct pools *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);

	h->stats.locked++;
	if (!magazines || b->size > MAGAZINE_MAX_BYTES ||
	    (!magazine_push(&cache_of(kind, b->size)->loaded, b) &&
	     !cache_unload(cache_of(kind, b->size), &h->depots[b->size / UNIT_BYTES - 1], b)))
		give_locked(h, b);
	spin_unlock(&h->lock, irqs);
}

static ALWAYS_INLINE void release(enum heap_kind kind, void *p, uptr owner, const char *call)
{
	struct block *b = block_of(p);

	if (unlikely(!block_good(b, MARK_USED + kind)))
		misuse_release(b, kind, call);
	b->size = block_bytes(b);
	b->owner = (u32)owner;
	block_mark(b, MARK_CACHED);
	poison(b, false);
	if (b->size <= atomic_load_explicit(&short_way_bytes, memory_order_relaxed)) {
		bool irqs = arch_irq_save();
		bool kept = magazine_push(&cache_of(kind, b->size)->loaded, b);

		arch_irq_restore(irqs);
		if (likely(kept))
			return;
	}
	free_long_way(kind, b);
}

void *kmalloc(usize bytes)
{
	return alloc(HEAP_KERNEL, bytes, (uptr)__builtin_return_address(0));
}

void *kzalloc(usize bytes)
{
	void *p = alloc(HEAP_KERNEL, bytes, (uptr)__builtin_return_address(0));

	return p ? memset(p, 0, bytes) : NULL;
}

void kfree(void *p)
{
	if (p)
		release(HEAP_KERNEL, p, (uptr)__builtin_return_address(0), "kfree");
}

void *heap_alloc(enum heap_kind kind, usize bytes, uptr owner)
{
	return alloc(kind, bytes, owner);
}

void heap_free(enum heap_kind kind, void *p, uptr owner)
{
	release(kind, p, owner, "heap_free");
}

static u64 cached_in(struct pools *h, enum heap_kind kind, unsigned size) REQUIRES(h->lock)
{
	u64 blocks = (u64)h->depots[size].magazines * MAGAZINE_BLOCKS;

	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		const struct cache *c = &caches[cpu][kind][size];

		blocks += magazine_count(&c->loaded) + magazine_count(&c->spare);
	}
	return blocks;
}

struct kmalloc_stats heap_stats(enum heap_kind kind)
{
	struct pools *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);
	struct kmalloc_stats s = h->stats;

	for (unsigned i = 0; i < MAGAZINE_SIZES; i++) {
		u64 blocks = cached_in(h, kind, i);

		s.blocks -= blocks;
		s.cached_bytes += blocks * (HEADER_BYTES + (i + 1) * UNIT_BYTES);
	}
	s.used_bytes -= s.cached_bytes;
	s.failures = atomic_load_explicit(&h->failures, memory_order_relaxed);
	spin_unlock(&h->lock, irqs);
	return s;
}

u64 heap_reserve_bytes(void)
{
	return reserve_bytes;
}

void kmalloc_fail_at(u64 k)
{
	atomic_store_explicit(&fail_countdown, k, memory_order_relaxed);
	short_way_set();
}

uptr kmalloc_failed_at(void)
{
	return atomic_load_explicit(&failed_at, memory_order_relaxed);
}

void kmalloc_init(const char *cmdline)
{
	u64 share = page_total_bytes() / RESERVE_SHARE, k = 0;
	char text[24];

	reserve_bytes =
		ALIGN_DOWN(MIN(MAX(share, RESERVE_BYTES_MIN), RESERVE_BYTES_MAX), PAGE_BYTES);
	magazines = true;
	if (words_find(cmdline, "heap", text, sizeof text)) {
		magazines = strcmp(text, "tlsf");
		if (magazines && strcmp(text, "slab"))
			panic("heap=%s: expected tlsf or slab", text);
	}
	if (words_find(cmdline, "fail_alloc", text, sizeof text) && parse_u64(text, &k))
		panic("fail_alloc=%s: expected a number", text);
	kmalloc_fail_at(k);
}
