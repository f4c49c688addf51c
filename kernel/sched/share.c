#include "sched/share.h"

void share_join_era(const struct share_queue *q, struct sched_entity *e)
{
	struct sched_share *s = &e->own.share;

	for (; s->era != q->era; s->era++) {
		s->at -= MIN(s->at, SHARE_ERA_SPAN);
		s->from -= MIN(s->from, SHARE_ERA_SPAN);
		e->key -= MIN(e->key, SHARE_ERA_SPAN);
	}
}

static void begin_era(struct share_queue *q)
{
	struct tree old = q->waiting.tree;
	struct tree_node *n;

	q->waiting.tree.root = NULL;
	q->now -= SHARE_ERA_SPAN;
	q->era++;
	while ((n = old.root) != NULL) {
		struct sched_entity *e = ordered_entity(n);

		tree_remove(&old, n);
		share_join_era(q, e);
		n->key = e->key;
		n->floor = e->own.share.from;
		tree_insert(&q->waiting.tree, n);
	}
}

/* Takes @p weight * @p ahead into the sum, unless that is 100 days at the greatest weight. */
static void add_to_sum(struct share_queue *q, i64 ahead, u64 weight)
{
	i64 part;

	if (!__builtin_mul_overflow(ahead, (i64)weight, &part))
		q->rest += part;
}

/* Makes V the mean again. */
static void settle(struct share_queue *q)
{
	i64 weight = (i64)q->weight, step;

	if (!weight) {
		q->rest = 0;
		return;
	}
	step = q->rest / weight - (q->rest % weight < 0);
	q->now += (u64)step;
	q->rest -= step * weight;
	if (q->now >= 2 * SHARE_ERA_SPAN)
		begin_era(q);
}

/* How far @p e is ahead of V. */
static i64 ahead_of(const struct share_queue *q, struct sched_entity *e)
{
	share_join_era(q, e);
	return (i64)(e->own.share.at - q->now);
}

void share_join(struct share_queue *q, struct sched_entity *e, u32 weight, i64 ahead)
{
	struct sched_share *s = &e->own.share;

	if (!q->now)
		q->now = SHARE_ERA_SPAN; /* so that nobody is before 0 */
	/* Its coming moves V towards it; so it is placed farther off than it will be. */
	if (q->weight)
		ahead += ahead * (i64)weight / (i64)q->weight;
	else
		ahead = 0;
	s->era = q->era;
	s->weight = (u16)weight;
	s->rest = 0;
	s->from = 0;
	s->at = q->now + (u64)ahead;
	q->weight += weight;
	add_to_sum(q, ahead_of(q, e), weight);
	settle(q);
}

void share_charge(struct share_queue *q, struct sched_entity *e, u64 ran_ns)
{
	struct sched_share *s = &e->own.share;
	u64 units = MIN(ran_ns, SEC(60)) * SHARE_SCALE, total = units + s->rest;
	i64 limit = SHARE_LAG_MAX / s->weight, ahead;

	share_join_era(q, e);
	s->at += total / s->weight;
	s->rest = (u16)(total % s->weight);
	q->rest += (i64)units;
	settle(q);
	ahead = ahead_of(q, e);
	if (ahead > limit || ahead < -limit) {
		ahead -= ahead > 0 ? limit : -limit;
		s->at -= (u64)ahead;
		add_to_sum(q, -ahead, s->weight);
		settle(q);
		share_join_era(q, e);
	}
}

i64 share_leave(struct share_queue *q, struct sched_entity *e)
{
	const struct sched_share *s = &e->own.share;
	i64 ahead = ahead_of(q, e);

	q->weight -= s->weight;
	q->rest -= s->rest;
	add_to_sum(q, -ahead, s->weight);
	settle(q);
	return ahead;
}
