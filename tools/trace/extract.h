/*
 * extract.h: from the rings in a machine's memory to a trace on disk.
 */
#pragma once

#include "base/types.h"

/**
 * Reads struct trace_descriptor at @p descriptor_phys and the rings it names, through @p read,
 * and writes the trace (`metadata`, `channel0_<cpu>`) into the folder @p out_dir, which is made
 * if need be. Packets come in order of their numbers; open ones are closed behind their last
 * whole record. @p read fills @p buf with @p bytes of memory from @p phys and returns 0, or
 * another number when there is no such memory.
 *
 * Returns 0; or -1 with one sentence in @p err. A ring that cannot be read, or packets in it that
 * are damaged, cost only themselves; @p err then says what was left out and the result is 1.
 * The machine must not record meanwhile.
 */
int trace_extract(const char *out_dir,
		  int (*read)(void *ctx, u64 phys, void *buf, size_t bytes), void *ctx,
		  u64 descriptor_phys, char *err, size_t err_bytes) MUST_CHECK;
