#include "mm/page.h"
#include "base/list.h"
#include "base/panic.h"
#include "base/string.h"
#include "sync/spin.h"

#define RANGES_MAX 32
#define PAGE_LOG2  12
#define ORDERS     (PAGE_ORDER_MAX + 1)

/* State of a page: the first of a block says so and gives the order; the others are INSIDE. */
#define INSIDE 0x00
#define FREE   0x40
#define USED   0x80

struct range {
	uptr base;
	usize pages; /* the state bytes' own pages included, which stay INSIDE for ever */
	u8 *state;
};

static struct spin page_lock = SPIN_INIT;
static struct range ranges[RANGES_MAX] VAR_GUARDED_BY(page_lock);
static unsigned range_count VAR_GUARDED_BY(page_lock);
static struct list free_blocks[ORDERS] VAR_GUARDED_BY(page_lock);
static u64 free_bytes VAR_GUARDED_BY(page_lock), total_bytes VAR_GUARDED_BY(page_lock);

static uptr block_bytes(unsigned order)
{
	return (uptr)PAGE_BYTES << order;
}

static u8 *state_of(const struct range *r, uptr block)
{
	return &r->state[(block - r->base) / PAGE_BYTES];
}

static struct range *range_of(uptr p) REQUIRES(page_lock)
{
	for (unsigned i = 0; i < range_count; i++)
		if (p - ranges[i].base < ranges[i].pages * PAGE_BYTES)
			return &ranges[i];
	return NULL;
}

static void put_free(struct range *r, uptr block, unsigned order) REQUIRES(page_lock)
{
	*state_of(r, block) = (u8)(FREE | order);
	list_add_head(&free_blocks[order], (struct list *)block);
	free_bytes += block_bytes(order);
}

static void take_free(struct range *r, uptr block, unsigned order) REQUIRES(page_lock)
{
	*state_of(r, block) = INSIDE;
	list_del((struct list *)block);
	free_bytes -= block_bytes(order);
}

/* True when the block of this order at p lies in r behind its state bytes. */
static bool fits(const struct range *r, uptr p, unsigned order)
{
	uptr begin = p - r->base, bytes = r->pages * PAGE_BYTES;

	return begin < bytes && block_bytes(order) <= bytes - begin;
}

/* Frees the pages [p, end) of r as the fewest aligned blocks. */
static void free_span(struct range *r, uptr p, uptr end) REQUIRES(page_lock)
{
	while (p < end) {
		unsigned order = PAGE_ORDER_MAX;

		while (p % block_bytes(order) || block_bytes(order) > end - p)
			order--;
		put_free(r, p, order);
		p += block_bytes(order);
	}
}

void page_add(u64 base, u64 bytes)
{
	uptr begin = ALIGN_UP((uptr)MAX(base, PAGE_BYTES), PAGE_BYTES);
	uptr end = ALIGN_DOWN((uptr)(base + bytes), PAGE_BYTES);

	if (end <= begin)
		return;

	usize pages = (end - begin) / PAGE_BYTES;
	usize state_bytes = ALIGN_UP(pages, PAGE_BYTES);
	bool irqs = spin_lock(&page_lock);

	for (unsigned i = 0; i < ORDERS && !range_count; i++)
		list_init(&free_blocks[i]);
	if (range_count < RANGES_MAX && state_bytes < end - begin) {
		struct range *r = &ranges[range_count++];

		*r = (struct range){begin, pages, (u8 *)begin};
		memset(r->state, INSIDE, pages);
		free_span(r, begin + state_bytes, end);
		total_bytes += end - begin - state_bytes;
	}
	spin_unlock(&page_lock, irqs);
}

static uptr alloc_locked(unsigned order) REQUIRES(page_lock)
{
	unsigned found = order;

	if (!range_count)
		return 0;
	while (found < ORDERS && list_empty(&free_blocks[found]))
		found++;
	if (found >= ORDERS)
		return 0;

	uptr block = (uptr)list_first(&free_blocks[found]);
	struct range *r = range_of(block);

	take_free(r, block, found);
	while (found > order) {
		found--;
		put_free(r, block + block_bytes(found), found);
	}
	*state_of(r, block) = (u8)(USED | order);
	arch_memory_usable((void *)block, block_bytes(order));
	return block;
}

void *page_alloc(unsigned order)
{
	bool irqs = spin_lock(&page_lock);
	uptr block = alloc_locked(order);

	spin_unlock(&page_lock, irqs);
	return (void *)block;
}

static void free_locked(uptr block, unsigned order) REQUIRES(page_lock)
{
	struct range *r = range_of(block);

	if (!r || order > PAGE_ORDER_MAX || block % PAGE_BYTES ||
	    *state_of(r, block) != (USED | order))
		panic("page_free(%p, %u): no such block is allocated", (void *)block, order);
	*state_of(r, block) = INSIDE;
	arch_memory_given((void *)block, block_bytes(order));
	for (; order < PAGE_ORDER_MAX; order++) {
		uptr buddy = block ^ block_bytes(order);

		if (!fits(r, buddy, order) || *state_of(r, buddy) != (FREE | order))
			break;
		take_free(r, buddy, order);
		block = MIN(block, buddy);
	}
	put_free(r, block, order);
}

void page_free(void *p, unsigned order)
{
	bool irqs = spin_lock(&page_lock);

	free_locked((uptr)p, order);
	spin_unlock(&page_lock, irqs);
}

/* Makes one block that is in use several, each aligned to its size. */
static void cut_locked(uptr p, unsigned order, usize bytes) REQUIRES(page_lock)
{
	struct range *r = range_of(p);

	while (bytes < block_bytes(order)) {
		order--;
		*state_of(r, p + block_bytes(order)) = (u8)(USED | order);
		*state_of(r, p) = (u8)(USED | order);
		if (bytes <= block_bytes(order)) {
			free_locked(p + block_bytes(order), order);
		} else {
			p += block_bytes(order);
			bytes -= block_bytes(order);
		}
	}
}

void *pages_alloc(usize n, u64 keep)
{
	unsigned order = page_order(n * PAGE_BYTES);
	bool irqs = spin_lock(&page_lock);
	bool enough = keep <= free_bytes && n * PAGE_BYTES <= free_bytes - keep;
	uptr block = enough ? alloc_locked(order) : 0;

	if (block)
		cut_locked(block, order, n * PAGE_BYTES);
	spin_unlock(&page_lock, irqs);
	return (void *)block;
}

void pages_free(void *p, usize n)
{
	uptr block = (uptr)p;
	usize bytes = n * PAGE_BYTES;
	bool irqs = spin_lock(&page_lock);

	/* As they were cut: the largest first. */
	while (bytes) {
		unsigned order = 63 - (unsigned)__builtin_clzll(bytes) - PAGE_LOG2;

		free_locked(block, order);
		block += block_bytes(order);
		bytes -= block_bytes(order);
	}
	spin_unlock(&page_lock, irqs);
}

bool page_managed(uptr p)
{
	return SPIN_READ(&page_lock, range_of(p) != NULL);
}

u64 page_free_bytes(void)
{
	return SPIN_READ(&page_lock, free_bytes);
}

u64 page_total_bytes(void)
{
	return SPIN_READ(&page_lock, total_bytes);
}
