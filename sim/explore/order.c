/*
 * order.c: which steps of an execution depend on each other, and which of them could have come the
 * other way round. By source sets (Abdulla, Aronis, Jonsson, Sagonas: "Optimal dynamic partial
 * order reduction", POPL 2014).
 */
#include "sim/explore/search.h"
#include <string.h>

/* Of each lock's last giver, what it came behind. */
static uint16_t lock_after[LOCKS_MAX][EXPLORE_THREADS_MAX];

void order_reset(void)
{
	memset(lock_after, 0, sizeof lock_after);
}

void explore_gave(unsigned lock)
{
	memcpy(lock_after[lock], threads[explore_current].after, sizeof lock_after[lock]);
}

bool op_writes(const struct op *op)
{
	return op->kind == OP_STORE || op->kind == OP_RMW || op->kind == OP_CAS ||
	       op->kind == OP_HINT || op->kind == OP_HALT || op->kind == OP_LOCK;
}

static bool is_seq_cst(const struct op *op)
{
	return op->order == SEQ_CST || op->order_if_not == SEQ_CST;
}

bool dependent(const struct op *a, const struct op *b)
{
	if (a->kind == OP_FENCE || b->kind == OP_FENCE)
		return is_seq_cst(a) && is_seq_cst(b);
	return a->at == b->at && (op_writes(a) || op_writes(b));
}

static bool is_before(int i, int j)
{
	return nodes[j].after[nodes[i].thread] > i;
}

/* Of the steps behind @p i that do not depend on it, and then @p p's next one: who can come first.
 */
static uint8_t initials(int i, unsigned p)
{
	static int others[STEPS_MAX];
	uint8_t first = 0, seen = 0;
	int n = 0;

	for (int j = i + 1; j < depth; j++) {
		unsigned bit = 1u << nodes[j].thread;
		bool leads = true;

		if (is_before(i, j))
			continue;
		for (int k = 0; k < n && leads && !(seen & bit); k++)
			leads = !is_before(others[k], j);
		if (leads && !(seen & bit))
			first |= (uint8_t)bit;
		seen |= (uint8_t)bit;
		others[n++] = j;
	}
	if (!(seen & 1u << p)) {
		bool leads = true;

		for (int k = 0; k < n && leads; k++)
			leads = threads[p].after[nodes[others[k]].thread] <= others[k] &&
				!dependent(&nodes[others[k]].op, &threads[p].op);
		first |= (uint8_t)(leads << p);
	}
	return first;
}

void note_races(unsigned p)
{
	int behind[STEPS_MAX], n = 0;

	for (int i = depth - 1; i >= 0; i--) {
		struct node *node = &nodes[i];
		bool ordered = node->thread == p || threads[p].after[node->thread] > i ||
			       !dependent(&node->op, &threads[p].op);
		uint8_t able, first;

		for (int k = 0; k < n && !ordered; k++)
			ordered = is_before(i, behind[k]);
		if (ordered)
			continue;
		behind[n++] = i;
		able = node->enabled & (uint8_t)~node->waits;
		first = initials(i, p) & able;
		if (!first)
			first = able; /* who should come first could not: it was halted, or waited */
		if (!(first & node->backtrack))
			node->backtrack |= first >> p & 1 ? (uint8_t)(1u << p) : first & -first;
	}
}

static void later(uint16_t *after, const uint16_t *other)
{
	for (unsigned t = 0; t < explore_threads; t++)
		after[t] = other[t] > after[t] ? other[t] : after[t];
}

/* What the next step of @p p comes behind. */
static void note_order(unsigned p)
{
	uint16_t *after = threads[p].after;

	if (threads[p].op.kind == OP_LOCK)
		later(after, lock_after[model_lock(threads[p].op.at)]);
	for (int i = depth - 1; i >= 0; i--) {
		const struct node *node = &nodes[i];

		if (node->thread == p || after[node->thread] > i ||
		    !dependent(&node->op, &threads[p].op))
			continue;
		later(after, node->after);
	}
	after[p] = (uint16_t)(depth + 1);
}

void note_step(unsigned p)
{
	struct node *node = &nodes[depth];

	note_order(p);
	memcpy(node->after, threads[p].after, sizeof node->after);
	node->op = threads[p].op;
}
