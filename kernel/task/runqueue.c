/* The run queues of all classes in their shards, and the record of why a task was chosen. */
#include "base/string.h"
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
	s->shared = shard_count > 1;
	s->simple = s->shared ? 0 : levels_classes;
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
