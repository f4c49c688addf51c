#include "sched_world.h"
#include "base/printf.h"
#include "base/string.h"
#include "mm/page.h"

struct task tasks[TASKS];
struct worker stacks[TASKS];
u32 hints_before[CPUS];
u64 sent;
bool others_swapped;
static _Alignas(64) u8 queues[1 << 16];
struct cpu cpus[CPUS_MAX], *proof_cpu;
unsigned cpu_count = CPUS;
u64 proof_clock_ticks;
_Atomic u8 trace_level;
struct trace_descriptor trace_descriptor;
static void send(unsigned cpu)
{
	sent |= 1ull << cpu;
}
static const struct irqchip chip = {.send_hint = send};
const struct irqchip *irqchip = &chip;
void trace_record(unsigned id, const void *p, usize n, const void *q, usize k)
{
	(void)id, (void)p, (void)n, (void)q, (void)k;
}
void *page_alloc(unsigned order)
{
	return order <= 4 ? queues : NULL;
}
void panic(const char *fmt, ...)
{
	(void)fmt;
	__builtin_trap();
}
int ksnprintf(char *out, usize size, const char *fmt, ...)
{
	(void)fmt;
	return size ? *out = 0 : 0;
}
_Atomic bool workers_refused;
u16 worker_here(void)
{
	return 0;
}

static void enter_queues(void)
{
	usize at = 0;

	shards[0] = (struct shard){.simple = levels_classes, .top_rank = RANK_IDLE};
	memcpy(shards[0].queue, (void *[SCHED_CLASSES]){0}, sizeof shards[0].queue);
	for (unsigned u = 0; u < SCHED_CLASSES; u++)
		if (policy_at[u]) {
			shards[0].queue[u] = queues + at;
			at += ALIGN_UP(policy_at[u]->queue_bytes, CACHE_LINE_BYTES);
		}
	memset(queues, 0, at);
	sched_heads = sched_tails = 0;
}

unsigned number_of(unsigned c)
{
	unsigned self = proof_cpu ? proof_cpu->id : c;

	return others_swapped && c != self ? CPUS - self - c : c;
}

/* The same for a set of CPUs, and back. */
u64 numbers_of(u64 set)
{
	u64 to = others_swapped ? set & ~((1ull << CPUS) - 1) : set;

	for (unsigned c = 0; others_swapped && c < CPUS; c++)
		to |= (set >> c & 1) << number_of(c);
	return to;
}

void world_enter(unsigned c)
{
	proof_cpu = &cpus[c];
	cpus[c].id = c;
	enter_queues();
	for (unsigned t = 0; t < TASKS; t++) {
		struct sched_entity *e = &tasks[t].entity;

		tasks[t] = (struct task){.id = t,
					 .params = model_params[t],
					 .policy = sched_policy_of(model_params[t].class),
					 .home = &shards[0],
					 .cpu = (u16)number_of(m.last[t])};
		e->key = m.key[t];
		e->cpus = numbers_of(sched_cpus(&model_params[t]));
		e->quantum_ns = model_params[t].quantum_ns;
		rank_update(&tasks[t]);
		tasks[t].worker = m.suspended[t] ? &stacks[t] : NULL;
	}
	for (unsigned i = 0; i < m.queued; i++)
		runqueue_add(&tasks[m.order[i]], false);
	for (unsigned i = 0; i < CPUS; i++) {
		struct cpu *k = &cpus[number_of(i)];

		k->self = k;
		k->id = (unsigned)(k - cpus);
		k->promised = m.promised[i];
		k->hints = hints_before[i] = (u32)m.hinted[i];
		k->hints_seen = 0;
	}
	online_cpus = numbers_of(m.online);
	idle_cpus = numbers_of(m.idle);
	sent = 0;
}

/* What the queues say of themselves: which classes wait, at which levels, how many of each, how
 * many pinned. */
static bool counts_are_right(void)
{
	const struct shard *s = &shards[0];
	u32 queued[SCHED_CLASSES] = {0}, used[SCHED_CLASSES] = {0}, classes = 0, pinned = 0;

	for (unsigned i = 0; i < m.queued; i++) {
		const struct task *t = &tasks[m.order[i]];

		queued[t->policy->urgency]++;
		classes |= 1u << t->policy->urgency;
		pinned += is_pinned(t);
		if (t->policy->levels && !is_pinned(t))
			used[t->policy->urgency] |= 1u << t->entity.key;
	}
	for (unsigned u = 0; u < SCHED_CLASSES; u++)
		if (levels_classes >> u & 1 &&
		    ((const struct levels *)s->queue[u])->used != used[u])
			return false;
	return s->classes == classes && counted(&s->pinned) == pinned &&
	       !memcmp((const void *)s->queued, queued, sizeof queued);
}

char *world_leave(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		const struct cpu *k = &cpus[number_of(i)];

		m.promised[i] = k->promised;
		m.hinted[i] = (i8)(k->hints - k->hints_seen);
	}
	m.idle = numbers_of(idle_cpus);
	for (unsigned i = 0; i < m.queued; i++) {
		struct task *t = &tasks[m.order[i]];

		if (t->state != TASK_READY)
			return "who should wait is in no queue";
		if (i && t->entity.seq <= tasks[m.order[i - 1]].entity.seq)
			return "arrivals are out of order";
	}
	return counts_are_right() ? NULL : "the queues' counts are wrong";
}

bool may_use(unsigned t, unsigned c)
{
	return sched_cpus(&model_params[t]) >> c & 1;
}

u64 rank_of(unsigned t)
{
	struct sched_entity e = {.key = m.key[t]};

	return t == NOBODY ? RANK_IDLE : sched_rank(sched_policy_of(model_params[t].class), &e);
}
