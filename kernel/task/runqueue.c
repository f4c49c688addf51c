/* The run queues of all classes in their shards, and the record of why a task was chosen. */
#include "base/panic.h"
#include "base/string.h"
#include "core/time.h"
#include "mm/page.h"
#include "task/executor.h"

struct shard shards[SHARDS_MAX];
unsigned shard_count = 1;
const struct sched_policy *policy_at[SCHED_CLASSES];
_Atomic u32 op_count;

static usize queue_bytes(unsigned urgency, unsigned shard)
{
	const struct sched_policy *p = policy_at[urgency];

	return !p || (p->single && shard) ? 0 : ALIGN_UP(p->queue_bytes, CACHE_LINE_BYTES);
}

static void shard_init(struct shard *s, unsigned number) NO_THREAD_SAFETY_ANALYSIS
{
	usize bytes = 0;
	u8 *memory;

	for (unsigned u = 0; u < SCHED_CLASSES; u++)
		bytes += queue_bytes(u, number);
	memory = page_alloc(page_order(bytes));
	if (!memory)
		panic("no memory for %zu bytes of run queues", bytes);
	memset(memory, 0, bytes);
	for (unsigned u = 0; u < SCHED_CLASSES; u++) {
		s->queue[u] = queue_bytes(u, number) ? memory : NULL;
		memory += queue_bytes(u, number);
	}
	/* relaxed: the other CPUs do not run yet */
	atomic_store_explicit(&s->top_rank, RANK_IDLE, memory_order_relaxed);
}

void runqueue_init(unsigned n)
{
	shard_count = n;
	for (unsigned u = 0; u < SCHED_CLASSES; u++)
		policy_at[u] = sched_policy_at(u);
	for (unsigned i = 0; i < n; i++)
		shard_init(&shards[i], i);
}

struct shard *runqueue_home(u32 id, const struct sched_policy *p)
{
	return &shards[p->single ? 0 : id % shard_count];
}

struct top shard_top(const struct shard *s)
{
	for (;; arch_relax()) {
		/* acquire: pairs with the release of the even version in publish */
		u32 version = atomic_load_explicit(&s->version, memory_order_acquire);
		/* relaxed: valid if the version is still the same */
		struct top t = {
			.place.rank = atomic_load_explicit(&s->top_rank, memory_order_relaxed),
			.place.order = atomic_load_explicit(&s->top_order, memory_order_relaxed),
			.tid = atomic_load_explicit(&s->top_tid, memory_order_relaxed),
			.pinned = atomic_load_explicit(&s->pinned, memory_order_relaxed) > 0,
			.version = version,
		};

		/* acquire fence: pairs with the release fence in publish */
		atomic_thread_fence(memory_order_acquire);
		if (!(version & 1) &&
		    atomic_load_explicit(&s->version, memory_order_relaxed) == version)
			return t;
	}
}

static bool before(u64 rank, u64 order, u64 other_rank, u64 other_order)
{
	return rank < other_rank || (rank == other_rank && order < other_order);
}

/* Publishes that @p t is in @p s now, or was until now; @p first: what is most urgent now; NULL:
 * what was. All relaxed but for the version, which pairs with shard_top. */
static void publish(struct shard *s, const struct task *t, int change, const struct task *first,
		    bool empty) REQUIRES(s->lock)
{
	u32 version = atomic_load_explicit(&s->version, memory_order_relaxed);
	u32 waiting = atomic_load_explicit(&s->waiting, memory_order_relaxed);
	u32 pinned = atomic_load_explicit(&s->pinned, memory_order_relaxed);

	atomic_store_explicit(&s->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&s->waiting, waiting + (u32)change, memory_order_relaxed);
	if (is_pinned(t))
		atomic_store_explicit(&s->pinned, pinned + (u32)change, memory_order_relaxed);
	if (first || empty) {
		atomic_store_explicit(&s->top_rank, first ? rank_of(first) : RANK_IDLE,
				      memory_order_relaxed);
		atomic_store_explicit(&s->top_order, first ? first->entity.seq : 0,
				      memory_order_relaxed);
		atomic_store_explicit(&s->top_tid, first ? first->id : 0, memory_order_relaxed);
	}
	atomic_store_explicit(&s->version, version + 2, memory_order_release);
}

void runqueue_add(struct task *t, u8 why, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = t->home;
	unsigned u = t->policy->urgency;
	/* relaxed: written under this lock */
	u64 top_rank = atomic_load_explicit(&s->top_rank, memory_order_relaxed);
	u64 top_order = atomic_load_explicit(&s->top_order, memory_order_relaxed);
	bool first;

	t->state = TASK_READY;
	t->enqueue_why = why;
	t->queued_ns = now_ns;
	t->policy->enqueue(s->queue[u], &t->entity, why == TRACE_enqueue_why_preempt);
	s->classes |= 1u << u;
	s->queued[u]++;
	first = before(rank_of(t), t->entity.seq, top_rank, top_order);
	publish(s, t, 1, first ? t : NULL, false);
}

/* With a pinned task in the shard the old top stays: none comes before it, and a search for the
 * first whoever it is would have to be made for every CPU. */
void runqueue_remove(struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = t->home;
	unsigned u = t->policy->urgency;
	const struct task *first = NULL;
	bool exact;

	t->policy->dequeue(s->queue[u], &t->entity);
	if (!--s->queued[u])
		s->classes &= ~(1u << u);
	/* relaxed: written under this lock */
	exact = atomic_load_explicit(&s->pinned, memory_order_relaxed) == is_pinned(t);
	if (exact)
		first = shard_first(s, 0);
	publish(s, t, -1, first, exact && !first);
}

void runqueue_record(const struct task *t, u32 seq)
{
	TRACE_OP(seq, SCHED_ENQUEUE, sched_enqueue, .tid = (i32)t->id, .class = (u8)t->params.class,
		 .prio = t->params.level, .why = t->enqueue_why,
		 .at_head = t->enqueue_why == TRACE_enqueue_why_preempt, .key = t->entity.key,
		 .task_worker = t->worker ? t->worker->id : 0, .on_worker = worker_here(),
		 .order = t->entity.seq);
	if (is_pinned(t))
		TRACE_OP(seq, SCHED_AFFINITY, sched_affinity, .tid = (i32)t->id,
			 .cpus = t->entity.cpus);
}

static struct trace_candidate candidate(const struct task *t, u16 flags, u64 now_ns)
{
	u64 waited_us = flags & 1 ? 0 : (now_ns - t->queued_ns) / NS_PER_US;

	return (struct trace_candidate){
		.tid = (i32)t->id,
		.class = (u8)t->params.class,
		.prio = t->params.level,
		.flags = flags | (t->worker ? 2 : 0),
		.key = t->entity.key,
		.waited_us = (u32)MIN(waited_us, UINT32_MAX),
		.order = t->entity.order,
	};
}

/* The most urgent of the tasks that wait in @p s and may run here. */
static unsigned gather(const struct shard *s, struct trace_candidate *out, unsigned max, u64 now_ns)
	REQUIRES(s->lock)
{
	unsigned n = 0;

	for (u32 classes = s->classes; classes && n < max; classes &= classes - 1) {
		unsigned u = (unsigned)__builtin_ctz(classes);
		struct sched_entity *best[TRACE_CANDIDATES_MAX];
		unsigned found = policy_at[u]->list(s->queue[u], cpu_id(), best, max - n);

		for (unsigned i = 0; i < found; i++)
			out[n++] = candidate(CONTAINER_OF(best[i], struct task, entity), 0, now_ns);
	}
	return n;
}

/* What set the chosen one apart from the most urgent of the others. */
static u8 rule_for(const struct trace_candidate *all, unsigned n, const struct task *chosen)
{
	const struct trace_candidate *rival = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct trace_candidate *r = &all[i];

		if (r->tid == (i32)chosen->id)
			continue;
		if (!rival || r->class < rival->class ||
		    (r->class == rival->class && r->key < rival->key))
			rival = r;
	}
	if (!rival)
		return TRACE_rule_only_candidate;
	if (rival->class != chosen->params.class)
		return TRACE_rule_higher_class;
	return rival->key == chosen->entity.key ? TRACE_rule_first_come : chosen->policy->rule;
}

static u32 waiting_everywhere(void)
{
	u32 n = 0;

	/* relaxed: for people */
	for (unsigned i = 0; i < shard_count; i++)
		n += atomic_load_explicit(&shards[i].waiting, memory_order_relaxed);
	return n;
}

void decision_record(u32 seq, const struct task *prev, const struct task *next, u64 now_ns)
	NO_THREAD_SAFETY_ANALYSIS
{
	struct trace_candidate all[TRACE_CANDIDATES_MAX];
	struct trace_sched_decision d = {
		.seq = seq,
		.rule = TRACE_rule_queue_empty,
		.chosen = 255,
		.waiting = waiting_everywhere() + (prev != NULL),
	};
	unsigned n = 0;

	if (next) {
		n = gather(next->home, all, TRACE_CANDIDATES_MAX - (prev != NULL), now_ns);
		if (prev)
			all[n++] = candidate(prev, 1, now_ns);
		d.rule = rule_for(all, n, next);
		d.class = (u8)next->params.class;
		d.chosen = 0;
	}
	if (trace_level == TRACE_FULL)
		d.candidates_len = (u8)n;
	trace_record(TRACE_EV_SCHED_DECISION, &d, sizeof d, all,
		     d.candidates_len * sizeof all[0]);
}
