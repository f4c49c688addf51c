/*
 * wheel.h: an intrusive queue of times, for timers: a hierarchical timing wheel (Varghese and Lauck,
 * "Hashed and hierarchical timing wheels: data structures for the efficient implementation of a
 * timer facility", SOSP 1987) whose slots are the buckets of a monotone radix heap (Ahuja, Mehlhorn,
 * Orlin, Tarjan, "Faster algorithms for the shortest path problem", JACM 37(2), 1990). So there is
 * no tick: a time is known to the last bit, in whatever unit.
 *
 * A time is a number of 16 digits of 4 bits. The wheel has a base that no time in it lies before. A
 * node is in the slot (level, digit) of the highest digit in which it differs from the base, and of
 * what that digit is: a function of the time and the base alone. The earliest nodes are those in
 * the first slot of the lowest level that has any. When the base moves to the first of them, they
 * move to lower levels, each at most 15 times in its life; all others stay where they are.
 *
 * To push, to remove and to ask for the next time take a bounded number of steps, whatever is in
 * the wheel; to take one out takes at most 16 calls of wheel_step for each node, none of which
 * does more than to move a node. Equal times leave in the order in which they came.
 *
 * No locking: the owner says which. All zero: an empty wheel.
 */
#pragma once

#include "base/types.h"

#define WHEEL_BITS   4u
#define WHEEL_DIGITS 16u /* slots of a level */
#define WHEEL_LEVELS 16u
#define WHEEL_NEVER  UINT64_MAX

struct wheel_node {
	struct wheel_node *next, *prev; /* circular, within a slot */
	u64 key;
	u16 slot; /* level * WHEEL_DIGITS + digit */
};

struct wheel {
	u64 not_next; /* all bits of wheel_next the other way round */
	u64 base;
	u64 next_base; /* while a slot is being emptied: what base is to be */
	bool moving;
	u16 from;		   /* that slot */
	u16 levels;		   /* bit l: level l has nodes */
	u16 digits[WHEEL_LEVELS];  /* bit d: its slot d has nodes */
	struct {
		struct wheel_node *first;
		u64 least; /* no key in it is less; a key that was there, if it is not now */
	} slots[WHEEL_LEVELS * WHEEL_DIGITS];
};

/** Adds @p n with time @p key, which is not before any time that wheel_step was called with. O(1). */
void wheel_push(struct wheel *w, struct wheel_node *n, u64 key);

/** Takes @p n, which must be in @p w, out of it. O(1). */
void wheel_remove(struct wheel *w, struct wheel_node *n);

/**
 * The time at which wheel_step has something to do, WHEEL_NEVER when the wheel is empty: the first
 * node's, unless that is earlier in a slot of more than eight nodes whose first was removed. O(1).
 */
static inline u64 wheel_next(const struct wheel *w)
{
	return ~w->not_next;
}

/** wheel_step when wheel_next is not behind @p now; returns what comes into *due. */
struct wheel_node *wheel_advance(struct wheel *w, u64 now);

/**
 * Does one step of what is due at @p now, which never decreases: takes the first node out, or moves
 * one closer. False: nothing is due (*@p due is NULL). True: *@p due is the node that was taken
 * out, NULL when there is more to do first. O(1).
 */
static inline bool wheel_step(struct wheel *w, u64 now, struct wheel_node **due)
{
	bool due_now = wheel_next(w) <= now && w->not_next;

	*due = due_now ? wheel_advance(w, now) : NULL;
	return due_now;
}
