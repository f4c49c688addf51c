/*
 * The scheduler's model. The kernel's own code does the work: run queues and policies
 * (kernel/task/runqueue.[ch], kernel/sched/), looks (look.[ch]) and hints (hint.c), each call of
 * which is one event. By hand is what the executor does between these calls, in its order: a poll
 * that ends, one that is suspended, and queued by whoever arrives on the next stack.
 *
 * CPUs are idle or run a task; hints to a CPU merge; an interrupt may come without a hint. Tasks do
 * so many jobs, are woken by anybody, perhaps while they run, and end, or fault.
 */
#include "sched_model.h"
#include <unistd.h>
#include "base/printf.h"
#include "base/string.h"
#include "core/irq.h"
#include "mm/page.h"
#include "task/look.h"

enum { WAITING, READY, RUNNING, LEAVING, DEAD };
/* What a CPU does next: nothing; take; hint for whom it gave up at a poll's end; end its look;
 * queue whom it left behind; hint for him; hint for whom it woke. */
enum { RUN, TAKE, YIELDED, SETTLE, ARRIVE, OTHERS, WOKEN };

struct model m;

#define STALL_S 30 /* an event of the kernel's that lasts as long goes on for ever */

static const struct sched_params params[] = {
#if defined(FIFO)
	{.class = SCHED_FIFO, .level = 1}, {.class = SCHED_FIFO, .level = 1},
	{.class = SCHED_FIFO, .level = 2}, {.class = SCHED_FIFO, .level = 3},
#elif defined(RR)
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 2, .quantum_ns = MS(1)},
#elif defined(EDF)
	{.class = SCHED_EDF, .deadline_ns = 10}, {.class = SCHED_EDF, .deadline_ns = 10},
	{.class = SCHED_EDF, .deadline_ns = 11}, {.class = SCHED_EDF, .deadline_ns = 12},
#elif defined(CEDF)
	{.class = SCHED_CEDF, .cpus = 1, .deadline_ns = 10},
	{.class = SCHED_CEDF, .cpus = 3, .deadline_ns = 10},
	{.class = SCHED_CEDF, .cpus = 2, .deadline_ns = 11},
	{.class = SCHED_CEDF, .cpus = 3, .deadline_ns = 12},
#else /* a mixture, one of them pinned */
	{.class = SCHED_FIFO, .level = 1, .cpus = 1},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_CEDF, .cpus = 2, .deadline_ns = 11},
	{.class = SCHED_EDF, .deadline_ns = 10},
#endif
	{.class = SCHED_FIFO, .level = 1},
};

/* The rest of the kernel. */
static struct task tasks[TASKS];
static struct worker stacks[TASKS];
static _Alignas(64) u8 queues[1 << 16];
struct cpu cpus[CPUS_MAX], *proof_cpu;
unsigned cpu_count = CPUS;
u64 proof_clock_ticks;
_Atomic u8 trace_level;
struct trace_descriptor trace_descriptor;
static void send_nothing(unsigned cpu)
{
	(void)cpu;
} /* the hint is counted already */
static const struct irqchip chip = {.send_hint = send_nothing};
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

/* Builds the kernel's structures from the state; what comes runs on CPU c. */
static void enter(unsigned c)
{
	memset(queues, 0, sizeof queues);
	shards[0] = (struct shard){.simple = levels_classes, .top_rank = RANK_IDLE};
	memcpy(shards[0].queue, (void *[SCHED_CLASSES]){0}, sizeof shards[0].queue);
	for (unsigned u = 0, at = 0; u < SCHED_CLASSES; u++)
		if (policy_at[u]) {
			shards[0].queue[u] = queues + at;
			at += ALIGN_UP(policy_at[u]->queue_bytes, CACHE_LINE_BYTES);
		}
	sched_heads = sched_tails = 0;
	for (unsigned t = 0; t < TASKS; t++) {
		struct sched_entity *e = &tasks[t].entity;

		tasks[t] = (struct task){.id = t,
					 .params = params[t],
					 .policy = sched_policy_of(params[t].class),
					 .home = &shards[0],
					 .cpu = m.last[t]};
		e->key = m.key[t];
		e->cpus = sched_cpus(&params[t]);
		e->quantum_ns = params[t].quantum_ns;
		rank_update(&tasks[t]);
		tasks[t].worker = m.suspended[t] ? &stacks[t] : NULL;
	}
	for (unsigned i = 0; i < m.queued; i++)
		runqueue_add(&tasks[m.order[i]], false);
	for (unsigned i = 0; i < CPUS; i++)
		cpus[i] = (struct cpu){
			.self = &cpus[i], .id = i, .promised = m.promised[i], .hints = m.hinted[i]};
	online_cpus = (1ull << CPUS) - 1;
	idle_cpus = m.idle;
	proof_cpu = &cpus[c];
}

static char *leave(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		m.promised[i] = cpus[i].promised;
		m.hinted[i] = cpu_hinted(&cpus[i]);
	}
	m.idle = idle_cpus;
	for (unsigned i = 0; i < m.queued; i++) {
		struct task *t = &tasks[m.order[i]];

		if (t->state != TASK_READY)
			return "who should wait is in no queue";
		if (i && t->entity.seq <= tasks[m.order[i - 1]].entity.seq)
			return "arrivals are out of order";
	}
	return NULL;
}

static bool may_use(unsigned t, unsigned c)
{
	return sched_cpus(&params[t]) >> c & 1;
}

static u64 rank_of(unsigned t)
{
	struct sched_entity e = {.key = m.key[t]};

	return t == NOBODY ? RANK_IDLE : sched_rank(sched_policy_of(params[t].class), &e);
}

/* By the contract: the least rank of those that may run here, and the first who came. */
static unsigned should_take(unsigned c, u64 below)
{
	unsigned best = NOBODY;

	for (unsigned i = 0; i < m.queued; i++) {
		unsigned t = m.order[i];

		if (may_use(t, c) && rank_of(t) < below &&
		    (best == NOBODY || rank_of(t) < rank_of(best)))
			best = t;
	}
	return best;
}

static void order_add(unsigned t, bool at_head)
{
	memmove(m.order + at_head, m.order, at_head ? m.queued : 0);
	m.order[at_head ? 0 : m.queued] = (u8)t;
	m.queued++;
	m.state[t] = READY;
}

static void order_remove(unsigned t)
{
	unsigned i = 0;

	while (m.order[i] != t)
		i++;
	m.queued--;
	memmove(m.order + i, m.order + i + 1, m.queued - i);
	m.order[m.queued] = 0;
}

/* The look's end, with the lock held: takes who is first, if he will do. */
static char *take(unsigned c, struct look *l)
{
	unsigned wanted_one = should_take(c, l->below);
	struct task *t = look_take(l, NULL);

	if ((t ? t - tasks : NOBODY) != wanted_one)
		return "another task is first";
	if (!t)
		return NULL;
	runqueue_remove(t);
	spin_unlock_raw(&shards[0].lock);
	order_remove(wanted_one);
	m.state[wanted_one] = RUNNING;
	m.last[wanted_one] = (u8)c;
	if (!m.suspended[wanted_one])
		m.noted[wanted_one] = m.owed[wanted_one] = 0;
	m.suspended[wanted_one] = 0;
	m.running[c] = (u8)wanted_one;
	return NULL;
}

/* Somebody on CPU c wakes t; a deadline counts from then. */
static char *wake(unsigned c, unsigned t, u64 now_ns)
{
	m.owed[t] = 1;
	if (m.state[t] != WAITING) {
		m.notes--;
		m.noted[t] = 1;
		return leave();
	}
	tasks[t].policy->release(queue_of(&tasks[t]), &tasks[t].entity, &tasks[t].params, now_ns);
	rank_update(&tasks[t]);
	m.key[t] = tasks[t].entity.key;
	runqueue_add(&tasks[t], false);
	order_add(t, false);
	m.subject[c] = (u8)t;
	m.phase[c] = WOKEN;
	return leave();
}

static char *poll_ends(unsigned c, bool fault)
{
	unsigned t = m.running[c];
	struct look l = {.below = RANK_IDLE, .otherwise = RANK_IDLE};
	char *wrong;

	m.running[c] = NOBODY;
	m.phase[c] = SETTLE;
	if (fault) {
		m.faults--;
		m.state[t] = DEAD;
		m.noted[t] = m.owed[t] = 0;
	} else if (m.noted[t]) {
		runqueue_add(&tasks[t], false);
		order_add(t, false);
		m.subject[c] = (u8)t;
		m.phase[c] = YIELDED;
	} else {
		m.state[t] = --m.jobs[t] ? WAITING : DEAD;
	}
	look_begin(&l, &cpus[c], false);
	m.spent[c] = l.spent;
	wrong = take(c, &l);
	return wrong ? wrong : leave();
}

static char *interrupted_takes(unsigned c)
{
	unsigned t = m.running[c];
	u64 rank = rank_of(t);
	struct look l = {&cpus[c], rank + (m.over[c] && t != NOBODY), rank, m.spent[c]};
	char *wrong = take(c, &l);

	m.phase[c] = SETTLE;
	if (t != NOBODY && m.running[c] != t) {
		m.state[t] = LEAVING;
		m.left[c] = (u8)t;
		m.at_head[c] = !m.over[c];
	}
	m.over[c] = 0;
	return wrong ? wrong : leave();
}

static char *arrives(unsigned c)
{
	unsigned t = m.left[c];

	m.left[c] = NOBODY;
	m.suspended[t] = 1;
	tasks[t].worker = &stacks[t];
	runqueue_add(&tasks[t], m.at_head[c]);
	order_add(t, m.at_head[c]);
	m.subject[c] = (u8)t;
	m.phase[c] = OTHERS;
	return leave();
}

/* What CPU c, which is at a look or wakes somebody, does next. */
static char *goes_on(unsigned c)
{
	struct task *subject = &tasks[m.subject[c] == NOBODY ? 0 : m.subject[c]];
	struct look l = {&cpus[c], 0, 0, m.spent[c]};
	unsigned phase = m.phase[c];

	if (phase == TAKE)
		return interrupted_takes(c);
	if (phase == ARRIVE)
		return arrives(c);
	m.phase[c] = RUN;
	if (phase == WOKEN)
		(void)hint_for(wanted(subject));
	else if (phase == OTHERS)
		hint_others(wanted(subject));
	if (phase == YIELDED) {
		unsigned next = m.running[c];

		/* As hint_for_yielded (kernel/task/executor.c). */
		if (next == NOBODY || (next != m.subject[c] &&
				       (rank_of(next) != subject->rank || is_pinned(&tasks[next]))))
			hint_others(wanted(subject));
		m.phase[c] = SETTLE;
	} else if (phase == SETTLE) {
		look_end(&l, true, false);
		m.spent[c] = 0;
		m.phase[c] = m.left[c] != NOBODY ? ARRIVE : RUN;
	}
	m.subject[c] = NOBODY;
	return leave();
}

enum { BY_HINT, SPURIOUS, TICK };

static char *interrupted(unsigned c, unsigned why)
{
	struct look l;

	m.spurious -= why == SPURIOUS;
	m.ticks -= why == TICK;
	m.over[c] = why == TICK;
	look_begin(&l, &cpus[c], false);
	m.spent[c] = l.spent;
	m.phase[c] = TAKE;
	return leave();
}

static unsigned times(unsigned t, const u8 *where, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += where[i] == t;
	return found;
}

static bool quiet(void)
{
	for (unsigned c = 0; c < CPUS; c++)
		if (m.phase[c] != RUN || m.hinted[c])
			return false;
	return true;
}

static char *invariants(void)
{
	for (unsigned t = 0; t < TASKS; t++) {
		if (times(t, m.order, m.queued) != (m.state[t] == READY) ||
		    times(t, m.running, CPUS) != (m.state[t] == RUNNING) ||
		    times(t, m.left, CPUS) != (m.state[t] == LEAVING))
			return "a task, or its stack, is in two places or in none";
		if (m.owed[t] && m.state[t] != READY && !m.noted[t])
			return "a wake-up is lost";
		for (unsigned c = 0; quiet() && c < CPUS; c++)
			if (m.state[t] == READY && may_use(t, c) &&
			    rank_of(t) < rank_of(m.running[c]))
				return m.running[c] == NOBODY
					       ? "a CPU sleeps while a task that it may run waits"
					       : "a waiting task outranks a running one";
	}
	for (unsigned c = 0; c < CPUS; c++)
		if (m.running[c] != NOBODY && !may_use(m.running[c], c))
			return "a task runs where it may not";
	return NULL;
}

/* Events: each CPU goes on; is interrupted; its poll ends; and wakes each task, now or later. */
#define INTERRUPTS CPUS
#define POLLS      (INTERRUPTS + 3 * CPUS)
#define WAKES      (POLLS + 2 * CPUS)
#define EVENTS     (WAKES + 2 * CPUS * TASKS)
_Static_assert(EVENTS <= 44, "sched.pml names as many");

static bool is_edf(unsigned t)
{
	return params[t].class == SCHED_EDF || params[t].class == SCHED_CEDF;
}

static bool can(int event)
{
	int n = event;

	if (n < INTERRUPTS)
		return m.phase[n] != RUN;
	if (n < POLLS) {
		unsigned c = (n - INTERRUPTS) / 3, why = (n - INTERRUPTS) % 3, t = m.running[c];

		if (m.phase[c] != RUN)
			return 0;
		return why == BY_HINT    ? m.hinted[c]
		       : why == SPURIOUS ? !m.hinted[c] && m.spurious
					 : t != NOBODY && params[t].quantum_ns && m.ticks;
	}
	if (n < WAKES) {
		unsigned c = (n - POLLS) / 2;

		return m.phase[c] == RUN && m.running[c] != NOBODY &&
		       ((n - POLLS) % 2 == 0 || m.faults);
	}
	if (n < EVENTS) {
		unsigned later = (n - WAKES) & 1, c = (n - WAKES) / 2 % CPUS,
			 t = (n - WAKES) / 2 / CPUS;

		if (m.phase[c] != RUN || m.state[t] == DEAD ||
		    (later && (!is_edf(t) || m.state[t] != WAITING)))
			return 0;
		/* One that waits for its first poll needs no other. */
		return m.state[t] == WAITING ||
		       (m.notes && !m.noted[t] && (m.state[t] != READY || m.suspended[t]));
	}
	return 0;
}

static void see_what_can(void)
{
	m.can = 0;
	for (int n = 0; n < EVENTS; n++)
		m.can |= (u64)can(n) << n;
}

char *model_do(int event)
{
	unsigned n = event < INTERRUPTS ? event
		     : event < POLLS    ? event - INTERRUPTS
		     : event < WAKES    ? event - POLLS
					: event - WAKES;
	unsigned c = event < INTERRUPTS ? n
		     : event < POLLS    ? n / 3
		     : event < WAKES    ? n / 2
					: n / 2 % CPUS;
	char *wrong;

	(void)alarm(STALL_S);
	enter(c);
	wrong = event < INTERRUPTS ? goes_on(c)
		: event < POLLS    ? interrupted(c, n % 3)
		: event < WAKES    ? poll_ends(c, n % 2)
				   : wake(c, n / 2 / CPUS, n & 1);
	see_what_can();
	return wrong ? wrong : invariants();
}

char *model_end(void)
{
	for (unsigned t = 0; t < TASKS; t++)
		if (m.state[t] != DEAD)
			return "a task never ends";
	return NULL;
}

#ifndef JOBS
#define JOBS 1
#endif

void model_begin(void)
{
	memset(&m, 0, sizeof m);
	runqueue_init(1);
	for (unsigned c = 0; c < CPUS; c++) {
		m.running[c] = m.left[c] = m.subject[c] = NOBODY;
		m.promised[c] = RANK_IDLE;
		m.idle |= 1ull << c;
	}
	for (unsigned t = 0; t < TASKS; t++)
		m.jobs[t] = JOBS;
	m.spurious = m.notes = m.faults = 1;
	m.ticks = 2;
	see_what_can();
}

char *model_wrong(char *wrong)
{
	static char *kept;

	if (wrong)
		kept = wrong;
	return kept;
}
