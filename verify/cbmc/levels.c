/*
 * levels.c: kernel/sched/levels.[ch], by induction: any queue of levels with up to 3 entities that
 * may run everywhere, and one operation. Who is pinned to some CPUs stands in a tree, which has a
 * proof of its own (tree.c): what that says of trees of one node stands here in its place.
 */
#include "prove.h"

#include "sched/levels.c"
#include "sched/ordered.c"

#define ENTITIES 4

static struct levels levels;
static struct sched_entity entity_0, entity_1, entity_2, entity_3;
static struct sched_entity *const entity[ENTITIES] = {&entity_0, &entity_1, &entity_2, &entity_3};
_Atomic u64 sched_heads, sched_tails;

void tree_insert(struct tree *t, struct tree_node *n)
{
	CLAIM(!t->root && n == &entity_3.node, "in no tree, and pinned");
	t->root = n;
}

void tree_remove(struct tree *t, struct tree_node *n)
{
	CLAIM(n == t->root && n, "in the tree");
	t->root = NULL;
}

struct tree_node *tree_next(const struct tree *t, const struct tree_node *after, u64 mask,
			    u64 limit)
{
	CLAIM(!after || after == t->root, "in the tree");
	return !after && t->root && t->root->mask & mask && t->root->floor <= limit ? t->root
										    : NULL;
}

/* Whether the queue holds exactly these, level by level in this order, and its bits say so. */
static bool holds(struct sched_entity *const *order, unsigned n)
{
	for (unsigned level = 0; level < SCHED_LEVELS; level++) {
		const struct list *q = &levels.queue[level], *before = q;
		bool some = false;

		for (unsigned i = 0; i < n; i++) {
			if (order[i]->key != level)
				continue;
			if (before->next != &order[i]->link || order[i]->link.prev != before)
				return false;
			before = &order[i]->link;
			some = true;
		}
		if ((levels.used >> level & 1) != some ||
		    (some && (before->next != q || q->prev != before)))
			return false;
	}
	return true;
}

static bool arrivals_are_in_order(struct sched_entity *const *order, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (order[i - 1]->seq >= order[i]->seq)
			return false;
	return true;
}

/* The first n entities wait, in this order; the last comes later. */
static unsigned any_levels(void)
{
	unsigned n = nondet_unsigned();

	ASSUME(n < ENTITIES);
	sched_heads = nondet_u64() % 1000;
	sched_tails = nondet_u64() % 1000;
	for (unsigned i = 0; i < ENTITIES; i++) {
		entity[i]->key = nondet_u8() % SCHED_LEVELS;
		entity[i]->cpus = SCHED_CPUS_ALL;
		entity[i]->seq = nondet_u64();
	}
	for (unsigned level = 0; level < SCHED_LEVELS; level++) {
		struct list *q = &levels.queue[level], *before = q;

		for (unsigned i = 0; i < n; i++) {
			if (entity[i]->key != level)
				continue;
			before->next = &entity[i]->link;
			entity[i]->link.prev = before;
			before = &entity[i]->link;
			levels.used |= 1u << level;
		}
		before->next = q; /* of a level without any: no matter */
		q->prev = before;
		if (before == q)
			q->next = q->prev = NULL;
	}
	for (unsigned i = 0; i < n; i++)
		ASSUME(entity[i]->seq >= (1ull << 63) - sched_heads &&
		       entity[i]->seq < (1ull << 63) + sched_tails);
	ASSUME(arrivals_are_in_order(entity, n));
	return n;
}

static void add(unsigned n)
{
	struct sched_entity *order[ENTITIES];
	bool at_head = nondet_bool();

	for (unsigned i = 0; i < n; i++)
		order[i + at_head] = entity[i];
	order[at_head ? 0 : n] = entity[ENTITIES - 1];
	levels_enqueue(&levels, entity[ENTITIES - 1], at_head);
	CLAIM(holds(order, n + 1), "it stands before, or behind, its equals; the others stay");
	CLAIM(arrivals_are_in_order(order, n + 1), "its number is below, or above, all others");
}

/* The first goes, and another comes behind the last of the same level. */
static void rotate(unsigned n)
{
	struct sched_entity *order[ENTITIES], *first, *last = entity[ENTITIES - 1];
	unsigned rest = 0;

	ASSUME(n);
	first = levels_first(&levels);
	ASSUME(last->key == first->key);
	for (unsigned j = 0; j < n; j++)
		if (entity[j] != first)
			order[rest++] = entity[j];
	order[rest++] = last;
	levels_rotate(&levels, first, last);
	CLAIM(holds(order, rest), "the first is gone, the new one is last, the others stay");
	CLAIM(arrivals_are_in_order(order, rest), "and came last");
}

/* Any of them, from wherever it stands. */
static void take_out(unsigned n)
{
	struct sched_entity *order[ENTITIES];
	unsigned i = nondet_unsigned(), rest = 0;

	ASSUME(i < n);
	for (unsigned j = 0; j < n; j++)
		if (j != i)
			order[rest++] = entity[j];
	levels_dequeue(&levels, entity[i]);
	CLAIM(holds(order, rest), "it is gone, the others stay");
}

/* The first. */
static void pop(unsigned n)
{
	struct sched_entity *order[ENTITIES], *first;
	unsigned rest = 0;

	ASSUME(n);
	first = levels_first(&levels);
	for (unsigned j = 0; j < n; j++)
		if (entity[j] != first)
			order[rest++] = entity[j];
	CLAIM(levels_pop(&levels) == !rest, "whether it was the last");
	CLAIM(holds(order, rest), "the first is gone, the others stay");
}

static bool is_before(const struct sched_entity *a, const struct sched_entity *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

/* One that may run on some CPUs only, beside the others. */
static void pinned(unsigned n)
{
	struct sched_entity *best = NULL, *e = entity[ENTITIES - 1], *all[ENTITIES];
	unsigned cpu = nondet_bool(), found;

	for (unsigned i = 0; i < n; i++)
		if (!best || entity[i]->key < best->key)
			best = entity[i];
	e->cpus = 1u << 1;
	levels_enqueue(&levels, e, nondet_bool());
	CLAIM(holds(entity, n), "who comes is in no list");
	found = levels_list(&levels, cpu, all, ENTITIES);
	CLAIM(found == n + cpu, "all that may run there");
	for (unsigned i = 1; i < found; i++)
		CLAIM(is_before(all[i - 1], all[i]), "in order");
	CLAIM(levels_peek(&levels, cpu) == (found ? all[0] : NULL), "the first of them");
	levels_dequeue(&levels, e);
	CLAIM(holds(entity, n) && !levels.pinned.tree.root, "it is gone, the others stay");
	CLAIM(levels_peek(&levels, cpu) == best, "and is not found again");
}

static void first(unsigned n)
{
	struct sched_entity *best = NULL, *all[ENTITIES];
	unsigned most = nondet_unsigned(), found;

	for (unsigned i = 0; i < n; i++)
		if (!best || entity[i]->key < best->key)
			best = entity[i];
	CLAIM(levels_peek(&levels, nondet_u8() % 64) == best,
	      "the least key, and of equals the first");
	CLAIM(!n || levels_first(&levels) == best, "the short way says the same");
	ASSUME(most <= ENTITIES);
	found = levels_list(&levels, 0, all, most);
	CLAIM(found == MIN(n, most), "as many as there are, or as were asked for");
	for (unsigned i = 0; i < found; i++)
		CLAIM(i ? is_before(all[i - 1], all[i]) : all[i] == best, "in order");
	CLAIM(holds(entity, n), "to look changes nothing");
}

int main(void)
{
	unsigned n = any_levels();

	REACHABLE(n == 3 && entity_0.key == entity_1.key && entity_2.key != entity_1.key,
		  "three, two of a level");
	REACHABLE(n == 0, "an empty queue");
	OPERATION(n);
	return 0;
}
