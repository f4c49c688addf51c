/*
 * select.h: awaiting several things at once: whichever comes first, or a time limit. What was not
 * chosen is cancelled, and gives back what it was granted meanwhile. Both are awaitables and
 * compose: a select within a timeout within a select. Context: task. No locks; nothing allocates.
 *
 *	me->arms[0] = channel_receive(&me->op, &numbers, &me->number);
 *	me->arms[1] = event_wait(&me->stop, &stopping);
 *	AWAIT(me, select_fair(&me->select, me->arms, 2));
 *	if (me->select.index == 1)
 *		...
 */
#pragma once

#include "async/sleep.h"

/* All zero before its first use. */
struct select {
	struct awaitable aw;
	struct awaitable **arms;
	u32 count;
	u32 first; /* where the look begins */
	u32 index; /* the one that was ready */
};

/**
 * Ready when one of @p count (at least one) @p arms is; s->index says which. The look begins
 * behind the arm that @p s chose last, so that an arm which is always ready is chosen at least
 * every count-th time. @p arms, which may be changed between two uses, lives as long as @p s.
 */
struct awaitable *select_fair(struct select *s, struct awaitable **arms, u32 count);

/** The same, but of several that are ready the one that stands first in @p arms is chosen. */
struct awaitable *select_biased(struct select *s, struct awaitable **arms, u32 count);

struct timeout {
	struct select select; /* its awaitable is this one's */
	struct awaitable *arms[2];
	struct sleep sleep;
};

/** Ready when @p inner is, or @p ns from now, whichever comes first: timeout_status tells. With
 *  TIME_NEVER there is no limit. */
struct awaitable *timeout_after(struct timeout *t, struct awaitable *inner, u64 ns);

/** 0, or ERR_TIMEOUT: the time came first, and inner was cancelled. Once ready. */
static inline int timeout_status(const struct timeout *t)
{
	return t->select.index ? ERR_TIMEOUT : 0;
}
