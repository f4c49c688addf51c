/*
 * locks.c: who holds and who wants which spin lock. Found are: a lock that its CPU holds already, a
 * circle of CPUs each of which waits for the next, two locks that are taken in both orders, be it at
 * different times (the graph of orders has a cycle, as in Linux's lockdep), a lock that handlers take
 * and that is also taken with interrupts enabled, and a lock that is held where none may be: when a poll ends, a stack is left, a CPU halts. Locks mask interrupts, so
 * what a CPU holds stays with that CPU.
 */
#include "sim/watch.h"
#include <string.h>

#define HELD_MAX 16
#define EDGES_MAX 8192

struct lock {
	const void *at;
	bool shared;
	uint64_t event; /* when it was taken */
};

static struct held {
	struct lock all[HELD_MAX];
	unsigned n;
	struct lock wants; /* at NULL: nothing */
} held[SIM_CPUS_MAX];

/* to was wanted while from was held. */
static struct edge {
	const void *from, *to;
	uint64_t event;
	unsigned mark; /* of the last search that came by */
} edges[EDGES_MAX];
static unsigned edge_count, search;

/* When a lock was first taken in a handler, and first with interrupts enabled; 0: never. */
#define USES_MAX 4096
static struct use {
	const void *at;
	uint64_t in_handler, enabled;
} uses[USES_MAX];

/* What they cost, for those who count. */
static struct {
	uint64_t taken, held, since, longest;
} costs[SIM_CPUS_MAX];

void locks_reset(void)
{
	memset(held, 0, sizeof held);
	memset(costs, 0, sizeof costs);
	edge_count = search = 0;
	if (sim.cfg.watch)
		memset(uses, 0, sizeof uses);
}

void locks_keep(bool save)
{
	static __typeof__(costs) kept;

	memcpy(save ? kept : costs, save ? costs : kept, sim.cfg.cpus * sizeof kept[0]);
}

/* Events that the current CPU has run, up to this one. */
static uint64_t now(void)
{
	return sim.cpu[sim.cur].ran + (uint64_t)(sim.armed - sim_budget);
}

static const struct lock *find(unsigned cpu, const void *at)
{
	for (unsigned i = 0; i < held[cpu].n; i++)
		if (held[cpu].all[i].at == at)
			return &held[cpu].all[i];
	return NULL;
}

/* The edge that leads to @p to, on a way that begins at @p from; NULL: there is none. */
static const struct edge *way(const void *from, const void *to)
{
	for (struct edge *e = edges; e < edges + edge_count; e++) {
		if (e->from != from || e->mark == search)
			continue;
		e->mark = search;
		if (e->to == to)
			return e;
		const struct edge *rest = way(e->to, to);

		if (rest)
			return rest;
	}
	return NULL;
}

static void order(const struct lock *before, const void *at, uintptr_t pc)
{
	const struct edge *back;

	for (unsigned i = 0; i < edge_count; i++)
		if (edges[i].from == before->at && edges[i].to == at)
			return;
	search++;
	back = way(at, before->at);
	if (back && report_begin(pc, (uintptr_t)back->event)) {
		report_line("locks in both orders: %p is wanted with %p held, and the reverse "
			    "was so earlier", at, before->at);
		report_here("wanted", pc);
		report_later("lock of the other order", back->event);
		report_end();
	}
	if (edge_count < EDGES_MAX)
		edges[edge_count++] = (struct edge){before->at, at, sim_event_now(), 0};
}

/* A CPU that holds what @p cpu waits for; SIM_CPUS_MAX: none. */
static unsigned blocker(unsigned cpu)
{
	const struct lock *w = &held[cpu].wants, *l;

	for (unsigned i = 0; w->at && i < sim.cfg.cpus; i++)
		if (i != cpu && (l = find(i, w->at)) && !(l->shared && w->shared))
			return i;
	return SIM_CPUS_MAX;
}

static void circle(uintptr_t pc)
{
	unsigned cpu = blocker(sim.cur);

	for (unsigned n = 0; cpu != SIM_CPUS_MAX && cpu != sim.cur && n < sim.cfg.cpus; n++)
		cpu = blocker(cpu);
	if (cpu != sim.cur || !report_begin(pc, 1))
		return;
	report_line("deadlock: each of these CPUs waits for a lock that the next one holds");
	report_here("wait", pc);
	for (cpu = blocker(cpu); cpu != sim.cur; cpu = blocker(cpu))
		report_later("wait", held[cpu].wants.event);
	report_end();
	sim_stop(EXIT_FOUND, "a deadlock");
}

static struct use *use_of(const void *at)
{
	unsigned i = (unsigned)((uintptr_t)at / 2 * 0x9e3779b1u % USES_MAX);

	for (unsigned tries = 0; tries < USES_MAX; tries++, i = (i + 1) % USES_MAX) {
		if (!uses[i].at)
			uses[i].at = at;
		if (uses[i].at == at)
			return &uses[i];
	}
	return NULL;
}

/* A handler may come while it is held, and wait for ever. */
static void note_use(const void *at, uintptr_t pc)
{
	struct use *u = use_of(at);
	bool handler = watch_agent() & 1;
	uint64_t *mine, other;

	if (!u || (!handler && !sim.cpu[sim.cur].irq_on))
		return;
	mine = handler ? &u->in_handler : &u->enabled;
	other = handler ? u->enabled : u->in_handler;
	if (other && !*mine && report_begin(pc, other)) {
		report_line("lock %p is taken in a handler, and with interrupts enabled", at);
		report_here("wanted", pc);
		report_later("lock of the other way", other);
		report_end();
	}
	if (!*mine)
		*mine = sim_event_now();
}

static void wanted(const void *at, bool shared, uintptr_t pc)
{
	struct held *h = &held[sim.cur];
	const struct lock *own = find(sim.cur, at);

	watch_show(pc);
	if (own && report_begin(pc, 2)) {
		report_line("deadlock: the CPU holds lock %p already", at);
		report_here("wanted", pc);
		report_later("lock", own->event);
		report_end();
		sim_stop(EXIT_FOUND, "a deadlock");
	}
	note_use(at, pc);
	h->wants = (struct lock){at, shared, sim_event_now()};
	for (unsigned i = 0; i < h->n; i++)
		order(&h->all[i], at, pc);
	circle(pc);
}

void sim_lock_wanted(const void *at, bool shared)
{
	if (sim.cfg.watch & WATCH_LOCKS)
		wanted(at, shared, SIM_PC);
}

void sim_lock_taken(const void *at, bool shared)
{
	struct held *h = &held[sim.cur];

	costs[sim.cur].taken++;
	if (!costs[sim.cur].held++)
		costs[sim.cur].since = now();
	if (!(sim.cfg.watch & WATCH_LOCKS))
		return;
	watch_show(SIM_PC);
	h->wants.at = NULL;
	if (h->n < HELD_MAX)
		h->all[h->n++] = (struct lock){at, shared, sim_event_now()};
}

void sim_lock_given(const void *at)
{
	uint64_t length = now() - costs[sim.cur].since;
	struct held *h = &held[sim.cur];

	if (!--costs[sim.cur].held && length > costs[sim.cur].longest)
		costs[sim.cur].longest = length;
	for (unsigned i = 0; i < h->n; i++) {
		if (h->all[i].at == at) {
			h->all[i] = h->all[--h->n];
			return;
		}
	}
}

void locks_none(const char *where, uintptr_t pc)
{
	const struct held *h = &held[sim.cur];

	if (!h->n || !report_begin(pc, (uintptr_t)where))
		return;
	report_line("lock %p is held %s", h->all[0].at, where);
	report_here("seen", pc);
	report_later("lock", h->all[0].event);
	report_end();
}

void sim_lock_none(void)
{
	if (sim.cfg.watch & WATCH_LOCKS)
		locks_none("when a poll ends", SIM_PC);
}

uint64_t sim_locks_taken(void)
{
	return costs[sim.cur].taken;
}

uint64_t sim_locks_longest(void)
{
	uint64_t longest = costs[sim.cur].longest;

	costs[sim.cur].longest = 0;
	return longest;
}
