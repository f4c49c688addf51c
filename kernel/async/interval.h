/*
 * interval.h: ticks at even distances, for as long as the caller keeps up, and three ways to go on
 * when it did not. A tick is missed when the next one is due before it was taken.
 * Context: task. No locks of its own; nothing allocates.
 */
#pragma once

#include "async/sleep.h"

enum interval_missed {
	INTERVAL_BURST, /* missed ticks come at once, one after another; none is left out */
	INTERVAL_DELAY, /* the next comes one period after the late one; all later ones shift */
	INTERVAL_SKIP,  /* the next comes at the next time of the old grid; the rest are left out */
};

struct interval {
	struct awaitable aw;
	struct sleep sleep;
	u64 period_ns, next_ns;
	enum interval_missed missed;
	u64 due_ns; /* when the last tick was due; valid once it is ready */
};

/** The first tick is due at @p first_ns since boot, and then one every @p period_ns (at least 1).
 */
void interval_init(struct interval *i, u64 first_ns, u64 period_ns, enum interval_missed missed);

/** Ready at the next tick. Cancelled, it leaves the tick for the next call. */
struct awaitable *interval_tick(struct interval *i);
