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
 *
 * One access stands for an earlier one, q for p, when whatever races with p races with q, too: when q has all bytes of p, writes if p
 * does, is plain if p is (so what conflicts with p conflicts with q), and p is ordered before q (so what is ordered behind q is
 * behind p). Then q takes p's cell, or p goes when there is no room; whosever it was.
 *
 * Most accesses repeat one of their agent's, an epoch later, and only take its place (race_takes). That nothing else need be looked
 * at, the cell says itself: it is clear as long as all accesses by others that conflict with it are ordered before its agent.
 * Its agent never knows less than before, so it stays so until another agent comes with an access that conflicts; who
 * does is not in a cell and looks at all of them.
 */
#include "sim/watch.h"
#include <string.h>

#define SHADOW_BYTES (RACE_LIMIT * 4)
#define PLACES_BYTES (RACE_LIMIT * 2)
#define OBJECTS_BYTES (RACE_LIMIT / 2 * sizeof(struct clock *))

#define CLOCKS_BASE 0x1a000000000ull
#define CLOCKS_BYTES (16ull << 30)

_Static_assert(AGENTS_MAX <= 256, "");

struct race_now race_now = {.bias = INT64_MAX, .least = INT64_MAX};

static struct clock clocks[AGENTS_MAX];
static struct clock masks[SIM_CPUS_MAX];
static struct clock loaded[AGENTS_MAX]; /* what relaxed loads saw: an acquire fence's */
static struct clock fenced[AGENTS_MAX]; /* at the last release fence */
static unsigned agents;

/* What an atomic object carries from whoever wrote it; they lie one behind the other. */
struct object {
	struct clock **from; /* where its address is kept */
	struct clock clock;  /* of so many agents as there are */
};
static struct object *object_next;

/* Pages of cells that are not empty, for the next run of a batch. */
#define USED_MAX   4096u
static bool is_used[SHADOW_BYTES / SIM_PAGE_BYTES];
static uint32_t used[USED_MAX];
static unsigned used_count; /* more than USED_MAX: too many to be kept */

static void use(const uint64_t *cells)
{
	size_t i = ((uintptr_t)cells - SHADOW_BASE) / SIM_PAGE_BYTES;

	if (is_used[i])
		return;
	is_used[i] = true;
	if (used_count < USED_MAX)
		used[used_count] = (uint32_t)i;
	used_count++;
}

static unsigned agent_of(uint64_t cell)
{
	return cell >> CELL_AGENT & 255;
}

void race_turn(void)
{
	unsigned me = watch_agent();

	race_now.own = clocks[me].stamp << CELL_AGENT | CELL_CLEAR;
	race_now.clock = clocks[me].of;
	race_now.bias = me & 1 || me >= 2 * sim.cfg.cpus ? INT64_MAX : race_now.least;
}

/* The agent @p a begins an epoch. */
static void tick(unsigned a)
{
	clocks[a].stamp = ++clocks[a].of[a] << 8 | a;
	if (a == agent_of(race_now.own))
		race_now.own = clocks[a].stamp << CELL_AGENT | CELL_CLEAR;
}

void race_begin(void)
{
	if (!agents) {
		watch_map(SHADOW_BASE, SHADOW_BYTES, false);
		watch_map(PLACES_BASE, PLACES_BYTES, false);
		watch_map(OBJECTS_BASE, OBJECTS_BYTES, false);
		watch_map(CLOCKS_BASE, CLOCKS_BYTES, false);
		object_next = (struct object *)CLOCKS_BASE;
	}
	agents = 2 * sim.cfg.cpus + (sim.cfg.devices ? DEVICES : 0);
	for (unsigned i = 0; i < agents; i++)
		tick(i);
	race_turn();
}

static void forget(struct clock *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memset(&c[i], 0, offsetof(struct clock, of) + agents * sizeof c->of[0]);
}

static struct object *behind(struct object *o)
{
	return (struct object *)&o->clock.of[agents];
}

static void forget_cells(void)
{
	if (used_count > USED_MAX) {
		watch_map(SHADOW_BASE, SHADOW_BYTES, true);
		memset(is_used, 0, sizeof is_used);
	}
	for (unsigned i = 0; i < used_count && used_count <= USED_MAX; i++) {
		memset((void *)(SHADOW_BASE + (uintptr_t)used[i] * SIM_PAGE_BYTES), 0, SIM_PAGE_BYTES);
		is_used[used[i]] = false;
	}
	used_count = 0;
}

void race_reset(void)
{
	forget_cells();
	for (struct object *o = (struct object *)CLOCKS_BASE; o < object_next; o = behind(o)) {
		*o->from = NULL;
		forget(&o->clock, 1);
	}
	object_next = (struct object *)CLOCKS_BASE;
	forget(clocks, agents);
	forget(masks, SIM_CPUS_MAX);
	forget(loaded, agents);
	forget(fenced, agents);
}

/*
 * Clocks.
 */

static bool knows(const struct clock *c, const struct clock *from)
{
	return race_knows(c->of, from);
}

static void most(struct clock *to, const struct clock *from)
{
	for (unsigned i = 0; i < agents; i++)
		to->of[i] = to->of[i] > from->of[i] ? to->of[i] : from->of[i];
}

static void copy(struct clock *to, const struct clock *from)
{
	to->stamp = from->stamp;
	for (unsigned i = 0; i < agents; i++)
		to->of[i] = from->of[i];
}

/* What was released comes to agent @p a. */
static void learn(unsigned a, const struct clock *from)
{
	if (!knows(&clocks[a], from))
		most(&clocks[a], from);
}

static void join(struct clock *to, const struct clock *from)
{
	if (knows(to, from))
		return;
	if (knows(from, to)) {
		copy(to, from);
		return;
	}
	most(to, from);
	to->stamp = CLOCK_MIXED;
}

static void release_to(struct clock *to, bool add)
{
	unsigned me = agent_of(race_now.own);

	(add ? join : copy)(to, &clocks[me]);
	tick(me);
}

void race_join(unsigned to, unsigned from)
{
	learn(to, &clocks[from]);
	tick(from);
}

void race_save(struct clock *clock)
{
	release_to(clock, false);
}

void race_restore(const struct clock *clock)
{
	learn(watch_agent(), clock);
}

void race_register(unsigned device, bool write)
{
	unsigned me = watch_agent();

	if (write)
		learn(device, &fenced[me]);
	else
		join(&loaded[me], &clocks[device]);
	tick(device);
}

void race_mask(void)
{
	learn(agent_of(race_now.own), &masks[sim.cur]);
}

void race_unmask(void)
{
	release_to(&masks[sim.cur], true);
}

static struct clock *object_new(uintptr_t at)
{
	struct object *o = object_next;

	object_next = behind(o);
	if ((uintptr_t)object_next > CLOCKS_BASE + CLOCKS_BYTES)
		sim_stop(EXIT_BROKEN, "--watch has no room for so many atomic objects");
	o->from = race_object(at);
	return *o->from = &o->clock;
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
	struct clock *o = *race_object(at);
	unsigned me = agent_of(race_now.own);

	if (op != OP_STORE && o && !knows(&clocks[me], o)) {
		if (acquires(order))
			most(&clocks[me], o);
		else
			join(&loaded[me], o);
	}
	if (op == OP_LOAD)
		return;
	o = o ? o : object_new(at);
	if (releases(order))
		release_to(o, op == OP_RMW);
	else
		(op == OP_RMW ? join : copy)(o, &fenced[me]);
}

void race_fence(int order)
{
	unsigned me = watch_agent();

	if (acquires(order))
		learn(me, &loaded[me]);
	if (releases(order))
		release_to(&fenced[me], false);
}

/*
 * Accesses.
 */

static const char *how(uint64_t cell)
{
	static const char *const names[] = {"atomic read", "atomic write", "read", "write"};

	return names[cell >> CELL_KIND & 3];
}

static __attribute__((noinline, cold)) void found(uintptr_t at, unsigned bytes, uint64_t own, uintptr_t pc,
						  uint64_t earlier, uint32_t place)
{
	if (!report_begin(pc, place))
		return;
	report_line("data race on %u bytes at %#llx", bytes, (unsigned long long)at);
	report_here(how(own), pc);
	report_later_access(how(earlier), at / 8 * 8, earlier & ~CELL_CLEAR, place);
	report_end();
}

static bool conflict(uint64_t a, uint64_t b)
{
	return a & b & CELL_MASK && (a | b) & CELL_WRITES && (a | b) & CELL_PLAIN;
}

/* Whether another cell stands for cell @p n. */
static bool stood_for(const uint64_t *cells, unsigned n)
{
	uint64_t c = cells[n];

	for (unsigned i = 0; i < CELLS; i++)
		if (i != n && agent_of(cells[i]) == agent_of(c) && cells[i] >> CELL_EPOCH >= c >> CELL_EPOCH &&
		    !(c & ~cells[i] & CELL_LOW))
			return true;
	return false;
}

/* Which cell @p own may have when none is empty: one that others stand for, or any. */
static unsigned push_out(const uint64_t *cells, uint64_t own)
{
	for (unsigned i = 0; i < CELLS; i++)
		if (stood_for(cells, i) || (agent_of(cells[i]) == agent_of(own) && !(cells[i] & ~own & CELL_LOW)))
			return i;
	return sim_event_now() % CELLS;
}

/* In cell @p home, where race_takes looks, and what is there moves on; but what has no such hope goes where room is. */
static void put(uint64_t *cells, uint32_t *places, size_t home, uint64_t own, uintptr_t pc)
{
	unsigned to = (unsigned)home ^ 2;

	for (unsigned i = 0; i < CELLS && cells[to]; i++)
		to = i;
	if (cells[to])
		to = push_out(cells, own);
	if (!cells[home] || own & CELL_CLEAR) {
		cells[to] = cells[home];
		places[to] = places[home];
		to = (unsigned)home;
	}
	cells[to] = own;
	places[to] = (uint32_t)pc;
}

/* What races with @p own is reported, what it stands for is forgotten, and what conflicts with it is clear no more. Whether it
 * is clear itself. */
static bool look(uint64_t *cells, const uint32_t *places, uint64_t own, uintptr_t at, unsigned bytes, uintptr_t pc)
{
	const uint64_t *clock = clocks[agent_of(own)].of;
	bool clear = true;

	for (unsigned i = 0; i < CELLS; i++) {
		uint64_t c = cells[i];
		bool before = clock[agent_of(c)] >= c >> CELL_EPOCH;

		if (conflict(c, own)) {
			if (agent_of(c) != agent_of(own))
				cells[i] &= ~CELL_CLEAR;
			if (!before) {
				clear = false;
				if (!stood_for(cells, i))
					found(at, bytes, own, pc, c, places[i]);
			}
		}
		if (before && !(c & ~own & CELL_LOW))
			cells[i] = 0;
	}
	return clear;
}

void race_word(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	uint64_t *cells = race_cell(at / 8 * 8, ACCESS_READ), own = race_now.own | race_low(at, bytes, kind);
	unsigned others = 0;
	uint32_t *places = race_place(at / 8 * 8, ACCESS_READ);

	for (unsigned i = 0; i < CELLS; i++) {
		if (!((cells[i] ^ own) & CELL_KEY)) {
			cells[i] = own;
			places[i] = (uint32_t)pc;
			return;
		}
		others |= cells[i] ? agent_of(cells[i]) ^ agent_of(own) : 0;
	}
	if (others && !look(cells, places, own, at, bytes, pc))
		own &= ~CELL_CLEAR;
	use(cells);
	put(cells, places, (size_t)(race_cell(at / 4 * 4, kind) - cells), own, pc);
}

static inline void part(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	race_word(at, bytes, kind, pc);
	if (__builtin_expect(report_shows_count, 0))
		report_shows_access(at / 8 * 8, (race_now.own | race_low(at, bytes, kind)) & ~CELL_CLEAR, pc);
}

void race_access(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	while (bytes > 8 - at % 8) {
		unsigned n = 8 - at % 8;

		part(at, n, kind, pc);
		at += n;
		bytes -= n;
	}
	part(at, bytes, kind, pc);
}
