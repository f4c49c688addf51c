/*
 * Earliest deadline first (Liu and Layland, JACM 20(1), 1973; global on m CPUs: Goossens, Funk,
 * Baruah, Real-Time Systems 25, 2003). The key is the job's absolute deadline, fixed at release.
 * The clustered class stands above the global one and names its CPUs (Calandrino, Anderson,
 * Baumberger, "A hybrid real-time scheduling approach for large-scale multicore platforms",
 * ECRTS 2007); clusters may overlap.
 *
 * A task with a budget has a constant-bandwidth server (Abeni and Buttazzo, "Integrating
 * Multimedia Applications in Hard Real-Time Systems", RTSS 1998): budget_ns in each period_ns, by
 * the server's deadline, which is the key. When the budget is used up, a soft server gets the next
 * one at once and its deadline moves on by a period; a hard one is throttled until its deadline.
 * Either way the others see no more of it than of a periodic task with that budget and period.
 */
#include "sched/ordered.h"

static struct ordered edf_queue, cedf_queue;

/* What follows from the server's state. What was used beyond a budget counts for the next. */
static void renew(struct sched_entity *e, const struct sched_params *p)
{
	struct sched_server *s = &e->own.server;

	if (s->left_ns <= 0 && !p->hard) {
		u64 budgets = (u64)-s->left_ns / p->budget_ns + 1;

		s->left_ns += (i64)(budgets * p->budget_ns);
		s->deadline_ns += budgets * p->period_ns;
	}
	e->key = s->deadline_ns;
	e->quantum_ns = (u64)MAX(s->left_ns, 1);
	s->resume_ns = s->left_ns > 0 ? 0 : s->deadline_ns;
}

static void edf_release(void *queue, struct sched_entity *e, const struct sched_params *p,
			u64 now_ns)
{
	struct sched_server *s = &e->own.server;
	u64 left_ns = (u64)MAX(s->left_ns, 0);

	(void)queue;
	e->key = now_ns + p->deadline_ns;
	if (!p->budget_ns)
		return;
	/* What is left may be used by the deadline only if that is no more than its bandwidth. */
	if (now_ns >= s->deadline_ns ||
	    (unsigned __int128)left_ns * p->period_ns >
		    (unsigned __int128)(s->deadline_ns - now_ns) * p->budget_ns) {
		s->left_ns = (i64)p->budget_ns + MIN(s->left_ns, 0);
		s->deadline_ns = now_ns + p->period_ns;
	}
	renew(e, p);
}

static void edf_charge(void *queue, struct sched_entity *e, const struct sched_params *p,
		       u64 ran_ns, u64 now_ns, bool quantum_over)
{
	(void)queue, (void)now_ns, (void)quantum_over;
	if (!p->budget_ns)
		return;
	e->own.server.left_ns -= (i64)ran_ns;
	renew(e, p);
}

static void edf_replenish(void *queue, struct sched_entity *e, const struct sched_params *p,
			  u64 now_ns)
{
	struct sched_server *s = &e->own.server;

	(void)queue;
	s->left_ns += (i64)p->budget_ns;
	s->deadline_ns += p->period_ns;
	/* Periods that more urgent classes took are not made up for. */
	if (s->deadline_ns <= now_ns)
		s->deadline_ns = now_ns + p->period_ns;
	renew(e, p);
}

#define EDF(name_, cpus_least, queue_)                                                             \
	.name = #name_,                                                                            \
	.takes = {.cpus = {cpus_least, SCHED_CPUS_ALL},                                            \
		  .deadline_ns = {1, SCHED_DEADLINE_MAX_NS},                                       \
		  .budget_ns = {0, SCHED_SERVER_MAX_NS},                                           \
		  .period_ns = {0, SCHED_SERVER_MAX_NS}},                                          \
	.rule = TRACE_rule_earliest_deadline, .urgency = TRACE_sched_urgency_##name_,              \
	.passes = true, .queue = &(queue_), .queue_bytes = sizeof(queue_), .release = edf_release,                 \
	.charge = edf_charge, .replenish = edf_replenish, .enqueue = ordered_enqueue,              \
	.dequeue = ordered_dequeue, .peek = ordered_peek, .list = ordered_list

const struct sched_policy sched_edf = {EDF(edf, 0, edf_queue)};
const struct sched_policy sched_cedf = {EDF(cedf, 1, cedf_queue)};
