/*
 * Global earliest deadline first (Liu and Layland, JACM 20(1), 1973; global on m CPUs: Goossens,
 * Funk, Baruah, Real-Time Systems 25, 2003). The key is the job's absolute deadline, fixed at
 * release.
 */
#include "sched/sched.h"

/* Arrival numbers on both sides of the middle: a preempted job goes before its equals. */
static struct edf_queue {
	struct heap heap;
	u64 tail_seq, head_seq;
	u32 arrivals;
} edf_queue = {.tail_seq = 1ull << 63, .head_seq = 1ull << 63};

static int edf_validate(const struct sched_params *p, const char **why)
{
	if (p->deadline_ns && p->deadline_ns <= SEC(1000000) && !p->quantum_ns && !p->level)
		return 0;
	*why = "edf takes a relative deadline from 1 ns to 1000000 s, and neither level nor quantum";
	return ERR_INVAL;
}

static u64 edf_key(const struct sched_params *p, u64 release_ns)
{
	return release_ns + p->deadline_ns;
}

static void edf_enqueue(void *queue, struct sched_entity *e, bool at_head)
{
	struct edf_queue *q = queue;

	e->node.key = e->key;
	e->node.seq = at_head ? --q->head_seq : q->tail_seq++;
	e->order = ++q->arrivals;
	heap_push(&q->heap, &e->node);
}

static void edf_dequeue(void *queue, struct sched_entity *e)
{
	heap_remove(&((struct edf_queue *)queue)->heap, &e->node);
}

static struct sched_entity *entity_of(struct heap_node *n)
{
	return n ? CONTAINER_OF(n, struct sched_entity, node) : NULL;
}

static struct sched_entity *edf_peek(const void *queue)
{
	return entity_of(heap_peek(&((const struct edf_queue *)queue)->heap));
}

/* The root, then its children: each subtree's earliest, so that the runner-up is among them. */
static unsigned edf_list(const void *queue, struct sched_entity **best, unsigned max)
{
	struct heap_node *n = heap_peek(&((const struct edf_queue *)queue)->heap);
	unsigned i = 0;

	if (!n || !max)
		return 0;
	best[i++] = entity_of(n);
	for (n = n->child; n && i < max; n = n->next)
		best[i++] = entity_of(n);
	return i;
}

const struct sched_policy sched_edf = {
	.name = "edf",
	.rule = TRACE_rule_earliest_deadline,
	.queue = &edf_queue,
	.validate = edf_validate,
	.key = edf_key,
	.enqueue = edf_enqueue,
	.dequeue = edf_dequeue,
	.peek = edf_peek,
	.list = edf_list,
};
