/*
 * Fair and stride (P4, P5, P7): virtual times and their mean, from the definitions. The virtual time
 * of a task is its service over its weight, in 1/1024 ns; V is the mean of those of all whose jobs go
 * on, weighted. All of it is exact. Judged while nothing was lost.
 */
#include "inv_model.h"

#define SCALE 1024ull
#define LAG_MAX (1ll << 46) /* beyond, the kernel forgets; no trace that short gets there */
#define TASKS_MAX 4096u

static struct model_share *shares(struct inv *v, const struct model_task *t)
{
	unsigned is = t->class == TRACE_sched_class_fair ? 0 : 1;

	if (t->class != TRACE_sched_class_fair && t->class != TRACE_sched_class_stride)
		return NULL;
	return v->complete && t->params_known && v->tasks_n < TASKS_MAX ? &v->shares[is] : NULL;
}

static bool is_fair(const struct model_task *t)
{
	return t->class == TRACE_sched_class_fair;
}

static i64 floor_div(i64 a, i64 b)
{
	return a / b - (a % b < 0);
}

/* V, from what its members have. */
static void mean(struct inv *v, struct model_share *q, u8 class)
{
	i64 sum = 0;

	q->weight = 0;
	for (u32 i = 0; i < v->tasks_n; i++) {
		const struct model_task *t = &v->tasks[i];

		if (!t->member || t->class != class)
			continue;
		sum += (i64)(t->at - q->now) * t->share + t->rest;
		q->weight += t->share;
	}
	if (q->weight)
		q->now += (u64)floor_div(sum, (i64)q->weight);
}

/* Who comes and goes moves V, and what was promised begins anew if it holds now. */
static void begin_epoch(struct model_share *q)
{
	q->longest_ns = 0;
	q->fresh = true;
}

void share_release(struct inv *v, struct model_task *t)
{
	struct model_share *q = shares(v, t);
	i64 ahead;

	if (!q)
		return;
	if (!q->now)
		q->now = 1ull << 61;
	ahead = q->weight ? t->ahead + t->ahead * t->share / (i64)q->weight : 0;
	t->at = q->now + (u64)ahead;
	t->rest = 0;
	t->from = 0;
	t->member = true;
	if (!is_fair(t))
		t->key = t->at;
	mean(v, q, t->class);
	begin_epoch(q);
}

static u64 due(const struct model_task *t)
{
	return t->at + t->quantum_ns * SCALE / t->share;
}

/* A new request, for a quantum. */
static void request(struct model_task *t)
{
	t->from = t->at;
	t->key = due(t);
	t->served_ns = 0;
}

static void judge_key(struct inv *v, struct model_task *t, u64 key, const char *what)
{
	enum inv_rule rule = is_fair(t) ? RULE_P4 : RULE_P7;

	if (inv_broken(v, rule, key != t->key))
		inv_say(v, rule, t, "%t %s with key %k, but its service makes it %k", t, what, key, t->key);
}

/* A job that goes on has joined; @p key is what the kernel says it begins with. */
void share_params(struct inv *v, struct model_task *t, u64 key)
{
	if (!shares(v, t))
		return;
	share_release(v, t);
	if (is_fair(t))
		request(t);
	judge_key(v, t, key, "joins");
}

void share_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p)
{
	if (!shares(v, t) || !t->member)
		return;
	if (!is_fair(t))
		t->key = t->at;
	else if (!p->at_head)
		request(t);
	judge_key(v, t, p->key, "is queued");
}

/* P5, on one CPU: no lag beyond a request, as long as it was so when the last one came or went. */
static void judge_lags(struct inv *v, struct model_share *q)
{
	bool within = true;

	for (u32 i = 0; i < v->tasks_n; i++) {
		const struct model_task *t = &v->tasks[i];
		i64 lag;

		if (!t->member || !is_fair(t))
			continue;
		q->longest_ns = MAX(q->longest_ns, MAX(t->quantum_ns, t->served_ns));
		lag = (i64)(q->now - t->at) * t->share;
		if (lag <= (i64)(q->longest_ns * SCALE) &&
		    -lag <= (i64)(MAX(t->quantum_ns, t->served_ns) * SCALE) + t->share)
			continue;
		within = false;
		if (!q->fresh && !q->beyond)
			inv_say(v, RULE_P5, t, "%t is %s its share by %k ns, more than a request", t,
				lag > 0 ? "behind" : "ahead of", (u64)(lag > 0 ? lag : -lag) / SCALE);
	}
	if (!q->fresh && !q->beyond)
		v->counts.judged[RULE_P5]++;
	if (q->fresh || !within)
		q->beyond = !within;
	q->fresh = false;
}

void share_charge(struct inv *v, struct model_task *t, const struct trace_sched_charge *p)
{
	struct model_share *q = shares(v, t);
	u64 units = MIN(p->ran_ns, 60 * NS_PER_S) * SCALE;

	if (!q || !t->member)
		return;
	t->at += (units + t->rest) / t->share;
	t->rest = (u32)((units + t->rest) % t->share);
	t->served_ns += p->ran_ns;
	mean(v, q, t->class);
	if (is_fair(t) && v->cpus_n == 1)
		judge_lags(v, q);
	if (!is_fair(t))
		t->key = t->at;
	else if (p->quantum_over)
		request(t);
	judge_key(v, t, p->key, "is charged");
}

void share_leave(struct inv *v, struct model_task *t)
{
	struct model_share *q = shares(v, t);
	i64 most;

	if (!q || !t->member)
		return;
	t->ahead = (i64)(t->at - q->now);
	most = is_fair(t) ? (i64)(t->quantum_ns * SCALE / t->share) : LAG_MAX / t->share;
	t->ahead = MAX(is_fair(t) ? 0 : -most, MIN(t->ahead, most));
	t->member = false;
	mean(v, q, t->class);
	begin_epoch(q);
}

/* Whether fair serves @p a before @p b: who may be served by its virtual deadline, then the others. */
static bool served_before(const struct model_share *q, const struct model_task *a,
			  const struct model_task *b)
{
	bool a_may = a->from <= q->now, b_may = b->from <= q->now;

	if (a_may != b_may)
		return a_may;
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

void share_pick(struct inv *v, const struct model_task *t)
{
	const struct model_share *q = is_fair(t) ? shares(v, t) : NULL;
	const struct model_task *best = t;

	if (!q || !t->member)
		return;
	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];

		if (is_fair(o) && o->member && o->cpus >> v->now->cpu & 1 && served_before(q, o, best))
			best = o;
	}
	if (inv_broken(v, RULE_P4, best != t))
		inv_say(v, RULE_P4, t, "%t (from %k, due %k) is chosen, but %t (from %k, due %k) is to be served "
			"first: the virtual time is %k", t, t->from, t->key, best, best->from, best->key,
			q->now);
}

/* @p t goes on at the end of its quantum, on one CPU: nobody of its class who waits is before it. */
void share_stays(struct inv *v, const struct model_task *t)
{
	const struct model_share *q = shares(v, t);
	const struct model_cpu *c = model_here(v);

	if (!q || !t->member || v->cpus_n > 1)
		return;
	v->counts.judged[is_fair(t) ? RULE_P4 : RULE_P7]++;
	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];
		bool o_may = o->from <= q->now, t_may = t->from <= q->now;

		if (o->class != t->class || !o->member || !(o->cpus >> v->now->cpu & 1) ||
		    !seq_before(o->queued_seq, c->look) || o->exhausted)
			continue;
		if (is_fair(t) && o_may != t_may ? t_may : t->key < o->key)
			continue;
		inv_say(v, is_fair(t) ? RULE_P4 : RULE_P7, t,
			"%t (from %k, due %k) goes on after its quantum, but %t (from %k, due %k) is to be served "
			"first", t, t->from, t->key, o, o->from, o->key);
		return;
	}
}
