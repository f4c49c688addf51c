/*
 * Priority inheritance. One lock protects who owns what and who waits for what; it is taken only
 * when somebody has to wait. What an owner was by itself stands in the first of the locks that it
 * holds, and is read and written under the lock of its home, like all that orders it.
 *
 * A change goes up the chain: who was changed counts otherwise for the owners of what it waits for.
 * It ends where nothing changes. Tasks that wait for each other in a circle end it as well: an order
 * is handed on only to who is less urgent, and taken back only where nobody else gives it.
 */
#include "task/inherit.h"
#include "task/handover.h"

#define TODO_MAX 32u /* owners to be looked at; more wait only for who awaits as many locks at once */

bool inherit_default = true;

static struct spin inherit_lock; /* behind those of wait queues, before those of shards */

struct offer {
	u64 rank; /* RANK_IDLE: none */
	struct order order;
};

void inherit_init(struct inherit *r)
{
	*r = (struct inherit){.on = inherit_default};
	list_init(&r->donors);
}

/* Takes what @p t has to offer, if that is more urgent than @p best. */
static void consider(struct task *t, struct offer *best)
{
	home_lock(t);
	if (t->rank < best->rank) {
		best->rank = t->rank;
		best->order = (struct order){.params = t->params, .from_ns = clock_ns()};
		if (t->params.deadline_ns)
			best->order.from_ns = t->entity.key - t->params.deadline_ns;
	}
	home_unlock(t);
}

static struct offer best_offer(const struct task *t)
{
	struct offer best = {.rank = RANK_IDLE};

	for (const struct inherit *r = t->holds; r; r = r->next)
		LIST_FOR_EACH(it, &r->donors)
			consider(LIST_ENTRY(it, struct donor, link)->task, &best);
	return best;
}

/* The rank of @p t by itself. */
static u64 own_rank(const struct task *t) REQUIRES(t->home->lock)
{
	const struct own *own = t->own;
	struct sched_entity e = {.key = 0};

	if (!own)
		return t->rank;
	e.key = !own->params.deadline_ns ? own->key
		: own->params.budget_ns	 ? own->server.deadline_ns
					 : t->deadline_ns;
	return sched_rank(sched_policy_of(own->params.class), &e);
}

/* Keeps what @p t is by itself where it can stay: in the first lock that it holds. */
static void keep_own(struct task *t) REQUIRES(t->home->lock)
{
	struct own *place = &t->holds->own;

	if (!t->own)
		*place = (struct own){.params = t->params, .key = t->entity.key};
	else if (t->own != place)
		*place = *t->own;
	t->own = place;
}

static void give_back(struct task *t, struct order *o) REQUIRES(t->home->lock)
{
	o->params = t->own->params;
	if (o->params.budget_ns) {
		o->server = t->own->server;
		o->from_ns = clock_ns();
	} else {
		o->from_ns = o->params.deadline_ns ? t->deadline_ns - o->params.deadline_ns
						   : t->release_ns;
	}
	t->own = NULL;
}

static bool is_same(const struct task *t, const struct order *o) REQUIRES(t->home->lock)
{
	const struct sched_params *p = &t->params;

	return p->class == o->params.class && p->level == o->params.level &&
	       p->share == o->params.share && p->quantum_ns == o->params.quantum_ns &&
	       p->deadline_ns == o->params.deadline_ns &&
	       (!p->deadline_ns || t->own->from_ns == o->from_ns);
}

/* 1: @p t stays as it is. */
static int decide(struct task *t, const void *arg, struct order *o) NO_THREAD_SAFETY_ANALYSIS
{
	const struct offer *offer = arg;
	bool inherited = t->own;

	if (offer->rank >= own_rank(t)) {
		if (inherited)
			give_back(t, o);
		return !inherited;
	}
	keep_own(t);
	*o = offer->order;
	o->params.cpus = t->own->params.cpus;
	o->params.budget_ns = o->params.period_ns = 0;
	o->params.hard = false;
	o->left = inherited ? NULL : &t->own->server;
	if (inherited && is_same(t, o))
		return 1;
	t->own->from_ns = o->from_ns;
	return 0;
}

/* Orders @p first as it should be now, and then whoever that concerns. */
static void update(struct task *first) REQUIRES(inherit_lock)
{
	struct task *todo[TODO_MAX] = {first};
	bool changed = true; /* it may have been, for others */
	unsigned n = 1;

	for (; n; changed = false) {
		struct task *t = todo[--n];
		struct offer offer = best_offer(t);

		if (task_requeue(t, decide, &offer) && !changed)
			continue;
		for (const struct donor *d = t->waits; d && n < TODO_MAX; d = d->next)
			if (d->waits_for->owner)
				todo[n++] = d->waits_for->owner;
	}
}

/* @p r is among what its owner holds if somebody waits for it. */
static void hold(struct inherit *r) REQUIRES(inherit_lock)
{
	struct inherit **at;

	if (r->held || !r->owner || list_empty(&r->donors))
		return;
	for (at = &r->owner->holds; *at; at = &(*at)->next)
		;
	r->next = NULL;
	__atomic_store_n(at, r, __ATOMIC_RELAXED); /* see holds_contended */
	r->held = true;
}

static void let_go(struct inherit *r) REQUIRES(inherit_lock)
{
	struct inherit **at = &r->owner->holds;

	while (*at != r)
		at = &(*at)->next;
	__atomic_store_n(at, r->next, __ATOMIC_RELAXED); /* see holds_contended */
	r->held = false;
}

void inherit_own(struct inherit *r, struct task *t)
{
	struct task *was = r->held ? r->owner : NULL;

	if (!was && list_empty(&r->donors)) {
		r->owner = t;
		return;
	}
	spin_lock_raw(&inherit_lock);
	if (was)
		let_go(r);
	r->owner = t;
	hold(r);
	if (was)
		update(was);
	if (t)
		update(t);
	spin_unlock_raw(&inherit_lock);
}

void inherit_wait(struct inherit *r, struct donor *d, struct task *t)
{
	if (!r->on)
		return;
	spin_lock_raw(&inherit_lock);
	d->task = t;
	d->waits_for = r;
	d->next = t->waits;
	t->waits = d;
	list_add_tail(&r->donors, &d->link);
	hold(r);
	if (r->owner)
		update(r->owner);
	spin_unlock_raw(&inherit_lock);
}

void inherit_leave(struct donor *d)
{
	struct inherit *r = d->waits_for;
	struct donor **at;

	if (!r)
		return;
	spin_lock_raw(&inherit_lock);
	for (at = &d->task->waits; *at != d; at = &(*at)->next)
		;
	*at = d->next;
	d->waits_for = NULL;
	list_del(&d->link);
	if (r->held && list_empty(&r->donors))
		let_go(r);
	if (r->owner)
		update(r->owner);
	spin_unlock_raw(&inherit_lock);
}

void inherit_keep(struct task *t, struct order *o)
{
	u64 cpus = o->params.cpus;

	*t->own = (struct own){.params = o->params, .from_ns = t->own->from_ns};
	if (sched_policy_of(o->params.class)->levels)
		t->own->key = SCHED_LEVELS - 1u - o->params.level;
	o->params = t->params;
	o->params.cpus = cpus;
	o->from_ns = t->params.deadline_ns ? t->own->from_ns : clock_ns();
}

void inherit_changed(struct task *t)
{
	bool irqs = spin_lock(&inherit_lock);

	update(t);
	spin_unlock(&inherit_lock, irqs);
}
