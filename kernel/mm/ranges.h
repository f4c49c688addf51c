/*
 * ranges.h: lists of address ranges, as a board gathers them before there is an allocator. No
 * allocation, no locks. Context: start-up.
 */
#pragma once

#include "arch/arch.h"

#define RANGES_MAX 64

struct ranges {
	struct mem_range r[RANGES_MAX];
	unsigned n;
};

/** Adds a range, without what lies above @p top; one that does not fit in the list is left out. */
void ranges_add(struct ranges *l, u64 base, u64 bytes, u64 top);

/** Takes [base, base + bytes) out of all ranges. When the list is full, more than that. */
void ranges_cut(struct ranges *l, u64 base, u64 bytes);
