/*
 * Lottery: each quantum is drawn by lot, with a chance in proportion to tickets (Waldspurger and
 * Weihl, "Lottery Scheduling: Flexible Proportional-Share Resource Management", OSDI 1994).
 *
 * The draw is a race: who is queued gets a finish, exponentially distributed with its tickets as
 * the rate, and the first finish wins. The least of such times belongs to each with exactly the
 * probability tickets / all tickets; and because the distribution has no memory, those who lost
 * keep their finishes, and who enters starts from the last winner's: so one draw at each enqueue
 * makes every pick a fair lottery, in O(log n). (Exact where all may run on every CPU.)
 *
 * Who used a part f of its quantum only has its tickets multiplied by 1/f in the next draw, up to
 * 1024 times: the compensation tickets of section 3.4 there. On the simulator the seed of the run
 * is that of the lottery, so a run can be repeated.
 */
#include "sched/lottery.h"

#define UNIT_BITS 40 /* a race is in units of 2^-40 of -log2 U / tickets */

static struct lottery lottery_queue;

/* Vigna's splitmix64 (2015). */
static u64 draw(struct lottery *l)
{
	u64 z;

	if (!l->random)
		l->random = trace_descriptor.seed * 2 + 1;
	z = l->random += 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) | 1;
}

/* -log2(n / 2^64) in units of 2^-32; n is not 0. Bit by bit: squaring doubles a logarithm. */
static u64 minus_log2(u64 n)
{
	unsigned zeros = (unsigned)__builtin_clzll(n);
	u64 x = n << zeros, fraction = 0;

	for (unsigned i = 0; i < 32; i++) {
		unsigned __int128 square = (unsigned __int128)x * x;
		bool two = square >> 127;

		fraction = fraction << 1 | two;
		x = (u64)(square >> (63 + two));
	}
	return (((u64)zeros + 1) << 32) - fraction;
}

/* Gives @p e its finish in the race that is on. */
static void enter(struct lottery *l, struct sched_entity *e)
{
	struct sched_lottery *own = &e->own.lottery;
	u64 part = own->used_ns ? own->used_ns * 1024 / e->quantum_ns : 1024;
	u64 finish = minus_log2(draw(l)) << (UNIT_BITS - 32);

	part = MAX(1, MIN(part, 1024));
	own->used_ns = 0;
	e->key = l->now + finish / 1024 * part / own->tickets;
}

/* Counts time from now on, so that it does not overflow. */
static void restart(struct lottery *l)
{
	struct tree old = l->runners.tree;
	struct tree_node *n;

	l->runners.tree.root = NULL;
	while ((n = old.root) != NULL) {
		tree_remove(&old, n);
		n->key -= l->now;
		ordered_entity(n)->key = n->key;
		tree_insert(&l->runners.tree, n);
	}
	l->now = 0;
}

static void lottery_release(void *queue, struct sched_entity *e, const struct sched_params *p,
			    u64 now_ns)
{
	(void)queue, (void)now_ns;
	e->quantum_ns = p->quantum_ns;
	e->own.lottery.tickets = p->share;
}

static void lottery_charge(void *queue, struct sched_entity *e, const struct sched_params *p,
			   u64 ran_ns, u64 now_ns, bool quantum_over)
{
	(void)p, (void)now_ns;
	e->own.lottery.used_ns += MIN(ran_ns, SCHED_QUANTUM_MAX_NS);
	if (quantum_over)
		enter(queue, e);
}

static bool lottery_keeps(void *queue, const struct sched_entity *cur,
			  const struct sched_entity *next, unsigned cpu)
{
	(void)queue, (void)cpu;
	return cur->key < next->key;
}

static void lottery_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct lottery *l = queue;

	if (at_head)
		e->key = MIN(e->key, l->now); /* it has won, and goes on */
	else
		enter(l, e);
	ordered_enqueue(&l->runners, e, at_head);
}

static void lottery_dequeue(void *queue, struct sched_entity *e)
{
	struct lottery *l = queue;

	if (tree_next(&l->runners.tree, NULL, SCHED_CPUS_ALL, TREE_NO_LIMIT) == &e->node)
		l->now = MAX(l->now, e->key);
	ordered_dequeue(&l->runners, e);
	if (l->now >> 62)
		restart(l);
}

const struct sched_policy sched_lottery = {
	.name = "lottery",
	.takes = {.cpus = SCHED_CPUS_ANY,
		  .share = {1, SCHED_SHARE_MAX},
		  .quantum_ns = {SCHED_QUANTUM_MIN_NS, SCHED_QUANTUM_MAX_NS}},
	.rule = TRACE_rule_drawn,
	.urgency = TRACE_sched_urgency_lottery,
	.single = true,
	.flat = true,
	.queue = &lottery_queue,
	.queue_bytes = sizeof lottery_queue,
	.release = lottery_release,
	.charge = lottery_charge,
	.keeps = lottery_keeps,
	.enqueue = lottery_enqueue,
	.dequeue = lottery_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};
