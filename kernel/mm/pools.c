#include "mm/pools.h"
#include "mm/arena.h"
#include "mm/page.h"

#define POOL_BYTES        KIB(256)
#define LARGE_BYTES       KIB(64)
#define RESERVE_SHARE     32 /* of all pages, ... */
#define RESERVE_BYTES_MIN MIB(1)
#define RESERVE_BYTES_MAX MIB(64)

static u64 reserve_bytes; /* constant after start-up */

void pools_reserve(struct pools *p)
{
	u64 share = page_total_bytes() / RESERVE_SHARE;

	reserve_bytes =
		ALIGN_DOWN(MIN(MAX(share, RESERVE_BYTES_MIN), RESERVE_BYTES_MAX), PAGE_BYTES);
	p->kernels = true;
}

u64 heap_reserve_bytes(void)
{
	return reserve_bytes;
}

static u64 bytes_to_keep(const struct pools *p)
{
	const struct arena *a = arena_current();

	return p->kernels && (!a || a->service) ? 0 : reserve_bytes;
}

static void count(struct pools *p, const struct block *b, u64 one)
{
	p->stats.blocks += one;
	p->stats.used_bytes += one * (HEADER_BYTES + b->size);
	p->stats.peak_bytes = MAX(p->stats.peak_bytes, p->stats.used_bytes);
}

/* The pages of a pool whose one block has @p bytes. */
static usize pool_of(usize bytes)
{
	return ALIGN_UP(bytes + TLSF_POOL_OVERHEAD_BYTES, PAGE_BYTES);
}

static void *get_pages(struct pools *p, usize bytes)
{
	void *pages = pages_alloc(bytes / PAGE_BYTES, bytes_to_keep(p));

	p->stats.pool_bytes += pages ? bytes : 0;
	return pages;
}

static bool grow(struct pools *p, u32 bytes)
{
	usize pool_bytes = POOL_BYTES;
	void *pool = get_pages(p, pool_bytes);

	if (!pool) {
		pool_bytes = pool_of(tlsf_round(bytes));
		pool = get_pages(p, pool_bytes);
	}
	if (pool)
		tlsf_add(&p->tlsf, pool, (u32)pool_bytes);
	return pool != NULL;
}

/* Gives the pages back on which @p b stands, which is all that its pool has. */
static void shrink(struct pools *p, struct block *b)
{
	usize bytes = pool_of(b->size);

	p->stats.pool_bytes -= bytes;
	pages_free(b, bytes / PAGE_BYTES);
}

static struct block *take_large(struct pools *p, u32 bytes)
{
	void *pages = get_pages(p, pool_of(bytes));

	return pages ? tlsf_format(pages, bytes + (u32)TLSF_POOL_OVERHEAD_BYTES) : NULL;
}

struct block *pools_take(struct pools *p, u32 bytes)
{
	struct block *b;

	if (unlikely(bytes > LARGE_BYTES)) {
		b = take_large(p, bytes);
	} else {
		b = tlsf_take(&p->tlsf, bytes, MARK_CACHED);
		if (unlikely(!b) && grow(p, bytes))
			b = tlsf_take(&p->tlsf, bytes, MARK_CACHED);
	}
	if (b)
		count(p, b, 1);
	return b;
}

/* A pool stays when it is about all that is free: else a block that comes and goes, and just does
 * not fit into what is in use, would carry pages to and fro. */
void pools_give(struct pools *p, struct block *b)
{
	count(p, b, (u64)-1);
	if (unlikely(b->size > LARGE_BYTES)) {
		shrink(p, b);
		return;
	}
	b = tlsf_give(&p->tlsf, b);
	if (unlikely(tlsf_is_pool(b)) &&
	    p->stats.pool_bytes - p->stats.used_bytes - pool_of(b->size) >= POOL_BYTES) {
		tlsf_remove(&p->tlsf, b);
		shrink(p, b);
	}
}
