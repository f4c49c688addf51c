/*
 * Multilevel feedback queue: what a task did decides how urgent it is (Corbato, Merwin-Daggett,
 * Daley, "An experimental time-sharing system", AFIPS SJCC 1962; rules as in Arpaci-Dusseau,
 * "Operating Systems: Three Easy Pieces", chapter 8). A task begins at level 0; once it has used
 * what its level allows, in however many pieces, it goes one level down. The time allowed grows
 * with the level. All are boosted to level 0 after each SCHED_MLFQ_BOOST_NS.
 *
 * The boost moves nobody. A key is epoch * levels + level, and the epoch is the number of boosts
 * so far: who waits since before the last one outranks all who were queued after it, begins with
 * the time of level 0 when it runs, and has its key of level 0 from then on. So a boost costs
 * nothing, and nobody waits longer than a period and a quantum of level 0 for each of those tasks.
 */
#include "sched/ordered.h"

struct mlfq {
	struct ordered waiting; /* first */
	u64 epoch;		/* the latest */
};

static struct mlfq mlfq_queue;

static void to_level(struct sched_mlfq *m, unsigned level)
{
	m->level = (u8)MIN(level, SCHED_MLFQ_LEVELS - 1);
	m->used_ns = 0;
}

/* What follows from the level. */
static void renew(struct sched_entity *e, u64 quantum_ns)
{
	const struct sched_mlfq *m = &e->own.mlfq;

	e->key = m->epoch * SCHED_MLFQ_LEVELS + m->level;
	e->quantum_ns = quantum_ns * (m->level + 1u) - m->used_ns;
}

static void boost(struct sched_mlfq *m, u64 epoch)
{
	if (m->epoch != epoch)
		to_level(m, 0);
	m->epoch = epoch;
}

static void mlfq_release(void *queue, struct sched_entity *e, const struct sched_params *p,
			 u64 now_ns)
{
	struct mlfq *q = queue;

	q->epoch = MAX(q->epoch, now_ns / SCHED_MLFQ_BOOST_NS);
	boost(&e->own.mlfq, q->epoch);
	renew(e, p->quantum_ns);
}

static void mlfq_charge(void *queue, struct sched_entity *e, const struct sched_params *p,
			u64 ran_ns, u64 now_ns, bool quantum_over)
{
	struct mlfq *q = queue;
	struct sched_mlfq *m = &e->own.mlfq;

	(void)quantum_over; /* it shows in the time used */
	m->used_ns += ran_ns;
	if (m->used_ns >= p->quantum_ns * (m->level + 1u))
		to_level(m, m->level + 1u);
	q->epoch = MAX(q->epoch, now_ns / SCHED_MLFQ_BOOST_NS);
	boost(m, q->epoch);
	renew(e, p->quantum_ns);
}

static void mlfq_dequeue(void *queue, struct sched_entity *e)
{
	struct mlfq *q = queue;
	struct sched_mlfq *m = &e->own.mlfq;

	if (m->epoch != q->epoch) {
		e->quantum_ns = (e->quantum_ns + m->used_ns) / (m->level + 1u);
		boost(m, q->epoch);
	}
	ordered_dequeue(&q->waiting, e);
}

const struct sched_policy sched_mlfq = {
	.name = "mlfq",
	.takes = {.cpus = SCHED_CPUS_ANY,
		  .quantum_ns = {SCHED_QUANTUM_MIN_NS, SCHED_QUANTUM_MAX_NS}},
	.rule = TRACE_rule_highest_priority,
	.urgency = TRACE_sched_urgency_mlfq,
	.queue = &mlfq_queue,
	.queue_bytes = sizeof mlfq_queue,
	.release = mlfq_release,
	.charge = mlfq_charge,
	.enqueue = ordered_enqueue,
	.dequeue = mlfq_dequeue,
	.peek = ordered_peek,
	.list = ordered_list,
};
