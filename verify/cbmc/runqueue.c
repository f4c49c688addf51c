/*
 * runqueue.c: a shard's run queues, kernel/task/runqueue.[ch] with what they call of kernel/sched,
 * by induction: any shard with up to 3 tasks of two classes, for any CPUs, and one operation. A
 * tree is what tree.c proves that it is: here a set of nodes, of which the first that fits is
 * found.
 */
#include "prove.h"

#define is_pinned entity_is_pinned
#include "sched/levels.c"
#include "sched/ordered.c"
#undef is_pinned
#include "task/runqueue.c"

/* A compiler makes code of all operations, in which a mutant is told from what it was. */
#ifdef __CPROVER__
#define ONE_OF static
#else
#define ONE_OF
#endif
#define TASKS 4
#define CPUS  2
#ifndef N
#define N nondet_unsigned()
#endif
#ifndef GONE
#define GONE 0
#endif

static struct shard shard;
static struct ordered by_key; /* the queue of class 0 */
static struct levels levels;  /* and of class 1 */
static const struct sched_policy policy_0 = {
	.urgency = 0, .enqueue = ordered_enqueue, .dequeue = ordered_dequeue, .peek = ordered_peek};
static const struct sched_policy policy_1 = {.urgency = 1,
					     .levels = true,
					     .enqueue = levels_enqueue,
					     .dequeue = levels_dequeue,
					     .peek = levels_peek};
static struct task task_0, task_1, task_2, task_3;
static struct task *const task[TASKS] = {&task_0, &task_1, &task_2, &task_3};
static const struct tree *tree_of[TASKS]; /* in which its node is */
static bool waits[TASKS];
static u32 version_before;
_Atomic u64 sched_heads, sched_tails;

static unsigned number_of(const struct tree_node *n)
{
	for (unsigned i = 0; i < TASKS; i++)
		if (n == &task[i]->entity.node)
			return i;
	return TASKS;
}

void tree_insert(struct tree *t, struct tree_node *n)
{
	unsigned i = number_of(n);

	CLAIM(i < TASKS && !tree_of[i], "a node that is in no tree is added");
	if (i < TASKS)
		tree_of[i] = t;
}

void tree_remove(struct tree *t, struct tree_node *n)
{
	unsigned i = number_of(n);

	CLAIM(i < TASKS && tree_of[i] == t, "a node is taken out of its tree");
	if (i < TASKS)
		tree_of[i] = NULL;
}

static bool earlier(const struct tree_node *a, const struct tree_node *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

struct tree_node *tree_next(const struct tree *t, const struct tree_node *after, u64 mask,
			    u64 limit)
{
	struct tree_node *first = NULL;

	for (unsigned i = 0; i < TASKS; i++) {
		struct tree_node *n = &task[i]->entity.node;

		if (tree_of[i] == t && n->mask & mask && n->floor <= limit &&
		    (!after || earlier(after, n)) && (!first || earlier(n, first)))
			first = n;
	}
	return first;
}

static bool in_list(const struct task *t)
{
	return t->policy == &policy_1 && !is_pinned(t);
}

/* The levels' lists have just the tasks that may run everywhere, in the order of their arrival. */
static bool lists_are_right(struct task *const *order)
{
	for (unsigned level = 0; level < SCHED_LEVELS; level++) {
		const struct list *q = &levels.queue[level], *before = q;
		bool some = false;

		for (unsigned i = 0; i < TASKS; i++) {
			struct task *t = order[i];

			if (!t || !in_list(t) || t->entity.key != level)
				continue;
			if (before->next != &t->entity.link || t->entity.link.prev != before)
				return false;
			before = &t->entity.link;
			some = true;
		}
		if ((levels.used >> level & 1) != some ||
		    (some && (before->next != q || q->prev != before)))
			return false;
	}
	return !(levels.used >> SCHED_LEVELS);
}

static bool comes_before(const struct task *a, const struct task *b)
{
	return a->rank < b->rank || (a->rank == b->rank && a->entity.seq < b->entity.seq);
}

/* Of those that wait and may run there. */
static struct task *best_for(u64 cpus)
{
	struct task *best = NULL;

	for (unsigned i = 0; i < TASKS; i++)
		if (waits[i] && task[i]->entity.cpus & cpus &&
		    (!best || comes_before(task[i], best)))
			best = task[i];
	return best;
}

static bool top_is_right(void)
{
	const struct task *first = best_for(SCHED_CPUS_ALL);
	struct place top = {shard.top_rank, shard.top_order};

	if (!first)
		return top.rank == RANK_IDLE && !top.order;
	return shard.pinned ? !place_before(place_of(first), top)
			    : first->rank == top.rank && first->entity.seq == top.order;
}

static bool is_right(struct task *const *order)
{
	u32 queued[2] = {0, 0}, pinned = 0;

	for (unsigned i = 0; i < TASKS; i++) {
		const struct task *t = task[i];
		const struct tree *tree = t->policy == &policy_0 ? &by_key.tree
					  : is_pinned(t)         ? &levels.pinned.tree
								 : NULL;

		if (tree_of[i] != (waits[i] ? tree : NULL))
			return false;
		if (!waits[i])
			continue;
		queued[t->policy->urgency]++;
		pinned += is_pinned(t);
		if (t->rank != sched_rank(t->policy, &t->entity) || t->state != TASK_READY)
			return false;
	}
	return shard.queued[0] == queued[0] && shard.queued[1] == queued[1] &&
	       shard.pinned == pinned &&
	       shard.classes == ((queued[0] > 0) | (queued[1] > 0) << 1) &&
	       shard.simple == (shard.shared || pinned ? 0 : levels_classes) &&
	       !(shard.version & 1) && (!shard.shared || top_is_right()) && lists_are_right(order);
}

/* The first n tasks wait, and came in this order. */
static unsigned any_shard(void)
{
	struct task *order[TASKS] = {NULL};
	unsigned n = N;

	ASSUME(n < TASKS);
	policy_at[0] = &policy_0;
	policy_at[1] = &policy_1;
	levels_classes = 2;
	shard.queue[0] = &by_key;
	shard.queue[1] = &levels;
	shard.shared = SHARED;
	sched_heads = nondet_u8();
	sched_tails = nondet_u8();
	for (unsigned i = 0; i < TASKS; i++) {
		struct task *t = task[i];
		bool by_level = nondet_bool(), pinned = nondet_bool();

		t->home = &shard;
		t->policy = by_level ? &policy_1 : &policy_0;
		t->entity.key = nondet_u8() % (by_level ? SCHED_LEVELS : 4);
		t->entity.cpus = pinned ? 1 + nondet_u8() % 3u : SCHED_CPUS_ALL;
		t->entity.seq = (1ull << 63) - 256 + nondet_u16() % 512u;
		t->entity.node.floor = 0;
		t->rank = sched_rank(t->policy, &t->entity);
		t->state = TASK_RUNNING;
		waits[i] = i < n;
		if (!waits[i])
			continue;
		t->state = TASK_READY;
		ASSUME(t->entity.seq >= (1ull << 63) - sched_heads &&
		       t->entity.seq < (1ull << 63) + sched_tails &&
		       (!i || task[i - 1]->entity.seq < t->entity.seq));
		if (!in_list(t))
			tree_of[i] = by_level ? &levels.pinned.tree : &by_key.tree;
		shard.pinned += pinned;
		shard.queued[by_level]++;
		shard.classes |= 1u << by_level;
	}
	for (unsigned level = 0; level < SCHED_LEVELS; level++) {
		struct list *q = &levels.queue[level], *before = q;

		for (unsigned i = 0; i < n; i++) {
			if (!in_list(task[i]) || task[i]->entity.key != level)
				continue;
			before->next = &task[i]->entity.link;
			task[i]->entity.link.prev = before;
			before = &task[i]->entity.link;
			levels.used |= 1u << level;
		}
		before->next = q;
		q->prev = before;
		if (before == q)
			q->next = q->prev = NULL;
	}
	shard.simple = SHARED || shard.pinned ? 0 : levels_classes;
	shard.version = version_before = nondet_u32();
	shard.top_rank = nondet_u64();
	shard.top_order = nondet_u64();
	for (unsigned i = 0; i < n; i++)
		order[i] = task[i];
	ASSUME(is_right(order));
	return n;
}

ONE_OF void add(unsigned n)
{
	struct task *t = task[TASKS - 1], *order[TASKS] = {NULL};
	bool at_head = nondet_bool();

	for (unsigned i = 0; i < n; i++)
		order[i + at_head] = task[i];
	order[at_head ? 0 : n] = t;
	REACHABLE(n == 2 && in_list(t) && levels.used == 1u << t->entity.key && !shard.pinned,
		  "one for a level that has some");
	runqueue_add(t, at_head);
	waits[TASKS - 1] = true;
	CLAIM(is_right(order), "it is in its queue; the others stay; counts and top agree");
	for (unsigned i = 0; i < n; i++)
		CLAIM(at_head ? t->entity.seq < task[i]->entity.seq
			      : t->entity.seq > task[i]->entity.seq,
		      "it comes before, or behind, all of its rank");
	CLAIM(!SHARED || !(shard.pinned || best_for(SCHED_CPUS_ALL) == t) ||
		      shard.version != version_before,
	      "what CPUs found is out of date");
}

ONE_OF void take_out(unsigned n)
{
	struct task *order[TASKS];
	const unsigned gone = GONE;

	ASSUME(gone < n);
	REACHABLE(n == 3 && shard.pinned == 1 && is_pinned(task[gone]), "the only pinned one");
	for (unsigned i = 0; i < TASKS; i++)
		order[i] = i == gone ? NULL : task[i];
	order[TASKS - 1] = NULL;
	runqueue_remove(task[gone]);
	waits[gone] = false;
	for (unsigned i = n; i < TASKS; i++)
		order[i] = NULL;
	CLAIM(is_right(order), "it is gone; the others stay; counts and top agree");
}

ONE_OF void first(unsigned n)
{
	unsigned cpu = nondet_unsigned();
	struct task *found, *best;

	ASSUME(cpu < CPUS);
	best = best_for(1ull << cpu);
	REACHABLE(n == 3 && best != best_for(SCHED_CPUS_ALL) && best, "the first may not run here");
	found = shard_first(&shard, cpu);
	CLAIM(found == best, "the most urgent that may run here, and of equals who came first");
}

/* For one shard. */
ONE_OF void take(unsigned n)
{
	struct task *behind = nondet_bool() ? task[TASKS - 1] : NULL, *order[TASKS] = {NULL}, *best,
		    *t;
	unsigned kept = 0;

	ASSUME(!behind || in_list(behind));
	best = best_for(SCHED_CPUS_ALL);
	t = shard_take(&shard, behind);
	REACHABLE(t && behind, "one in place of another");
	if (!t) {
		CLAIM(!best || shard.pinned || best->policy == &policy_0 ||
			      (behind && best->rank != behind->rank),
		      "none only if it is not that simple");
		for (unsigned i = 0; i < n; i++)
			order[i] = task[i];
		CLAIM(is_right(order), "then all stays");
		return;
	}
	CLAIM(t == best, "the most urgent, and of equals who came first");
	for (unsigned i = 0; i < TASKS; i++) {
		if (waits[i] && task[i] != t)
			order[kept++] = task[i];
		waits[i] = waits[i] && task[i] != t;
	}
	if (behind) {
		order[kept] = behind;
		waits[TASKS - 1] = true;
		behind->state = TASK_READY; /* its caller's */
		for (unsigned i = 0; i < n; i++)
			CLAIM(behind->entity.seq > task[i]->entity.seq,
			      "who goes behind comes last");
	}
	CLAIM(is_right(order), "it is gone; the others stay; counts agree");
}

int main(void)
{
	unsigned n = any_shard();

	REACHABLE(n == 3 && shard.queued[0] == 1 && shard.pinned == 1,
		  "three of two classes, one pinned");
	REACHABLE(n == 0, "none");
	OPERATION(n);
	return 0;
}
