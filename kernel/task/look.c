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
#include "task/look.h"

/* What a pass saw. */
struct pass {
	struct place place;	/* the first that will do ... */
	struct shard *shard;	/* ... and where; NULL: none */
	u64 exact;		/* bit i: shard i holds pinned tasks, and its first was compared ... */
	u32 version[SHARDS_MAX]; /* ... when it had this version */
};

/* The first of @p s for CPU @p cpu, and the version for which that holds; false: none. */
static bool first_exact(struct shard *s, unsigned cpu, struct place *first, u32 *version)
	NO_THREAD_SAFETY_ANALYSIS
{
	const struct task *t;

	spin_lock_raw(&s->lock);
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

		if (!place_before(top.place, p->place))
			continue;
		if (top.pinned) {
			p->exact |= 1ull << i;
			if (!first_exact(&shards[i], cpu, &top.place, &p->version[i]) ||
			    !place_before(top.place, p->place))
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

		if (&shards[i] == p->shard || !place_before(top.place, place))
			continue;
		if (!(p->exact >> i & 1) || top.version != p->version[i])
			return true;
	}
	return false;
}

struct shard *look_around(unsigned cpu, u64 below, struct place *first)
{
	struct pass p = {.place = {below, 0}};
	u32 version;

	if (shard_count > 1) {
		pass(&p, cpu, below);
		*first = p.place;
		return p.shard;
	}
	return first_exact(&shards[0], cpu, first, &version) && place_before(*first, p.place) ? &shards[0]
											: NULL;
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

/* True when @p t, which is in its queue, goes on to be the one after all. */
static bool still_first(const struct look *l, const struct pass *p, const struct task *t)
	NO_THREAD_SAFETY_ANALYSIS
{
	if (!t || place_before(p->place, place_of(t)))
		return false;
	return !must_read_again(l->cpu, t->rank) || !overtaken(p, place_of(t));
}

struct task *look_take_any(const struct look *l) NO_THREAD_SAFETY_ANALYSIS
{
	struct place none = {l->below, 0};
	struct pass p;

	for (;;) {
		struct task *t;

		pass(&p, l->cpu->id, l->below);
		if (!p.shard) {
			if (must_read_again(l->cpu, l->otherwise) && overtaken(&p, none))
				continue;
			return NULL;
		}
		spin_lock_raw(&p.shard->lock);
		t = shard_first(p.shard, l->cpu->id);
		if (still_first(l, &p, t))
			return t;
		spin_unlock_raw(&p.shard->lock);
	}
}
