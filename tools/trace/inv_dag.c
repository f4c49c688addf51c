/* Rule D: what the events of DAGs say, held against the graph that they describe. Judged while
 * nothing was lost; a DAG or reactor for which there is no room is left out. */
#include "inv_model.h"

static struct model_dag *dag_of(struct inv *v, u32 number)
{
	struct model_dags *all = &v->dags;

	for (unsigned i = 0; i < all->dags_n; i++)
		if (all->dags[i].number == number)
			return &all->dags[i];
	if (all->dags_n == ARRAY_LEN(all->dags)) {
		v->counts.untracked++;
		return NULL;
	}
	all->dags[all->dags_n].number = number;
	return &all->dags[all->dags_n++];
}

static struct model_node *node_of(struct inv *v, u32 dag, u32 number)
{
	struct model_dags *all = &v->dags;

	for (unsigned i = 0; i < all->nodes_n; i++)
		if (all->nodes[i].dag == dag && all->nodes[i].number == number)
			return &all->nodes[i];
	return NULL;
}

static void on_node(struct inv *v, const struct trace_dag_node *p)
{
	struct model_dags *all = &v->dags;
	struct model_dag *d = dag_of(v, p->dag);
	struct model_task *t = model_find(v, p->tid);

	if (t)
		t->in_dag = true;
	if (!d || all->nodes_n == ARRAY_LEN(all->nodes)) {
		v->counts.untracked++;
		return;
	}
	all->nodes[all->nodes_n++] = (struct model_node){.dag = p->dag, .number = p->node};
	if (p->part == TRACE_dag_part_source)
		d->period_ns = p->time_ns;
	if (p->part == TRACE_dag_part_sink) {
		d->deadline_ns = p->time_ns;
		d->sink = p->node;
		d->sink_known = true;
	}
}

static void on_edge(struct inv *v, const struct trace_dag_edge *p)
{
	struct model_dags *all = &v->dags;

	if (all->edges_n == ARRAY_LEN(all->edges))
		v->counts.untracked++;
	else
		all->edges[all->edges_n++] = (struct model_edge){p->dag, p->from, p->to};
}

static void on_release(struct inv *v, const struct trace_dag_release *p)
{
	struct model_dag *d = dag_of(v, p->dag);
	const struct model_period *last;

	if (!d)
		return;
	last = &d->periods[(d->released - 1) % ARRAY_LEN(d->periods)];
	if (p->period != (d->released ? last->period + 1 : 0) + p->skipped)
		inv_say(v, RULE_D, NULL, "DAG %u: period %k does not follow the last one and the %u skipped",
			p->dag, p->period, p->skipped);
	if (d->released && d->period_ns &&
	    p->release_ns - last->release_ns != (p->skipped + 1) * d->period_ns)
		inv_say(v, RULE_D, NULL, "DAG %u: period %k is due %k ns after the last, with periods of %k ns",
			p->dag, p->period, p->release_ns - last->release_ns, d->period_ns);
	if (d->sink_known && p->deadline_ns != p->release_ns + d->deadline_ns)
		inv_say(v, RULE_D, NULL, "DAG %u: the deadline of period %k is %k ns after its release, not %k",
			p->dag, p->period, p->deadline_ns - p->release_ns, d->deadline_ns);
	d->periods[d->released++ % ARRAY_LEN(d->periods)] =
		(struct model_period){p->period, p->release_ns, p->deadline_ns};
}

/* The period that comes after @p done others, NULL when it is not known, or not any more. */
static const struct model_period *period_at(const struct model_dag *d, u64 done)
{
	if (done >= d->released || d->released - done > ARRAY_LEN(d->periods))
		return NULL;
	return &d->periods[done % ARRAY_LEN(d->periods)];
}

static void on_begin(struct inv *v, const struct model_dag *d, const struct model_node *n,
		     const struct trace_dag_react *p)
{
	const struct model_period *is = period_at(d, n->done);
	const struct model_task *t = model_find(v, p->tid);

	if (n->done >= d->released)
		inv_say(v, RULE_D, t, "%t, reactor %u of DAG %u, reacts to period %k, which was not released",
			t, p->node, p->dag, p->period);
	else if (is && p->period != is->period)
		inv_say(v, RULE_D, t, "%t, reactor %u of DAG %u, reacts to period %k, but %k is its next one",
			t, p->node, p->dag, p->period, is->period);
	if (is && t && t->released && t->job_open && t->deadline != is->deadline_ns)
		inv_say(v, RULE_D, t, "%t, reactor %u of DAG %u, reacts to period %k with deadline %k ns, but "
			"the period's is %k ns", t, p->node, p->dag, p->period, t->deadline,
			is->deadline_ns);
	for (unsigned i = 0; i < v->dags.edges_n; i++) {
		const struct model_edge *e = &v->dags.edges[i];
		const struct model_node *from = e->dag == p->dag && e->to == p->node
						? node_of(v, e->dag, e->from) : NULL;

		if (from && from->done <= n->done)
			inv_say(v, RULE_D, t, "%t, reactor %u of DAG %u, reacts to period %k before reactor %u, "
				"which it waits for, is done with it", t, p->node, p->dag, p->period, e->from);
	}
}

static void on_react(struct inv *v, const struct trace_dag_react *p)
{
	const struct model_dag *d = dag_of(v, p->dag);
	struct model_node *n = node_of(v, p->dag, p->node);

	if (!d || !n)
		return;
	if (p->step == TRACE_dag_step_begin)
		on_begin(v, d, n, p);
	if ((p->step == TRACE_dag_step_begin) == n->open)
		inv_say(v, RULE_D, model_find(v, p->tid), "reactor %u of DAG %u: begin and end of reactions do not "
			"take turns at period %k", p->node, p->dag, p->period);
	n->open = p->step == TRACE_dag_step_begin;
	n->done += !n->open;
}

static void on_done(struct inv *v, const struct trace_dag_done *p)
{
	struct model_dag *d = dag_of(v, p->dag);
	const struct model_node *sink = d ? node_of(v, p->dag, d->sink) : NULL;
	const struct model_period *is = d ? period_at(d, d->done) : NULL;
	u64 allowed_ns, late_ns;

	if (!d || !sink)
		return;
	d->done++;
	if (sink->done < d->done)
		inv_say(v, RULE_D, NULL, "DAG %u: period %k is done, but its sink is not done with it", p->dag,
			p->period);
	if (!is)
		return;
	if (is->period != p->period)
		inv_say(v, RULE_D, NULL, "DAG %u: period %k is done before period %k", p->dag, p->period,
			is->period);
	allowed_ns = is->deadline_ns - is->release_ns;
	late_ns = p->response_ns > allowed_ns ? p->response_ns - allowed_ns : 0;
	if (p->late_ns != late_ns || p->missed != (late_ns > 0))
		inv_say(v, RULE_D, NULL, "DAG %u: period %k took %k ns of %k ns, but is counted as %s", p->dag,
			p->period, p->response_ns, allowed_ns, p->missed ? "missed" : "in time");
}

void inv_dag(struct inv *v, const struct trace_event *e)
{
	if (!v->complete)
		return;
	v->counts.judged[RULE_D] += e->id == TRACE_EV_DAG_RELEASE || e->id == TRACE_EV_DAG_REACT ||
				    e->id == TRACE_EV_DAG_DONE;
	switch (e->id) {
	case TRACE_EV_DAG_NODE: on_node(v, TRACE_PAYLOAD(e, dag_node)); break;
	case TRACE_EV_DAG_EDGE: on_edge(v, TRACE_PAYLOAD(e, dag_edge)); break;
	case TRACE_EV_DAG_RELEASE: on_release(v, TRACE_PAYLOAD(e, dag_release)); break;
	case TRACE_EV_DAG_REACT: on_react(v, TRACE_PAYLOAD(e, dag_react)); break;
	case TRACE_EV_DAG_DONE: on_done(v, TRACE_PAYLOAD(e, dag_done)); break;
	}
}
