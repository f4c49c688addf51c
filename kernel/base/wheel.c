#include "base/wheel.h"

#define SCAN_MAX 8u /* nodes of a slot that a removal looks at */

/* The first slot of the lowest level that has nodes; there is one. */
static unsigned first_slot(const struct wheel *w)
{
	unsigned level = (unsigned)__builtin_ctz(w->levels);

	return level * WHEEL_DIGITS + (unsigned)__builtin_ctz(w->digits[level]);
}

static void find_next(struct wheel *w)
{
	u64 next = WHEEL_NEVER;

	if (unlikely(w->moving))
		next = w->next_base;
	else if (w->levels)
		next = w->slots[first_slot(w)].least;
	w->not_next = ~next;
}

static void place(struct wheel *w, struct wheel_node *n, u64 base)
{
	u64 differs = n->key ^ base;
	unsigned level = differs ? (63 - (unsigned)__builtin_clzll(differs)) / WHEEL_BITS : 0;
	unsigned digit = n->key >> level * WHEEL_BITS & (WHEEL_DIGITS - 1);
	struct wheel_node *first;

	n->slot = (u16)(level * WHEEL_DIGITS + digit);
	first = w->slots[n->slot].first;
	if (first) {
		n->next = first;
		n->prev = first->prev;
		n->prev->next = first->prev = n;
		w->slots[n->slot].least = MIN(w->slots[n->slot].least, n->key);
		return;
	}
	n->next = n->prev = n;
	w->slots[n->slot].first = n;
	w->slots[n->slot].least = n->key;
	w->levels |= (u16)(1u << level);
	w->digits[level] |= (u16)(1u << digit);
}

void wheel_push(struct wheel *w, struct wheel_node *n, u64 key)
{
	n->key = key;
	w->not_next = MAX(w->not_next, ~key);
	place(w, n, w->base);
}

static void unlink(struct wheel *w, struct wheel_node *n)
{
	unsigned level = n->slot / WHEEL_DIGITS;

	if (n->next != n) {
		n->prev->next = n->next;
		n->next->prev = n->prev;
		if (w->slots[n->slot].first == n)
			w->slots[n->slot].first = n->next;
		return;
	}
	w->slots[n->slot].first = NULL;
	w->digits[level] &= (u16)~(1u << n->slot % WHEEL_DIGITS);
	if (!w->digits[level])
		w->levels &= (u16)~(1u << level);
}

/* Where there are few nodes, finds the least of them; else what is kept stays a bound. */
static void find_least(struct wheel *w, unsigned slot)
{
	struct wheel_node *first = w->slots[slot].first, *n = first;
	u64 least = WHEEL_NEVER;

	for (unsigned i = 0; n && i < SCAN_MAX; i++) {
		least = MIN(least, n->key);
		n = n->next;
		if (n == first) {
			w->slots[slot].least = least;
			return;
		}
	}
}

void wheel_remove(struct wheel *w, struct wheel_node *n)
{
	u64 least = w->slots[n->slot].least;

	unlink(w, n);
	if (n->key != least && w->slots[n->slot].first)
		return;
	find_least(w, n->slot);
	if (least == wheel_next(w))
		find_next(w);
}

/*
 * Until a slot is empty the base stays where it is, but what has left the slot is placed by the
 * base that is to be. The two do not mix: a new time is not before now, and so not before that base;
 * by the old one it belongs into the slot that is being emptied, behind what is left there, or
 * into a later one.
 */
static void move_one(struct wheel *w)
{
	struct wheel_node *n = w->slots[w->from].first;

	if (!n) {
		w->base = w->next_base;
		w->moving = false;
		return;
	}
	unlink(w, n);
	place(w, n, w->next_base);
}

/* At level 0 all times of a slot are equal. A node that is alone in its slot has none to move with
 * it; but its slot's bound may be too early. */
static struct wheel_node *leading(const struct wheel *w, unsigned slot, u64 now)
{
	struct wheel_node *first = w->slots[slot].first;

	return slot < WHEEL_DIGITS || (first->next == first && first->key <= now) ? first : NULL;
}

struct wheel_node *wheel_advance(struct wheel *w, u64 now)
{
	struct wheel_node *first = NULL;

	if (likely(!w->moving)) {
		unsigned slot = first_slot(w);

		first = leading(w, slot, now);
		w->moving = !first;
		w->from = (u16)slot;
		w->next_base = w->slots[slot].least;
	}
	if (first) {
		w->base = first->key;
		unlink(w, first);
	} else {
		move_one(w);
	}
	find_next(w);
	return first;
}
