#include "task/server.h"
#include "task/runqueue.h"

void server_record(const struct task *t, u32 seq)
{
	const struct sched_server *s = &t->entity.own.server;

	if (t->params.budget_ns)
		TRACE_OP(seq, SCHED_SERVER, sched_server, .tid = (i32)t->id,
			 .left_ns = (u64)MAX(s->left_ns, 0), .deadline_ns = s->deadline_ns,
			 .resume_ns = s->resume_ns);
}

void server_park(struct task *t, u32 seq)
{
	t->state = TASK_THROTTLED;
	server_record(t, seq);
	TRACE_OP(seq, SCHED_DEQUEUE, sched_dequeue, .tid = (i32)t->id);
}

/* Until it has fired nobody else has anything to do with t, so its time needs no lock. */
void server_arm(struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	timer_arm(&t->server->timer, t->entity.own.server.resume_ns);
}

static void expire(struct timer *timer)
{
	struct task *t = CONTAINER_OF(timer, struct server, timer)->task;
	struct wanted w;
	u32 seq;

	home_lock(t);
	t->policy->replenish(queue_of(t), &t->entity, &t->params, clock_ns());
	if (server_throttles(t)) {
		server_record(t, op_seq(traced()));
		home_unlock(t);
		server_arm(t);
		return;
	}
	runqueue_add(t, false);
	w = wanted(t);
	seq = op_seq(traced());
	server_record(t, seq);
	runqueue_record(t, TRACE_enqueue_why_replenish, seq);
	home_unlock(t);
	(void)hint_for(w); /* the end of this interrupt looks */
}

void server_init(struct task *t, void *memory)
{
	struct server *s = memory;

	s->task = t;
	timer_init(&s->timer, expire);
	__atomic_store_n(&t->server, s, __ATOMIC_RELEASE); /* see lock_and_stop, executor_preempt */
}
