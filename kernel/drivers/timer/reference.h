/*
 * reference.h: a counter of known rate, which other clocks are measured against.
 */
#pragma once

#include "base/types.h"

struct reference {
	const char *name;
	u64 hz;
	u32 mask; /* the counter's width: differences are taken modulo mask + 1 */
	u32 (*read)(void);
};

/** True when the counter moves within a few thousand reads. */
static inline bool reference_moves(const struct reference *r)
{
	u32 begin = r->read();

	for (unsigned n = 0; n < 10000; n++) {
		if (r->read() != begin)
			return true;
	}
	return false;
}
