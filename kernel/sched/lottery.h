/*
 * lottery.h: what a queue of the lottery is, for its tests. Context and locks as in sched.h.
 */
#pragma once

#include "sched/ordered.h"

struct lottery {
	struct ordered runners; /* first, and by finish */
	u64 now;		/* the last winner's finish; no one's is less */
	u64 random;
};
