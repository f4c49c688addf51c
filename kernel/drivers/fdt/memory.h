/*
 * memory.h: the RAM that the device tree says is there, and what it keeps back. No allocation, no
 * locks. Context: start-up.
 */
#pragma once

#include "drivers/fdt/fdt.h"
#include "mm/ranges.h"

/** Adds every "memory" node of @p f that is in use, below @p top. */
void fdt_memory(const struct fdt *f, struct ranges *l, u64 top);

/** Cuts the reservation block, the children of /reserved-memory and the blob itself out. */
void fdt_cut_reserved(const struct fdt *f, struct ranges *l);
