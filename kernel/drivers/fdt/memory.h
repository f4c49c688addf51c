/*
 * memory.h: lists of RAM ranges as a board gathers them: what the device tree says is there,
 * without what it or the board keeps back. No allocation, no locks. Context: start-up.
 */
#pragma once

#include "arch/arch.h"
#include "drivers/fdt/fdt.h"

#define RANGES_MAX 16

struct ranges {
	struct mem_range r[RANGES_MAX];
	unsigned n;
};

/** Adds a range, without what lies above @p top; one that does not fit in the list is left out. */
void ranges_add(struct ranges *l, u64 base, u64 bytes, u64 top);

/** Takes [base, base + bytes) out of all ranges. When the list is full, more than that. */
void ranges_cut(struct ranges *l, u64 base, u64 bytes);

/** Adds every "memory" node of @p f that is in use, below @p top. */
void fdt_memory(const struct fdt *f, struct ranges *l, u64 top);

/** Cuts the reservation block, the children of /reserved-memory and the blob itself out. */
void fdt_cut_reserved(const struct fdt *f, struct ranges *l);
