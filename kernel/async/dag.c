/* Building DAGs and taking them apart. */
#include "async/dag_impl.h"
#include "base/printf.h"
#include "base/string.h"

static struct spin dags_lock;
static struct list dags VAR_GUARDED_BY(dags_lock) = LIST_INIT(dags); /* those that run */
static u32 last_number VAR_GUARDED_BY(dags_lock);

static const struct {
	const char *what, *advice;
} texts[DAG_ERROR_CODES] = {
#define X(code, what, advice) {what, advice},
	DAG_ERRORS(X)
#undef X
};

const char *dag_error_what(enum dag_error_code code)
{
	return texts[code].what;
}

const char *dag_error_advice(enum dag_error_code code)
{
	return texts[code].advice;
}

unsigned dag_errors(const struct dag *d, const struct dag_error **e)
{
	*e = d->errors;
	return MIN(d->error_count, DAG_ERRORS_MAX);
}

int dag_create(const struct dag_params *p, struct dag **result)
{
	TASK_SHIELD();
	struct dag *d = kzalloc(sizeof *d);

	if (!d)
		return ERR_NOMEM;
	d->params = *p;
	list_init(&d->link);
	list_init(&d->nodes);
	timer_init(&d->timer, dag_due);
	d->owned.release = dag_maker_ended;
	if (task_current())
		task_own(task_current(), &d->owned);
	*result = d;
	return 0;
}

static u32 count(const char *const *topics)
{
	u32 n = 0;

	while (topics && topics[n])
		n++;
	return n;
}

/* A node and its arrays are one block. */
static struct dag_node *node_new(const struct dag_reactor *r)
{
	u32 ins = count(r->inputs), outs = count(r->outputs);
	struct dag_node *n = kzalloc(sizeof *n + ins * (sizeof *n->in + sizeof(void *)) +
				     outs * (sizeof *n->out + sizeof(void *)));

	if (!n)
		return NULL;
	n->spec = *r;
	n->ins = ins;
	n->outs = outs;
	n->in = (struct dag_input *)(n + 1);
	n->out = (struct dag_output *)(n->in + ins);
	n->in_payload = (const void **)(n->out + outs);
	n->out_payload = (void **)(n->in_payload + ins);
	for (u32 i = 0; i < ins; i++)
		n->in[i].node = n;
	return n;
}

static int add(struct dag *d, const struct dag_reactor *r, u8 part, u64 time_ns,
	       struct dag_node **special)
{
	TASK_SHIELD();
	struct dag_node *n = d->finished ? NULL : node_new(r);

	if (!n)
		return d->finished ? ERR_BUSY : ERR_NOMEM;
	n->dag = d;
	n->part = part;
	n->time_ns = time_ns;
	n->number = d->node_count++;
	n->owned.release = dag_node_ended;
	list_add_tail(&d->nodes, &n->link);
	if (special && !*special)
		*special = n;
	return 0;
}

int dag_add(struct dag *d, const struct dag_reactor *r)
{
	return add(d, r, TRACE_dag_part_reactor, 0, NULL);
}

int dag_source(struct dag *d, const struct dag_reactor *r, u64 period_ns)
{
	return add(d, r, TRACE_dag_part_source, period_ns, &d->source);
}

int dag_sink(struct dag *d, const struct dag_reactor *r, u64 deadline_ns)
{
	return add(d, r, TRACE_dag_part_sink, deadline_ns, &d->sink);
}

struct topic_params dag_topic_params(const struct dag *d, u32 bytes)
{
	return (struct topic_params){.message_bytes = (u32)sizeof(struct dag_message) + bytes,
				     .queue = d->in_flight,
				     .overwrite = true};
}

static bool publishes(const struct dag *d, const char *topic)
{
	LIST_FOR_EACH(it, &d->nodes)
	for (u32 o = 0; o < DAG_NODE(it)->outs; o++)
		if (!strcmp(DAG_NODE(it)->spec.outputs[o], topic))
			return true;
	return false;
}

static void mistake(struct dag *d, enum dag_error_code code, const struct dag_node *n,
		    const char *topic)
{
	if (d->error_count < DAG_ERRORS_MAX)
		d->errors[d->error_count] = (struct dag_error){code, n->spec.name, topic, NULL};
	d->error_count++;
}

static void check_others(struct dag *d) REQUIRES(dags_lock)
{
	LIST_FOR_EACH(other, &dags)
	LIST_FOR_EACH(it, &d->nodes)
	for (u32 o = 0; o < DAG_NODE(it)->outs; o++) {
		const char *topic = DAG_NODE(it)->spec.outputs[o];

		if (publishes(LIST_ENTRY(other, struct dag, link), topic))
			mistake(d, DAG_ERR_TOPIC_OF_ANOTHER, DAG_NODE(it), topic);
	}
}

/* Among those that run, unless one of them has a topic of the same name. */
static int enlist(struct dag *d)
{
	bool irqs = spin_lock(&dags_lock);

	check_others(d);
	if (!d->error_count) {
		d->number = ++last_number;
		list_add_tail(&dags, &d->link);
	}
	spin_unlock(&dags_lock, irqs);
	return d->error_count ? ERR_INVAL : 0;
}

static void delist(struct dag *d)
{
	bool irqs = spin_lock(&dags_lock);

	list_del(&d->link);
	spin_unlock(&dags_lock, irqs);
}

static void print_mistakes(const struct dag *d)
{
	for (u32 i = 0; i < MIN(d->error_count, DAG_ERRORS_MAX); i++) {
		const struct dag_error *e = &d->errors[i];

		kprintf("dag %s: %s%s%s%s%s%s%s%s; %s\n", d->params.name,
			e->reactor ? "reactor " : "", e->reactor ? e->reactor : "",
			e->topic ? ", topic " : "", e->topic ? e->topic : "",
			e->reactor || e->topic ? ": " : "", texts[e->code].what,
			e->why ? ": " : "", e->why ? e->why : "", texts[e->code].advice);
	}
	if (d->error_count > DAG_ERRORS_MAX)
		kprintf("dag %s: and %u more\n", d->params.name, d->error_count - DAG_ERRORS_MAX);
}

/* The topic of one end, and room for a message of it. */
static int open_topic(struct dag *d, const struct dag_node *n, const char *name, u32 bytes,
		      struct topic **topic, struct dag_message **message)
{
	struct topic_params p = dag_topic_params(d, bytes);
	int err;

	*message = kzalloc(p.message_bytes);
	if (!*message)
		return ERR_NOMEM;
	err = topic_open(name, &p, topic);
	if (!err) {
		name_hand_on(&(*topic)->named); /* it is the DAG's */
		return 0;
	}
	*topic = NULL;
	if (err == ERR_INVAL)
		mistake(d, DAG_ERR_TOPIC_TAKEN, n, name);
	return err;
}

static int open_node(struct dag *d, struct dag_node *n)
{
	const struct dag_function *f = &n->spec.function;
	int err = 0;

	for (u32 i = 0; i < n->ins && !err; i++) {
		struct dag_input *in = &n->in[i];

		err = open_topic(d, n, n->spec.inputs[i], f->takes[i], &in->topic, &in->message);
		if (err)
			return err;
		n->in_payload[i] = in->message->payload;
		topic_listen(&in->subscription, in->topic, dag_arrived);
	}
	for (u32 o = 0; o < n->outs && !err; o++) {
		struct dag_output *out = &n->out[o];

		err = open_topic(d, n, n->spec.outputs[o], f->gives[o], &out->topic, &out->message);
		if (!err)
			n->out_payload[o] = out->message->payload;
	}
	return err;
}

/* Gives back what open_node took. @p listening: its task has not unsubscribed. */
static void close_node(struct dag_node *n, bool listening)
{
	for (struct dag_input *i = n->in; i < n->in + n->ins; i++) {
		if (i->topic && listening)
			topic_unsubscribe(&i->subscription);
		if (i->topic)
			topic_close(i->topic);
		kfree(i->message);
		i->topic = NULL;
		i->message = NULL;
	}
	for (struct dag_output *o = n->out; o < n->out + n->outs; o++) {
		if (o->topic)
			topic_close(o->topic);
		kfree(o->message);
		o->topic = NULL;
		o->message = NULL;
	}
}

static void live(struct dag *d, int more)
{
	bool irqs = spin_lock(&d->lock);

	d->live += (u32)more;
	spin_unlock(&d->lock, irqs);
}

static int spawn(struct dag_node *n)
{
	struct dag_frame frame = {.node = n};
	struct task_spec spec = {.name = n->spec.name,
				 .fn = dag_node_run,
				 .frame = &frame,
				 .frame_bytes = sizeof frame,
				 .owned = &n->owned,
				 .params = n->spec.params};
	int err;

	if (spec.params.class == SCHED_EDF || spec.params.class == SCHED_CEDF)
		spec.params.deadline_ns = n->dag->sink->time_ns;
	live(n->dag, 1);
	err = task_spawn(&spec, &n->task);
	if (!err)
		task_hand_on(n->task); /* the DAG's, which gives it back with the node */
	else
		live(n->dag, -1);
	return err;
}

/* The source comes last, when all that it sets going is there. */
static int spawn_all(struct dag *d)
{
	int err = 0;

	LIST_FOR_EACH(it, &d->nodes)
	{
		if (DAG_NODE(it) == d->source || err)
			continue;
		err = spawn(DAG_NODE(it));
	}
	d->first_ns = clock_ns();
	if (!err)
		err = spawn(d->source);
	if (!err)
		return 0;
	LIST_FOR_EACH(it, &d->nodes)
	if (DAG_NODE(it)->task)
		dag_node_end(DAG_NODE(it), 0);
	return err;
}

static int open_all(struct dag *d)
{
	int err = 0;

	d->stamps = kzalloc(d->in_flight * sizeof *d->stamps);
	if (!d->stamps)
		return ERR_NOMEM;
	LIST_FOR_EACH(it, &d->nodes)
	if (!err)
		err = open_node(d, DAG_NODE(it));
	return err;
}

int dag_finish(struct dag *d)
{
	TASK_SHIELD();
	int err;

	if (d->finished)
		return ERR_BUSY;
	err = dag_check(d);
	if (!err)
		err = enlist(d);
	if (!err) {
		d->finished = true;
		err = open_all(d);
		if (!err)
			return spawn_all(d);
		LIST_FOR_EACH(it, &d->nodes)
		close_node(DAG_NODE(it), true);
		delist(d);
		kfree(d->stamps);
		d->stamps = NULL;
		d->finished = false;
	}
	print_mistakes(d);
	return err;
}

bool dag_finished(const struct dag *d)
{
	return d->finished;
}

struct dag_stats dag_stats(struct dag *d)
{
	return SPIN_READ(&d->lock, d->stats);
}

void dag_free(struct dag *d)
{
	TASK_SHIELD();

	task_disown(&d->owned);
	delist(d);
	for (struct list *it = d->nodes.next, *next; it != &d->nodes; it = next) {
		struct dag_node *n = DAG_NODE(it);

		next = it->next;
		close_node(n, d->finished && !n->task);
		if (n->task)
			task_unref(n->task);
		kfree(n);
	}
	kfree(d->stamps);
	kfree(d);
}
