/*
 * Looks: how a CPU finds the most urgent of the tasks that it may run.
 *
 * One pass over the tops finds the shard; under its lock the task that it holds for this CPU is
 * compared with what the pass saw of the others: if another came first meanwhile, the pass is
 * made again. The top of a shard with pinned tasks may be of one that may not run here; then its
 * first for this CPU is found under its lock, and counts until the shard's version changes.
 *
 * So whoever was queued before the look, and still is at its end, does not come before the task
 * that is taken. For those queued meanwhile see hint.c: when the promise becomes less urgent, the
 * tops are read once more before the task is taken. Each repetition is due to a task that another
 * CPU queued or took, so some CPU always gets on.
 */
#include "task/executor.h"

/* What a pass saw. */
struct pass {
	struct place place;	/* the first that will do ... */
	struct shard *shard;	/* ... and where; NULL: none */
	u64 exact;		/* bit i: shard i holds pinned tasks, and its first was compared ... */
	u32 version[SHARDS_MAX]; /* ... when it had this version */
};

static bool before(struct place a, struct place b)
{
	return a.rank < b.rank || (a.rank == b.rank && a.order < b.order);
}

static struct place place_of(const struct task *t)
{
	return (struct place){rank_of(t), t->entity.seq};
}

/* The first of @p s for CPU @p cpu, and the version for which that holds; false: none. */
static bool first_exact(struct shard *s, unsigned cpu, struct place *first, u32 *version)
	NO_THREAD_SAFETY_ANALYSIS
{
	const struct task *t;

	(void)spin_lock(&s->lock);
	t = shard_first(s, cpu);
	if (t)
		*first = place_of(t);
	/* relaxed: written under this lock */
	*version = atomic_load_explicit(&s->version, memory_order_relaxed);
	spin_unlock_raw(&s->lock);
	return t;
}

static void pass(struct pass *p, unsigned cpu, u64 below)
{
	p->place = (struct place){below, 0};
	p->shard = NULL;
	p->exact = 0;
	for (unsigned i = 0; i < shard_count; i++) {
		struct top top = shard_top(&shards[i]);

		if (!before(top.place, p->place))
			continue;
		if (top.pinned) {
			p->exact |= 1ull << i;
			if (!first_exact(&shards[i], cpu, &top.place, &p->version[i]) ||
			    !before(top.place, p->place))
				continue;
		}
		p->place = top.place;
		p->shard = &shards[i];
	}
}

/* True when something that the pass did not see may come before @p place. */
static bool overtaken(const struct pass *p, struct place place)
{
	for (unsigned i = 0; i < shard_count; i++) {
		struct top top = shard_top(&shards[i]);

		if (&shards[i] == p->shard || !before(top.place, place))
			continue;
		if (!(p->exact >> i & 1) || top.version != p->version[i])
			return true;
	}
	return false;
}

struct shard *look_around(unsigned cpu, u64 below, struct place *first)
{
	struct pass p;

	pass(&p, cpu, below);
	*first = p.place;
	return p.shard;
}

void look_begin(struct look *l, struct cpu *c)
{
	/* acquire: pairs with the release in give (hint.c) */
	u32 hints = atomic_load_explicit(&c->hints, memory_order_acquire);

	l->cpu = c;
	l->spent = hints - c->hints_seen;
	c->hints_seen = hints;
	TRACE_OP(op_seq(), SCHED_LOOK, sched_look, .hinted = hints);
}

/* The tops must be read behind the promise. */
static bool must_read_again(struct cpu *c, u64 rank)
{
	if (!promise_set(c, rank))
		return false;
	/* seq_cst: pairs with the fence in hint_for */
	atomic_thread_fence(memory_order_seq_cst);
	return true;
}

/* Under the only lock: who queues a task later sees the promise. */
static struct task *take_from(const struct look *l, struct shard *s, bool held)
	NO_THREAD_SAFETY_ANALYSIS
{
	struct task *t;

	if (!held)
		(void)spin_lock(&s->lock);
	t = shard_first(s, l->cpu->id);
	if (t && rank_of(t) >= l->below)
		t = NULL;
	(void)promise_set(l->cpu, t ? rank_of(t) : l->otherwise);
	if (!t)
		spin_unlock_raw(&s->lock);
	return t;
}

struct task *look_take(const struct look *l, struct shard *held) NO_THREAD_SAFETY_ANALYSIS
{
	struct pass p;

	if (shard_count == 1)
		return take_from(l, &shards[0], held);
	for (;;) {
		struct task *t;
		struct shard *s;

		pass(&p, l->cpu->id, l->below);
		s = p.shard;
		if (!s) {
			struct place none = {l->below, 0};

			if (must_read_again(l->cpu, l->otherwise) && overtaken(&p, none))
				continue;
			return NULL;
		}
		(void)spin_lock(&s->lock);
		t = shard_first(s, l->cpu->id);
		if (t && !before(p.place, place_of(t)) &&
		    !(must_read_again(l->cpu, rank_of(t)) && overtaken(&p, place_of(t))))
			return t;
		spin_unlock_raw(&s->lock);
	}
}

void look_end(const struct look *l, bool chose)
{
	if (l->spent)
		hint_rest();
	if (l->spent || !chose)
		TRACE_OP(op_seq(), SCHED_SETTLED, sched_settled, .rsv = 0);
}
