#include "mm/kmalloc.h"
#include "base/panic.h"
#include "base/string.h"
#include "core/cpu.h"
#include "mm/magazine.h"
#include "mm/misuse.h"
#include "mm/pools.h"
#include "sync/spin.h"

#define NOINLINE __attribute__((noinline))

static struct central {
	struct spin lock;
	struct pools pools GUARDED_BY(lock);
	struct depot depots[MAGAZINE_SIZES] GUARDED_BY(lock);
	u64 locked GUARDED_BY(lock);
	_Atomic u64 failures; /* relaxed: a counter */
} CACHE_ALIGNED heaps[HEAPS];

static struct cache caches[CPUS_MAX][HEAPS][MAGAZINE_SIZES] CACHE_ALIGNED;

static bool magazines; /* written by kmalloc_init only */

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

/* Where arch.h says so, memory that was released is filled, all but the links at its begin, and of
 * large blocks only the begin. */
static u32 poisoned_bytes(const struct block *b)
{
	return MIN(b->size, MAGAZINE_MAX_BYTES) - UNIT_BYTES;
}

static void check_cached(const struct block *b)
{
	if (unlikely(!block_is(b, MARK_CACHED)))
		misuse_free_overwritten(b);
	for (u32 i = 0; ARCH_POISON && i < poisoned_bytes(b) / 8; i++)
		if (((const u64 *)(b + 1))[i] != POISON)
			misuse_free_overwritten(b);
}

static inline void *hand_out(struct block *b, enum heap_kind kind, u32 bytes, u32 slack, uptr owner)
{
	b->owner = (u32)owner;
	block_set_slack(b, bytes, slack);
	block_mark(b, MARK_USED + kind);
	arch_memory_taken(block_payload(b), bytes, slack);
	return block_payload(b);
}

/* The block to hand out, still counted and marked as cached, or NULL. */
static struct block *take_locked(struct central *h, enum heap_kind kind, u32 bytes)
	REQUIRES(h->lock)
{
	struct block *b = NULL;

	if (magazines && bytes <= MAGAZINE_MAX_BYTES) {
		struct cache *c = cache_of(kind, bytes);

		b = magazine_pop(&c->loaded);
		if (!b)
			b = cache_reload(c, &h->depots[bytes / UNIT_BYTES - 1]);
		if (b)
			check_cached(b);
	}
	return b ? b : pools_take(&h->pools, bytes);
}

/* Gives one block out of this CPU's magazines or the depot back to the pools. */
static bool give_back_one(enum heap_kind kind, u32 bytes)
{
	struct central *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);
	struct cache *c = cache_of(kind, bytes);
	struct block *b = magazine_pop(&c->loaded);

	if (!b)
		b = cache_reload(c, &h->depots[bytes / UNIT_BYTES - 1]);
	if (b)
		pools_give(&h->pools, b);
	spin_unlock(&h->lock, irqs);
	return b != NULL;
}

/* Of both heaps: the pages that it frees are for either. */
static bool give_back_cached(void)
{
	bool any = false;

	for (u32 i = 0; i < HEAPS * MAGAZINE_SIZES; i++)
		while (give_back_one(i % HEAPS, (i / HEAPS + 1) * UNIT_BYTES))
			any = true;
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
	struct central *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);
	struct block *b = take_locked(h, kind, bytes);

	h->locked++;
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

ALWAYS_INLINE void *alloc(enum heap_kind kind, usize asked, uptr owner)
{
	/* 0 is not below the limit either. */
	if (asked - 1 < atomic_load_explicit(&short_way_bytes, memory_order_relaxed)) {
		usize bytes = ALIGN_UP(asked, UNIT_BYTES);
		bool irqs = arch_irq_save();
		struct block *b = magazine_pop(&cache_of(kind, bytes)->loaded);

		arch_irq_restore(irqs);
		if (likely(b)) {
			check_cached(b);
			return hand_out(b, kind, (u32)bytes, (u32)(bytes - asked), owner);
		}
	}
	return alloc_long_way(kind, asked, owner);
}

static NOINLINE void free_long_way(enum heap_kind kind, struct block *b)
{
	struct central *h = &heaps[kind];
	bool irqs = spin_lock(&h->lock);

	h->locked++;
	if (!magazines || b->size > MAGAZINE_MAX_BYTES ||
	    (!magazine_push(&cache_of(kind, b->size)->loaded, b) &&
	     !cache_unload(cache_of(kind, b->size), &h->depots[b->size / UNIT_BYTES - 1], b)))
		pools_give(&h->pools, b);
	spin_unlock(&h->lock, irqs);
}

ALWAYS_INLINE void release(enum heap_kind kind, void *p, uptr owner, const char *call)
{
	struct block *b = block_of(p);

	if (unlikely(!block_good(b, MARK_USED + kind)))
		misuse_release(b, kind, call);
	b->size = block_bytes(b);
	b->owner = (u32)owner;
	block_mark(b, MARK_CACHED);
	arch_memory_usable(b, HEADER_BYTES + b->size);
	if (ARCH_POISON)
		memset(b + 1, (u8)POISON, poisoned_bytes(b));
	arch_memory_given(b, HEADER_BYTES + b->size);
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

/* A section of its own for each size: one for all would keep interrupts masked for long. */
static u64 cached_in(struct central *h, enum heap_kind kind, unsigned size)
{
	bool irqs = spin_lock(&h->lock);
	u64 blocks = (u64)h->depots[size].magazines * MAGAZINE_BLOCKS;

	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		const struct cache *c = &caches[cpu][kind][size];

		blocks += magazine_count(&c->loaded) + magazine_count(&c->spare);
	}
	spin_unlock(&h->lock, irqs);
	return blocks;
}

struct kmalloc_stats heap_stats(enum heap_kind kind)
{
	struct central *h = &heaps[kind];
	u64 blocks = 0, bytes = 0;

	for (unsigned i = 0; i < MAGAZINE_SIZES; i++) {
		u64 cached = cached_in(h, kind, i);

		blocks += cached;
		bytes += cached * (HEADER_BYTES + (i + 1) * UNIT_BYTES);
	}

	bool irqs = spin_lock(&h->lock);
	struct kmalloc_stats s = h->pools.stats;

	s.blocks -= MIN(blocks, s.blocks); /* they may have moved meanwhile */
	s.cached_bytes = MIN(bytes, s.used_bytes);
	s.used_bytes -= s.cached_bytes;
	s.locked = h->locked;
	s.failures = atomic_load_explicit(&h->failures, memory_order_relaxed);
	spin_unlock(&h->lock, irqs);
	return s;
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

void kmalloc_init(bool with_magazines, u64 fail_at)
{
	pools_reserve(&heaps[HEAP_KERNEL].pools);
	magazines = with_magazines;
	kmalloc_fail_at(fail_at);
}
