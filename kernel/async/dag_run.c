/*
 * What a DAG does when it runs. Whoever makes the next period of a reactor possible releases its
 * task, with the period's deadline: the timer, the sink or the source itself for the source;
 * the publisher of the last message that was missing, or the reactor itself, for the others. So
 * the job begins when its work is there and not before, and each period is a job of its own even
 * where its inputs were there while the last one ran.
 */
#include "async/dag_impl.h"
#include "base/string.h"

static struct dag_stamp *stamp_of(const struct dag *d, u64 number)
{
	return &d->stamps[number % d->in_flight];
}

static void try_grant(struct dag_node *n) REQUIRES(n->lock)
{
	if (!n->waits)
		return;
	if (n->failed || (n->ending && n->done == n->last))
		n->over = true;
	else if (n->filled < n->ins)
		return;
	n->waits = false;
	n->granted = true;
	if (n->over)
		task_wake(n->task);
	else
		task_wake_deadline(n->task, stamp_of(n->dag, n->done)->deadline_ns);
}

void dag_arrived(struct subscription *s)
{
	struct dag_input *i = CONTAINER_OF(s, struct dag_input, subscription);
	struct dag_node *n = i->node;
	bool irqs = spin_lock(&n->lock);

	n->filled += !i->waiting++;
	try_grant(n);
	spin_unlock(&n->lock, irqs);
}

void dag_node_end(struct dag_node *n, u64 last)
{
	bool irqs = spin_lock(&n->lock);

	n->ending = true;
	n->last = last;
	try_grant(n);
	spin_unlock(&n->lock, irqs);
}

static enum poll node_poll(struct awaitable *a)
{
	struct dag_node *n = CONTAINER_OF(a, struct dag_node, next);
	bool irqs = spin_lock(&n->lock), granted = n->granted;

	n->granted = false;
	if (!granted) {
		n->waits = true;
		try_grant(n);
	}
	spin_unlock(&n->lock, irqs);
	return granted ? POLL_READY : POLL_PENDING;
}

/* Fixes all that there is to know of the next period, and which one that is. */
static const struct dag_stamp *begin_period(struct dag *d, u64 due_ns, u64 now_ns) REQUIRES(d->lock)
{
	u64 period_ns = d->source->time_ns, late = 0;
	struct dag_stamp *s = stamp_of(d, d->stats.released);

	if (d->params.skip)
		late = (now_ns - due_ns) / period_ns;
	if (d->params.periods)
		late = MIN(late, d->params.periods - 1 - d->next_period);
	d->stats.skipped += late;
	d->next_period += late;
	due_ns += late * period_ns;
	*s = (struct dag_stamp){d->next_period++, due_ns, due_ns + d->sink->time_ns};
	d->stats.released++;
	d->stats.in_flight_most =
		MAX(d->stats.in_flight_most, d->stats.released - d->stats.done);
	TRACE(DAG_RELEASE, dag_release, .dag = d->number, .skipped = (u32)late, .period = s->period,
	      .release_ns = s->release_ns, .deadline_ns = s->deadline_ns);
	return s;
}

static void try_release(struct dag *d) REQUIRES(d->lock)
{
	u64 due_ns = d->first_ns + d->next_period * d->source->time_ns, now_ns = clock_ns();
	bool over = d->stopping || (d->params.periods && d->next_period == d->params.periods);
	const struct dag_stamp *s = NULL;

	if (!d->source_waits)
		return;
	if (!over) {
		if (d->stats.released - d->stats.done == d->in_flight)
			return;
		if (now_ns < due_ns) {
			if (!d->armed)
				timer_arm(&d->timer, due_ns);
			d->armed = true;
			return;
		}
		s = begin_period(d, due_ns, now_ns);
	}
	d->source_waits = false;
	d->source_granted = true;
	d->source->over = over;
	if (over)
		task_wake(d->source->task);
	else
		task_wake_deadline(d->source->task, s->deadline_ns);
}

void dag_due(struct timer *t)
{
	struct dag *d = CONTAINER_OF(t, struct dag, timer);
	bool irqs = spin_lock(&d->lock);

	d->armed = false;
	try_release(d);
	spin_unlock(&d->lock, irqs);
}

static enum poll source_poll(struct awaitable *a)
{
	struct dag *d = CONTAINER_OF(a, struct dag_node, next)->dag;
	bool irqs = spin_lock(&d->lock), granted = d->source_granted;

	d->source_granted = false;
	if (!granted) {
		d->source_waits = true;
		try_release(d);
	}
	spin_unlock(&d->lock, irqs);
	return granted ? POLL_READY : POLL_PENDING;
}

void dag_stop(struct dag *d)
{
	bool irqs = spin_lock(&d->lock);

	ASSERT(d->finished);
	d->stopping = true;
	try_release(d);
	spin_unlock(&d->lock, irqs);
}

/* If it was before its time, nobody frees the DAG: it ends, and goes with its last reactor. */
void dag_maker_ended(struct owned *o)
{
	struct dag *d = CONTAINER_OF(o, struct dag, owned);
	bool died = o->task->ending, empty, irqs;

	task_disown(o);
	if (!died)
		return;
	irqs = spin_lock(&d->lock);
	d->orphan = true;
	d->stopping = true;
	empty = !d->live;
	if (!empty)
		try_release(d);
	spin_unlock(&d->lock, irqs);
	if (empty)
		dag_free(d);
}

static void next_cancel(struct awaitable *a)
{
	(void)a; /* nobody selects on it: it belongs to dag_node_run */
}

static void collect(struct dag_node *n, const struct dag_stamp *s)
{
	for (struct dag_input *i = n->in; i < n->in + n->ins; i++) {
		int err = topic_try_receive(&i->subscription, i->message);
		bool irqs = spin_lock(&n->lock);

		n->filled -= !--i->waiting;
		spin_unlock(&n->lock, irqs);
		/* Fails when somebody who is not of the DAG publishes there. */
		ASSERT(!err && i->message->stamp.period == s->period);
	}
}

static void publish(struct dag_node *n, const struct dag_stamp *s)
{
	for (struct dag_output *o = n->out; o < n->out + n->outs; o++) {
		int err;

		o->message->stamp = *s;
		err = topic_try_publish(o->topic, o->message);
		ASSERT(!err); /* messages in a topic are never more than periods in flight */
	}
}

static void finish_period(struct dag *d, const struct dag_stamp *s)
{
	bool irqs = spin_lock(&d->lock);
	u64 now_ns = clock_ns(), response_ns = now_ns - s->release_ns;
	u64 late_ns = now_ns > s->deadline_ns ? now_ns - s->deadline_ns : 0;
	struct dag_stats *st = &d->stats;

	st->response_least_ns = st->done ? MIN(st->response_least_ns, response_ns) : response_ns;
	st->response_most_ns = MAX(st->response_most_ns, response_ns);
	st->response_sum_ns += response_ns;
	st->done++;
	st->missed += late_ns > 0;
	TRACE(DAG_DONE, dag_done, .dag = d->number, .missed = late_ns > 0, .period = s->period,
	      .response_ns = response_ns, .late_ns = late_ns);
	try_release(d);
	spin_unlock(&d->lock, irqs);
}

static void react(struct dag_node *n)
{
	struct dag_reaction r = {*stamp_of(n->dag, n->done), n->spec.arg, n->in_payload,
				 n->out_payload};
	u64 cpu_ns = task_cpu_ns();
	struct dag_stamp s = r.stamp;
	bool irqs, overrun;

	collect(n, &s);
	TRACE(DAG_REACT, dag_react, .dag = n->dag->number, .node = n->number,
	      .tid = (i32)n->task->id, .step = TRACE_dag_step_begin, .period = s.period);
	n->spec.function.run(&r);
	cpu_ns = task_cpu_ns() - cpu_ns;
	overrun = n->spec.budget_ns && cpu_ns > n->spec.budget_ns;
	TRACE(DAG_REACT, dag_react, .dag = n->dag->number, .node = n->number,
	      .tid = (i32)n->task->id, .step = TRACE_dag_step_end, .overrun = overrun,
	      .period = s.period, .cpu_ns = cpu_ns);
	if (overrun) {
		irqs = spin_lock(&n->dag->lock);
		n->dag->stats.overruns++;
		spin_unlock(&n->dag->lock, irqs);
	}
	irqs = spin_lock(&n->lock);
	n->done++;
	spin_unlock(&n->lock, irqs);
	publish(n, &s);
	if (n->part == TRACE_dag_part_sink)
		finish_period(n->dag, &s);
}

/* Without @p n nothing comes to an end any more: no period begins, and whoever waits for one ends. */
static void fail(struct dag_node *n)
{
	struct dag *d = n->dag;

	dag_stop(d);
	LIST_FOR_EACH(it, &d->nodes)
	{
		struct dag_node *other = DAG_NODE(it);
		bool irqs;

		if (other == n || other == d->source)
			continue;
		irqs = spin_lock(&other->lock);
		other->failed = true;
		try_grant(other);
		spin_unlock(&other->lock, irqs);
	}
}

void dag_node_ended(struct owned *o)
{
	struct dag_node *n = CONTAINER_OF(o, struct dag_node, owned);
	struct dag *d = n->dag;
	bool died = o->task->ending, last, irqs;

	task_disown(o);
	for (struct dag_input *i = n->in; i < n->in + n->ins; i++)
		topic_unsubscribe(&i->subscription);
	if (n == d->source)
		(void)timer_cancel(&d->timer);
	if (died)
		fail(n);
	else if (n == d->source)
		LIST_FOR_EACH(it, &d->nodes)
		if (DAG_NODE(it) != n)
			dag_node_end(DAG_NODE(it), n->done);
	irqs = spin_lock(&d->lock);
	last = !--d->live && d->orphan;
	spin_unlock(&d->lock, irqs);
	if (last)
		dag_free(d);
}

/* Before its first reaction, so that a reader knows what that may wait for. */
static void trace_node(const struct dag_node *n)
{
	struct trace_dag_node e = {.dag = n->dag->number,
				   .node = n->number,
				   .tid = (i32)n->task->id,
				   .part = n->part,
				   .time_ns = n->time_ns,
				   .budget_ns = n->spec.budget_ns};

	strlcpy(e.name, n->spec.name, sizeof e.name);
	trace_record(TRACE_EV_DAG_NODE, &e, sizeof e, NULL, 0);
	for (u32 i = 0; i < n->ins; i++) {
		struct trace_dag_edge edge = {n->dag->number, n->in[i].from->number, n->number, i, {0}};

		strlcpy(edge.topic, n->spec.inputs[i], sizeof edge.topic);
		trace_record(TRACE_EV_DAG_EDGE, &edge, sizeof edge, NULL, 0);
	}
}

enum poll dag_node_run(void *frame)
{
	struct dag_frame *me = frame;
	struct dag_node *n = me->node;

	ASYNC_BEGIN(me);
	n->next = (struct awaitable){n->part == TRACE_dag_part_source ? source_poll : node_poll,
				     next_cancel, TRACE_await_kind_dag};
	trace_node(n);
	for (;;) {
		AWAIT(me, &n->next);
		if (n->over)
			break;
		react(n);
	}
	ASYNC_END(me);
}

enum poll dag_join(void *frame)
{
	struct dag_join *me = frame;

	ASYNC_BEGIN(me);
	me->async.status = 0;
	for (me->at = me->dag->nodes.next; me->at != &me->dag->nodes; me->at = me->at->next) {
		if (!DAG_NODE(me->at)->task)
			continue;
		AWAIT(me, task_join(&me->join, DAG_NODE(me->at)->task));
		if (me->join.status)
			me->async.status = me->join.status;
	}
	ASYNC_RETURN(me, me->async.status);
}
