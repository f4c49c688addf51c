/* The run queues of all classes in their shards, and the record of why a task was chosen. */
#include "base/panic.h"
#include "base/string.h"
#include "core/time.h"
#include "mm/page.h"
#include "task/runqueue.h"

struct shard shards[SHARDS_MAX];
unsigned shard_count = 1;
bool alone;
const struct sched_policy *policy_at[SCHED_CLASSES];
u32 levels_classes;
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
	s->simple = levels_classes;
	s->shared = shard_count > 1;
	/* relaxed: the other CPUs do not run yet */
	atomic_store_explicit(&s->top_rank, RANK_IDLE, memory_order_relaxed);
}

void runqueue_init(unsigned n)
{
	shard_count = n;
	alone = n == 1 && cpu_count == 1;
	for (unsigned u = 0; u < SCHED_CLASSES; u++) {
		policy_at[u] = sched_policy_at(u);
		if (policy_at[u] && policy_at[u]->levels)
			levels_classes |= 1u << u;
	}
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
			.pinned = counted(&s->pinned) > 0,
			.version = version,
		};

		/* acquire fence: pairs with the release fence in publish */
		atomic_thread_fence(memory_order_acquire);
		if (!(version & 1) && counted(&s->version) == version)
			return t;
	}
}

/* @p first: what no waiting task comes before now; NULL: none waits. */
static void publish(struct shard *s, const struct task *first) REQUIRES(s->lock)
{
	u32 version = counted(&s->version);

	/* All relaxed but for the version, which pairs with shard_top. */
	atomic_store_explicit(&s->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&s->top_rank, first ? first->rank : RANK_IDLE,
			      memory_order_relaxed);
	atomic_store_explicit(&s->top_order, first ? place_of(first).order : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&s->version, version + 2, memory_order_release);
}

/* The same place, but a new version: what a CPU found for itself here may be wrong now. */
static void publish_change(struct shard *s) REQUIRES(s->lock)
{
	atomic_store_explicit(&s->version, counted(&s->version) + 2, memory_order_release);
}

void shard_publish_added(const struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = t->home;
	/* relaxed, both: written under this lock */
	struct place top = {atomic_load_explicit(&s->top_rank, memory_order_relaxed),
			    atomic_load_explicit(&s->top_order, memory_order_relaxed)};

	if (place_before(place_of(t), top))
		publish(s, t);
	else if (counted(&s->pinned))
		publish_change(s);
}

/* With a pinned task in the shard the old top stays: none comes before it, and to find the first
 * of all would take a search for each CPU. */
void shard_publish_removed(const struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = t->home;

	if (!counted(&s->pinned))
		publish(s, shard_first(s, 0));
}

struct task *shard_search(const struct shard *s, unsigned cpu)
{
	for (u32 classes = s->classes; classes; classes &= classes - 1) {
		unsigned u = (unsigned)__builtin_ctz(classes);
		struct sched_entity *e = policy_at[u]->peek(s->queue[u], cpu);

		if (e)
			return CONTAINER_OF(e, struct task, entity);
	}
	return NULL;
}

void runqueue_record(const struct task *t, u8 why, u32 seq)
{
	TRACE_OP(seq, SCHED_ENQUEUE, sched_enqueue, .tid = (i32)t->id, .class = (u8)t->params.class,
		 .prio = t->params.level, .why = why,
		 .at_head = why == TRACE_enqueue_why_preempt, .key = t->entity.key,
		 .task_worker = t->worker ? t->worker->id : 0, .on_worker = worker_here(),
		 .order = t->entity.seq);
	if (is_pinned(t))
		TRACE_OP(seq, SCHED_AFFINITY, sched_affinity, .tid = (i32)t->id,
			 .cpus = t->entity.cpus);
}

struct trace_candidate decision_candidate(const struct task *t, u16 flags, u64 now_ns)
{
	/* It is queued since it was released or left its CPU, whichever came last. */
	u64 since_ns = flags & 1 ? now_ns : MAX(t->release_ns, t->since_ns);
	u64 waited_us = since_ns < now_ns ? (now_ns - since_ns) / NS_PER_US : 0;

	return (struct trace_candidate){
		.tid = (i32)t->id,
		.class = (u8)t->params.class,
		.prio = t->params.level,
		.flags = flags | (t->worker ? 2 : 0),
		.key = t->entity.key,
		.waited_us = (u32)MIN(waited_us, UINT32_MAX),
		.order = (u32)t->entity.seq,
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
			out[n++] = decision_candidate(
				CONTAINER_OF(best[i], struct task, entity), 0, now_ns);
	}
	return n;
}

static unsigned urgency(const struct trace_candidate *c)
{
	return sched_policy_of(c->class)->urgency;
}

/* What set the chosen one apart from the most urgent of the others. */
static u8 rule_for(const struct trace_candidate *all, unsigned n, const struct task *chosen)
{
	const struct trace_candidate *rival = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct trace_candidate *r = &all[i];

		if (r->tid == (i32)chosen->id)
			continue;
		if (!rival || urgency(r) < urgency(rival) ||
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

	for (unsigned i = 0; i < shard_count; i++)
		for (unsigned u = 0; u < SCHED_CLASSES; u++)
			n += counted(&shards[i].queued[u]);
	return n;
}

void decision_record(u32 seq, const struct trace_candidate *prev, const struct task *next,
		     u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct trace_candidate all[TRACE_CANDIDATES_MAX];
	struct trace_sched_decision d = {
		.seq = seq,
		.rule = TRACE_rule_queue_empty,
		.chosen = 255,
		.waiting = waiting_everywhere() + (prev != NULL),
	};
	unsigned n = 0;

	/* relaxed: its own */
	if (atomic_load_explicit(&arch_cpu()->left_out, memory_order_relaxed))
		d.rule = TRACE_rule_leaves;
	if (next) {
		n = gather(next->home, all, TRACE_CANDIDATES_MAX - (prev != NULL), now_ns);
		if (prev)
			all[n++] = *prev;
		d.rule = rule_for(all, n, next);
		d.class = (u8)next->params.class;
		d.chosen = 0;
	}
	if (trace_level_now() == TRACE_FULL)
		d.candidates_len = (u8)n;
	trace_record(TRACE_EV_SCHED_DECISION, &d, sizeof d, all,
		     d.candidates_len * sizeof all[0]);
}
