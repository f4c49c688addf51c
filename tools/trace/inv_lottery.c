/* Lottery (P8): every draw made again, from the seed of the run. Judged while nothing was lost. */
#include "inv_model.h"

#define UNIT_BITS 40

static bool drawn(const struct inv *v, const struct model_task *t)
{
	return t->class == TRACE_sched_class_lottery && v->complete && t->params_known &&
	       t->share && t->quantum_ns;
}

/* Vigna's splitmix64 (2015). */
static u64 draw(struct inv *v)
{
	u64 z;

	if (!v->random)
		v->random = v->config.seed * 2 + 1;
	z = v->random += 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) | 1;
}

/* -log2(n / 2^64) in units of 2^-32; n is not 0. */
static u64 minus_log2(u64 n)
{
	unsigned zeros = (unsigned)__builtin_clzll(n);
	u64 x = n << zeros, fraction = 0;

	for (unsigned i = 0; i < 32; i++) {
		struct product square = product(x, x);
		u64 two = square.high >> 63;

		fraction = fraction << 1 | two;
		x = two ? square.high : square.high << 1 | square.low >> 63;
	}
	return (((u64)zeros + 1) << 32) - fraction;
}

/* The finish in the race that is on, sooner for who used only a part of its quantum. */
static void enter(struct inv *v, struct model_task *t)
{
	u64 part = t->used_ns ? t->used_ns * 1024 / t->quantum_ns : 1024;
	u64 finish = minus_log2(draw(v)) << (UNIT_BITS - 32);

	part = MAX(1, MIN(part, 1024));
	t->used_ns = 0;
	t->key = v->race + finish / 1024 * part / t->share;
}

static void judge(struct inv *v, struct model_task *t, u64 key)
{
	if (inv_broken(v, RULE_P8, key != t->key))
		inv_say(v, RULE_P8, t, "%t drew %k, but the seed of the run gives %k", t, key, t->key);
	t->key = key;
}

void lottery_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p)
{
	if (!drawn(v, t))
		return;
	if (p->at_head)
		t->key = MIN(t->key, v->race);
	else
		enter(v, t);
	judge(v, t, p->key);
}

void lottery_charge(struct inv *v, struct model_task *t, const struct trace_sched_charge *p)
{
	if (!drawn(v, t))
		return;
	t->used_ns += MIN(p->ran_ns, 10 * NS_PER_S);
	if (p->quantum_over)
		enter(v, t);
	judge(v, t, p->key);
}

void lottery_pick(struct inv *v, const struct model_task *t)
{
	if (!drawn(v, t))
		return;
	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];

		if (o->class == t->class && model_before(v, o, t))
			return;
	}
	v->race = MAX(v->race, t->key);
}
