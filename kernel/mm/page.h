/*
 * page.h: the page allocator: a binary buddy system (Knuth, The Art of Computer Programming
 * vol. 1, 2.5). Blocks are 2^order pages of 4 KiB, aligned to their size. Each range of RAM
 * carries one byte of state for each of its pages at its own start; free blocks are linked
 * through their own memory.
 *
 * Context: any, with or without interrupts; one spin lock, in which it takes O(orders) steps.
 * Freeing what is not allocated, with another order or twice, panics.
 */
#pragma once

#include "base/types.h"

#define PAGE_BYTES     4096u
#define PAGE_ORDER_MAX 18 /* 1 GiB */

/**
 * Gives a range of RAM to the allocator, for ever. It must be mapped and writable, in particular
 * its first 1/4096 and the start of each largest block in it; page 0 is left out. Ranges too
 * small to use are ignored, and so is what comes after 32 ranges. Context: start-up.
 */
void page_add(u64 base, u64 bytes);

/** 2^order pages, not zeroed; NULL when there is no such block or order > PAGE_ORDER_MAX. */
void *page_alloc(unsigned order);

/** Gives back what page_alloc(order) returned. */
void page_free(void *p, unsigned order);

/** @p n pages in a row, n from 1 to 2^PAGE_ORDER_MAX: the rest of the block in which they lie stays
 *  free. NULL when there is no such block, or fewer than @p keep bytes would be left free. */
void *pages_alloc(usize n, u64 keep);

/** Gives back what pages_alloc(n) returned. */
void pages_free(void *p, usize n);

/** Bytes in free blocks now, and bytes that the allocator manages in all. */
u64 page_free_bytes(void);
u64 page_total_bytes(void);

/** True when @p p lies in a range of page_add. */
bool page_managed(uptr p);

/** The least order whose block holds @p bytes. */
static inline unsigned page_order(usize bytes)
{
	unsigned order = 0;

	while (((usize)PAGE_BYTES << order) < bytes)
		order++;
	return order;
}
