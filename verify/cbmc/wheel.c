/*
 * wheel.c: kernel/base/wheel.c, by induction. From any state that satisfies the invariant below,
 * with up to NODES nodes, one operation with any argument keeps its contract and leads to such a
 * state again. An empty wheel is one. So no sequence of operations, however long, breaks it.
 *
 * Nodes are numbered in the order in which they came: a symmetry, since nothing else tells them
 * apart. The invariant:
 *  - a node is in the slot of (its time, the base), or, while a slot is being emptied, perhaps in
 *    that of (its time, the base that is to be), once it has left that slot;
 *  - a slot's list holds its nodes in the order in which they came; of equal times in two slots,
 * the one that came first has left the slot that is being emptied;
 *  - no time lies before the base, a slot's bound is not above any time in it and belongs into it;
 *  - wheel_next is the bound of the first slot, or the base that is to be.
 */
#include "prove.h"

#include "base/wheel.c"

#define NODES 3
#define SLOTS (WHEEL_LEVELS * WHEEL_DIGITS)

static struct wheel w;
/* One object each: to CBMC a pointer into an array may point anywhere into it. */
static struct wheel_node node_0, node_1, node_2;
static struct wheel_node *const node[] = {&node_0, &node_1, &node_2};
static bool in[NODES], moved[NODES]; /* in the wheel; has left the slot that is being emptied */
static u64 seen;                     /* the latest time that wheel_step was called with */

/* A wheel of fewer digits takes the times that have as many. */
static u64 any_time(void)
{
	return nondet_u64() & (~0ull >> (64 - WHEEL_LEVELS * WHEEL_BITS));
}

/* The contract's slot, by its own words: the highest digit that differs, and its value. */
static unsigned slot_by(u64 key, u64 base)
{
	unsigned level = 0;

	for (unsigned l = 1; l < WHEEL_LEVELS; l++)
		if ((key ^ base) >> l * WHEEL_BITS)
			level = l;
	return level * WHEEL_DIGITS + (key >> level * WHEEL_BITS) % WHEEL_DIGITS;
}

static unsigned slot_of(unsigned i)
{
	return slot_by(node[i]->key, w.moving && moved[i] ? w.next_base : w.base);
}

/* The lowest slot that has a node; SLOTS: none. */
static unsigned lowest_slot(void)
{
	unsigned lowest = SLOTS;

	for (unsigned i = 0; i < NODES; i++)
		if (in[i])
			lowest = MIN(lowest, (unsigned)node[i]->slot);
	return lowest;
}

static bool times_are_right(void)
{
	if (w.base > seen || (w.moving && (w.next_base > seen || w.next_base < w.base)))
		return false;
	if (w.moving &&
	    (w.from >= SLOTS || w.from < WHEEL_DIGITS || slot_by(w.next_base, w.base) != w.from))
		return false;
	for (unsigned i = 0; i < NODES; i++) {
		if (!in[i])
			continue;
		if (node[i]->key < (w.moving ? w.next_base : w.base) || node[i]->slot != slot_of(i))
			return false;
		if (w.moving && moved[i] && slot_by(node[i]->key, w.base) != w.from)
			return false;
		if (w.moving && !moved[i] && node[i]->slot < w.from)
			return false;
		for (unsigned j = 0; j < i; j++)
			if (w.moving && in[j] && moved[i] && !moved[j] && node[j]->slot == w.from)
				return false;
	}
	return true;
}

/* Whether slot s holds what it should, in order, and says so in its bits. */
static bool slot_is_right(unsigned s)
{
	int first = -1, last = -1;

	for (int i = 0; i < NODES; i++) {
		if (!in[i] || node[i]->slot != s)
			continue;
		if (last >= 0 && (node[last]->next != node[i] || node[i]->prev != node[last]))
			return false;
		if (w.slots[s].least > node[i]->key)
			return false;
		if (first < 0)
			first = i;
		last = i;
	}
	if ((w.digits[s / WHEEL_DIGITS] >> s % WHEEL_DIGITS & 1) != (first >= 0))
		return false;
	if (first < 0)
		return !w.slots[s].first;
	return w.slots[s].first == node[first] && node[last]->next == node[first] &&
	       node[first]->prev == node[last] &&
	       w.slots[s].least >= (w.moving ? w.next_base : w.base) &&
	       (slot_by(w.slots[s].least, w.base) == s ||
		(w.moving && s < w.from && slot_by(w.slots[s].least, w.next_base) == s));
}

static bool bits_are_right(unsigned level)
{
	unsigned lowest = lowest_slot();

	if ((w.levels >> level & 1) != (w.digits[level] != 0))
		return false;
	if (w.moving)
		return wheel_next(&w) == w.next_base;
	return wheel_next(&w) == (lowest == SLOTS ? WHEEL_NEVER : w.slots[lowest].least);
}

/* Any state that satisfies the invariant: built by hand, since most memory does not. */
static void any_wheel(void)
{
	w.base = any_time();
	w.next_base = any_time();
	w.moving = nondet_bool();
	w.from = nondet_u16();
	seen = any_time();
	for (int i = 0; i < NODES; i++) {
		struct wheel_node *n = node[i];
		int before = -1, first = -1;

		in[i] = nondet_bool();
		moved[i] = nondet_bool();
		n->key = any_time();
		n->slot = nondet_u16();
		if (!in[i])
			continue;
		ASSUME(n->slot < SLOTS && n->slot == slot_of(i));
		for (int j = 0; j < i; j++)
			if (in[j] && node[j]->slot == n->slot) {
				before = j;
				first = first < 0 ? j : first;
			}
		if (before < 0) {
			n->next = n->prev = w.slots[n->slot].first = n;
			w.slots[n->slot].least = any_time();
			w.digits[n->slot / WHEEL_DIGITS] |= (u16)(1u << n->slot % WHEEL_DIGITS);
			w.levels |= (u16)(1u << n->slot / WHEEL_DIGITS);
		} else {
			n->prev = node[before];
			n->next = node[first];
			node[before]->next = node[first]->prev = n;
		}
	}
	w.not_next = nondet_u64();
	ASSUME(times_are_right() && bits_are_right(0));
	for (unsigned i = 0; i < NODES; i++)
		if (in[i])
			ASSUME(slot_is_right(node[i]->slot));
}

/* The same of every slot and level, since these are any. */
static void claim_invariant(void)
{
	unsigned s = nondet_unsigned();

	ASSUME(s < SLOTS);
	CLAIM(times_are_right(), "each node is in the slot of its time");
	CLAIM(slot_is_right(s), "each slot holds its nodes in order, and knows the least");
	CLAIM(bits_are_right(s / WHEEL_DIGITS), "the bits and the next time are right");
}

/* Adds the last node, which comes behind all others. */
static void push(void)
{
	u64 key = any_time();

	ASSUME(!in[NODES - 1] && key >= seen);
	wheel_push(&w, node[NODES - 1], key);
	in[NODES - 1] = true;
	moved[NODES - 1] = false;
	CLAIM(node[NODES - 1]->key == key, "a node keeps its time");
}

static void cancel(void)
{
	unsigned i = nondet_unsigned();

	ASSUME(i < NODES && in[i]);
	wheel_remove(&w, node[i]);
	in[i] = false;
}

/* What is left to do before node i can leave; decreases with each step that moves it. */
static unsigned way_down(void)
{
	unsigned n = w.moving;

	for (unsigned i = 0; i < NODES; i++)
		if (in[i])
			n += 2 * (node[i]->slot / WHEEL_DIGITS) + 2;
	return n;
}

static void step(void)
{
	u64 now = any_time(), next = wheel_next(&w);
	bool was_moving = w.moving;
	u16 slot_before[NODES];
	unsigned way = way_down();
	struct wheel_node *due;
	unsigned gone = NODES;
	bool more;

	ASSUME(now >= seen);
	for (unsigned i = 0; i < NODES; i++)
		slot_before[i] = node[i]->slot;
	seen = now;
	more = wheel_step(&w, now, &due);
	for (unsigned i = 0; i < NODES; i++)
		if (due == node[i])
			gone = i;
	CLAIM(!due || (gone < NODES && in[gone]), "what comes out was in");
	for (unsigned i = 0; i < NODES; i++) {
		if (!in[i])
			continue;
		CLAIM(next <= node[i]->key, "the next time is not behind any node's");
		CLAIM(more || node[i]->key > now, "nothing that is due is left undone");
		if (gone < NODES) {
			CLAIM(node[gone]->key <= now, "never early");
			CLAIM(node[gone]->key <= node[i]->key, "in the order of times");
			CLAIM(node[gone]->key != node[i]->key || gone <= i,
			      "equal times: first come");
		}
		/* A node that the step took out of the slot that is being emptied. */
		moved[i] = (was_moving && moved[i]) || slot_before[i] != node[i]->slot;
	}
	REACHABLE(gone < NODES, "one comes out");
	REACHABLE(more && !due, "a step in between");
	if (gone < NODES)
		in[gone] = false;
	CLAIM(!more || way_down() < way || (!was_moving && w.moving), "each step gets nearer");
}

int main(void)
{
	any_wheel();
	REACHABLE(in[0] && in[NODES - 1] && w.moving && moved[0] && !moved[NODES - 1], "moving");
	REACHABLE(in[0] && in[1] && in[2] && node[0]->slot == node[2]->slot &&
			  node[1]->slot == node[2]->slot && !w.moving,
		  "three in one slot");
	REACHABLE(in[0] && in[1] && node[0]->key == node[1]->key && w.moving && moved[0] &&
			  !moved[1],
		  "equal times in two slots");
	OPERATION();
	claim_invariant();
	return 0;
}
