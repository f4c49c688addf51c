/* Whether a DAG is one, and can run. Topics are resolved first; what can be said without that is
 * said of each reactor by itself. All in O((reactors + topics)^2): it happens once. */
#include "async/dag_impl.h"
#include "base/string.h"
#include "core/cpu.h"

#define EACH_NODE(n, d)                                                                            \
	for (struct dag_node *n = DAG_NODE((d)->nodes.next); &n->link != &(d)->nodes;              \
	     n = DAG_NODE(n->link.next))
#define EACH_INPUT(i, n) for (struct dag_input *i = (n)->in; i < (n)->in + (n)->ins; i++)

static void mistake(struct dag *d, enum dag_error_code code, const struct dag_node *n,
		    const char *topic, const char *why)
{
	if (d->error_count < DAG_ERRORS_MAX)
		d->errors[d->error_count] =
			(struct dag_error){code, n ? n->spec.name : NULL, topic, why};
	d->error_count++;
}

static const char *name_of(const struct dag_input *i)
{
	return i->node->spec.inputs[i - i->node->in];
}

static u32 entries(const u32 *bytes)
{
	u32 n = 0;

	while (bytes && bytes[n])
		n++;
	return n;
}

static bool takes_right(const struct dag_node *n)
{
	return entries(n->spec.function.takes) == n->ins;
}

static bool gives_right(const struct dag_node *n)
{
	return entries(n->spec.function.gives) == n->outs;
}

static bool length_fits(const char *name, usize room)
{
	return name && *name && strlen(name) < room;
}

/* The first output of that name, NULL when nobody has it. */
static struct dag_node *publisher(const struct dag *d, const char *topic, u32 *output)
{
	EACH_NODE(n, d)
	for (u32 o = 0; o < n->outs; o++)
		if (!strcmp(n->spec.outputs[o], topic)) {
			*output = o;
			return n;
		}
	return NULL;
}

static void check_topics(struct dag *d, const struct dag_node *n, const char *const *topics,
			 u32 count, enum dag_error_code twice)
{
	for (u32 i = 0; i < count; i++) {
		if (!length_fits(topics[i], NAME_BYTES))
			mistake(d, DAG_ERR_BAD_NAME, n, topics[i], NULL);
		for (u32 k = 0; k < i; k++)
			if (!strcmp(topics[i], topics[k])) {
				mistake(d, twice, n, topics[i], NULL);
				break;
			}
	}
}

static void check_params(struct dag *d, struct dag_node *n)
{
	struct sched_params *p = &n->spec.params;
	char why[SCHED_WHY_BYTES];

	if (p->deadline_ns) {
		mistake(d, DAG_ERR_OWN_DEADLINE, n, NULL, NULL);
		return;
	}
	if ((p->class == SCHED_EDF || p->class == SCHED_CEDF) && d->sink)
		p->deadline_ns = d->sink->time_ns;
	if (sched_validate(p, why)) {
		mistake(d, DAG_ERR_BAD_PARAMS, n, NULL, d->why);
		strlcpy(d->why, why, sizeof d->why);
	}
	p->deadline_ns = 0;
}

static void check_alone(struct dag *d, struct dag_node *n)
{
	if (!length_fits(n->spec.name, DAG_NAME_BYTES))
		mistake(d, DAG_ERR_BAD_NAME, n, NULL, NULL);
	for (struct list *it = d->nodes.next; it != &n->link; it = it->next)
		if (!strcmp(DAG_NODE(it)->spec.name, n->spec.name))
			mistake(d, DAG_ERR_BAD_NAME, n, NULL, NULL);
	if (!n->spec.function.run)
		mistake(d, DAG_ERR_NO_FUNCTION, n, NULL, NULL);
	if (!takes_right(n))
		mistake(d, DAG_ERR_TAKES_OTHERWISE, n, NULL, NULL);
	if (!gives_right(n))
		mistake(d, DAG_ERR_GIVES_OTHERWISE, n, NULL, NULL);
	check_topics(d, n, n->spec.inputs, n->ins, DAG_ERR_INPUT_TWICE);
	check_topics(d, n, n->spec.outputs, n->outs, DAG_ERR_OUTPUT_TWICE);
	check_params(d, n);
	if (n->part == TRACE_dag_part_source && n->ins)
		mistake(d, DAG_ERR_SOURCE_WITH_INPUT, n, n->spec.inputs[0], NULL);
	if (n->part == TRACE_dag_part_sink && n->outs)
		mistake(d, DAG_ERR_SINK_WITH_OUTPUT, n, n->spec.outputs[0], NULL);
}

/* One source and one sink. A second one may also be a reactor that was added as neither. */
static void check_ends(struct dag *d)
{
	u32 sources = 0, sinks = 0;

	EACH_NODE(n, d)
	{
		if ((n->part == TRACE_dag_part_source || !n->ins) && sources++)
			mistake(d, DAG_ERR_MANY_SOURCES, n, NULL, NULL);
		if ((n->part == TRACE_dag_part_sink || !n->outs) && sinks++)
			mistake(d, DAG_ERR_MANY_SINKS, n, NULL, NULL);
	}
	if (!d->source)
		mistake(d, DAG_ERR_NO_SOURCE, NULL, NULL, NULL);
	if (!d->sink)
		mistake(d, DAG_ERR_NO_SINK, NULL, NULL, NULL);
}

/* Who publishes what. */
static void resolve(struct dag *d)
{
	u32 o = 0;

	EACH_NODE(n, d)
	for (o = 0; o < n->outs; o++)
		n->out[o].subscribers = 0;
	EACH_NODE(n, d)
	EACH_INPUT(i, n)
	{
		i->from = publisher(d, name_of(i), &i->from_output);
		if (!i->from) {
			mistake(d, DAG_ERR_NO_PUBLISHER, n, name_of(i), NULL);
			continue;
		}
		i->from->out[i->from_output].subscribers++;
		if (takes_right(n) && gives_right(i->from) &&
		    n->spec.function.takes[i - n->in] !=
			    i->from->spec.function.gives[i->from_output])
			mistake(d, DAG_ERR_MESSAGE_BYTES, n, name_of(i), NULL);
	}
	EACH_NODE(n, d)
	for (u32 k = 0; k < n->outs; k++) {
		struct dag_node *first = publisher(d, n->spec.outputs[k], &o);

		if (first != n)
			mistake(d, DAG_ERR_MANY_PUBLISHERS, n, n->spec.outputs[k], NULL);
		else if (!n->out[o].subscribers)
			mistake(d, DAG_ERR_NO_SUBSCRIBER, n, n->spec.outputs[k], NULL);
	}
}

/* Marks whatever has a way to @p n, along topics in either direction. */
static void flood(struct dag *d, struct dag_node *start)
{
	bool more = true;

	start->mark = 1;
	while (more) {
		more = false;
		EACH_NODE(n, d)
		EACH_INPUT(i, n)
		if (i->from && n->mark != i->from->mark) {
			n->mark = i->from->mark = 1;
			more = true;
		}
	}
}

static void check_connected(struct dag *d)
{
	EACH_NODE(n, d)
	n->mark = 0;
	flood(d, d->source ? d->source : DAG_NODE(d->nodes.next));
	EACH_NODE(n, d)
	if (!n->mark) {
		mistake(d, DAG_ERR_NOT_CONNECTED, n, NULL, NULL);
		flood(d, n);
	}
}

static bool pass_on(struct dag *d, struct dag_node *done)
{
	done->mark = 0;
	EACH_NODE(n, d)
	EACH_INPUT(i, n)
	if (i->from == done) {
		n->ways_open--;
		n->way_ns = MAX(n->way_ns, done->way_ns + n->spec.budget_ns);
	}
	return true;
}

/* Kahn's order (CACM 5(11), 1962): a reactor comes when all it waits for have come, and then the
 * longest way to it is known. Who never comes is in a circle, or behind one. */
static void check_order(struct dag *d)
{
	struct dag_node *at = NULL;
	struct dag_input *over = NULL;
	bool more = true;

	EACH_NODE(n, d)
	{
		n->mark = 1;
		n->ways_open = 0;
		n->way_ns = n->spec.budget_ns;
		EACH_INPUT(i, n)
		n->ways_open += i->from != NULL;
	}
	while (more) {
		more = false;
		EACH_NODE(n, d)
		if (n->mark && !n->ways_open)
			more = pass_on(d, n);
	}
	EACH_NODE(n, d)
	if (n->mark)
		at = n;
	/* Against the topics, as many steps as there are reactors: that ends in the circle. */
	for (u32 step = 0; at && step <= d->node_count; step++) {
		EACH_INPUT(i, at)
		if (i->from && i->from->mark)
			over = i;
		ASSERT(over);
		if (step < d->node_count)
			at = over->from;
	}
	if (at)
		mistake(d, DAG_ERR_CYCLE, at, name_of(over), NULL);
}

static bool time_fits(u64 ns)
{
	return ns && ns <= DAG_TIME_MAX_NS;
}

static void check_times(struct dag *d)
{
	u64 period_ns = d->source->time_ns, deadline_ns = d->sink->time_ns, sum_ns = 0;
	u64 in_flight = d->params.in_flight;

	if (!time_fits(period_ns))
		mistake(d, DAG_ERR_BAD_PERIOD, d->source, NULL, NULL);
	if (!time_fits(deadline_ns))
		mistake(d, DAG_ERR_BAD_DEADLINE, d->sink, NULL, NULL);
	if (d->error_count)
		return;
	if (!in_flight)
		in_flight = (deadline_ns + period_ns - 1) / period_ns + 1;
	if (in_flight > DAG_IN_FLIGHT_MAX)
		mistake(d, DAG_ERR_BAD_IN_FLIGHT, NULL, NULL, NULL);
	d->in_flight = (u32)in_flight;
	if (d->params.overload)
		return;
	if (d->sink->way_ns > deadline_ns)
		mistake(d, DAG_ERR_TOO_LONG, d->sink, NULL, NULL);
	EACH_NODE(n, d)
	{
		sum_ns += n->spec.budget_ns;
		if (n->spec.budget_ns > period_ns)
			mistake(d, DAG_ERR_OVERLOAD, n, NULL, NULL);
	}
	if (sum_ns > period_ns * cpu_count)
		mistake(d, DAG_ERR_OVERLOAD, d->sink, NULL, NULL);
}

int dag_check(struct dag *d)
{
	d->error_count = 0;
	if (list_empty(&d->nodes)) {
		mistake(d, DAG_ERR_EMPTY, NULL, NULL, NULL);
		return ERR_INVAL;
	}
	EACH_NODE(n, d)
	check_alone(d, n);
	check_ends(d);
	resolve(d);
	check_connected(d);
	check_order(d);
	if (!d->error_count)
		check_times(d);
	return d->error_count ? ERR_INVAL : 0;
}
