/*
 * race.c: data races, by happens-before. Two accesses race when they overlap, one of them writes,
 * one of them is neither atomic nor volatile, and nothing orders them but luck.
 *
 * Each agent has a vector clock (Lamport; Mattern 1989), and counts its own component up at each
 * release. For each word of memory four accesses are remembered, with the component that its agent
 * had (epochs: Flanagan, Freund: "FastTrack", PLDI 2009; the cells: ThreadSanitizer, Serebryany,
 * Iskhodzhanov, WBIA 2009); an earlier access is ordered before the present one if the present
 * agent's clock has reached that number. Order comes from
 *
 * - C11: an acquire that reads what a release wrote, or a fence beside a relaxed access; a release
 *   sequence goes on over read-modify-writes (5.1.2.4 of the standard).
 * - The interrupt mask of a CPU, which tasks take and give like a lock and a handler holds. What
 *   a handler interrupted is not ordered before it, unless it was done before the mask was last
 *   given up: so a task that shares data with a handler and does not mask races with it.
 * - What was interrupted goes on after its handler, on whichever CPU.
 * - The start of a CPU.
 * - A register: a device knows what the last fence before a write to it ordered, and what is behind a fence
 *   that follows on a read of it knows what the device did before. Memory that is mapped for a device, or
 *   given back, goes over with all that went before.
 *
 * A hint interrupt orders nothing: it may be lost. Missed are races with accesses that four others
 * pushed out, and such between two tasks on one CPU; there are no false ones, but for code that
 * relies on more than C11 gives.
 */
#include "sim/watch.h"
#include <string.h>

#define CELLS 4
#define SHADOW_BASE 0x10000000000ull
#define SHADOW_BYTES ((RAM_BASE + RAM_BYTES_MAX) / 8 * CELLS * sizeof(struct cell))
#define OBJECTS_BASE 0x18000000000ull
#define OBJECTS_BYTES ((RAM_BASE + RAM_BYTES_MAX) / 2 * sizeof(uint32_t *))

#define CLOCKS_BASE 0x1a000000000ull
#define CLOCKS_BYTES (16ull << 30)

struct cell {
	uint32_t epoch, pc; /* the program lies below 4 GiB */
	union {
		struct {
			uint64_t event : 46, agent : 8, mask : 8, kind : 2;
		};
		uint64_t all; /* 0: nothing was accessed */
	};
};
_Static_assert(sizeof(struct cell) == 16, "");
#define EVENT ((1ull << 46) - 1)
#define SAME (3ull << 62 | 255ull << 46) /* kind and agent */

static uint32_t clocks[AGENTS_MAX][AGENTS_MAX]; /* of each agent, of each agent */
static uint32_t masks[SIM_CPUS_MAX][AGENTS_MAX];
static uint32_t loaded[AGENTS_MAX][AGENTS_MAX]; /* what relaxed loads saw: an acquire fence's */
static uint32_t fenced[AGENTS_MAX][AGENTS_MAX]; /* at the last release fence */
static unsigned agents;
static uint32_t *object_next; /* where the next atomic object's clock goes */

static void join(uint32_t *to, const uint32_t *from)
{
	for (unsigned i = 0; i < agents; i++)
		to[i] = to[i] > from[i] ? to[i] : from[i];
}

static void copy(uint32_t *to, const uint32_t *from)
{
	memcpy(to, from, agents * sizeof *to);
}

static void map(bool again)
{
	watch_map(SHADOW_BASE, SHADOW_BYTES, again);
	watch_map(OBJECTS_BASE, OBJECTS_BYTES, again);
	watch_map(CLOCKS_BASE, CLOCKS_BYTES, again);
	object_next = (uint32_t *)CLOCKS_BASE;
}

void race_begin(void)
{
	if (!agents)
		map(false);
	agents = 2 * sim.cfg.cpus + (sim.cfg.devices ? DEVICES : 0);
	for (unsigned i = 0; i < agents; i++)
		clocks[i][i] = 1;
}

void race_reset(void)
{
	map(true);
	memset(clocks, 0, sizeof clocks);
	memset(masks, 0, sizeof masks);
	memset(loaded, 0, sizeof loaded);
	memset(fenced, 0, sizeof fenced);
}

/*
 * Clocks.
 */

static void release_to(uint32_t *to, bool add)
{
	unsigned me = watch_agent();

	if (add)
		join(to, clocks[me]);
	else
		copy(to, clocks[me]);
	clocks[me][me]++;
}

void race_join(unsigned to, unsigned from)
{
	join(clocks[to], clocks[from]);
	clocks[from][from]++;
}

void race_save(uint32_t *clock)
{
	unsigned me = watch_agent();

	copy(clock, clocks[me]);
	clocks[me][me]++;
}

void race_restore(const uint32_t *clock)
{
	join(clocks[watch_agent()], clock);
}

void race_register(unsigned device, bool write)
{
	unsigned me = watch_agent();

	if (write)
		join(clocks[device], fenced[me]);
	else
		join(loaded[me], clocks[device]);
	clocks[device][device]++;
}

void race_mask(void)
{
	join(clocks[watch_agent()], masks[sim.cur]);
}

void race_unmask(void)
{
	release_to(masks[sim.cur], true);
}

/* What the atomic object at @p at carries from whoever wrote it. */
static uint32_t *object_at(uintptr_t at)
{
	uint32_t **clock = (uint32_t **)OBJECTS_BASE + at / 2;

	if (!*clock) {
		*clock = object_next;
		object_next += agents;
	}
	if ((uintptr_t)object_next > CLOCKS_BASE + CLOCKS_BYTES)
		sim_stop(EXIT_BROKEN, "--watch has no room for so many atomic objects");
	return *clock;
}

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

void race_atomic(uintptr_t at, enum atomic_op op, int order)
{
	uint32_t *o = object_at(at);
	unsigned me = watch_agent();

	if (op != OP_STORE)
		join(acquires(order) ? clocks[me] : loaded[me], o);
	if (op == OP_LOAD)
		return;
	if (releases(order))
		release_to(o, op == OP_RMW);
	else if (op == OP_RMW)
		join(o, fenced[me]);
	else
		copy(o, fenced[me]);
}

void race_fence(int order)
{
	unsigned me = watch_agent();

	if (acquires(order))
		join(clocks[me], loaded[me]);
	if (releases(order))
		release_to(fenced[me], false);
}

/*
 * Accesses.
 */

static const char *how(unsigned kind)
{
	static const char *const names[] = {"read", "write", "atomic read", "atomic write"};

	return names[kind];
}

static __attribute__((noinline, cold)) void found(const struct cell *c, uintptr_t at, unsigned bytes, unsigned kind,
						   uintptr_t pc)
{
	if (!report_begin(pc, c->pc))
		return;
	report_line("data race on %u bytes at %#llx", bytes, (unsigned long long)at);
	report_here(how(kind), pc);
	report_later(how(c->kind), c->event);
	report_end();
}

/* With another agent's access. */
static inline bool conflict(const struct cell *c, const struct cell *own, unsigned me)
{
	return c->mask & own->mask && (c->kind | own->kind) & ACCESS_WRITE && !(c->kind & own->kind & ACCESS_MARKED) &&
	       c->epoch > clocks[me][c->agent];
}

/* One word at most. */
static inline void word(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	struct cell *cells = (struct cell *)(SHADOW_BASE + at / 8 * CELLS * sizeof *cells), *to = NULL;
	unsigned me = watch_agent();
	uint64_t event = sim_event_now(), mask = (((1u << bytes) - 1) << at % 8) & 255;
	struct cell own = {.epoch = clocks[me][me],
			   .pc = (uint32_t)pc,
			   .all = (uint64_t)kind << 62 | mask << 54 | (uint64_t)me << 46 | (event & EVENT)};

	for (struct cell *c = cells; c < cells + CELLS; c++)
		if (c->all && c->agent != me && conflict(c, &own, me))
			found(c, at, bytes, kind, pc);
	/* What a later write of the same bytes, or the same agent's like access, stands for. */
	for (struct cell *c = cells; c < cells + CELLS; c++) {
		if (c->mask & ~mask || (c->all && kind != ACCESS_WRITE && (c->all ^ own.all) & SAME))
			continue;
		if (!to)
			to = c;
		else if (c->all)
			*c = (struct cell){0};
	}
	*(to ? to : &cells[event % CELLS]) = own;
}

void race_access(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	if (bytes <= 8 - at % 8) {
		word(at, bytes, kind, pc);
		return;
	}
	while (bytes) {
		unsigned n = 8 - at % 8;

		n = n < bytes ? n : bytes;
		word(at, n, kind, pc);
		at += n;
		bytes -= n;
	}
}
