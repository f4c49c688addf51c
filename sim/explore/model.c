/*
 * model.c: memory as C11's model allows it, by views. Each location has its writes, messages, in
 * modification order; each thread has a view, the oldest message of each location that it may still
 * read. A load reads any message that is not older than its view says; a store goes anywhere behind
 * it, not only to the end. A release leaves the thread's view in its message, and an acquire that
 * reads it takes that over. Source: Kang, Hur, Lahav, Vafeiadis, Dreyer: "A promising semantics for
 * relaxed-memory concurrency", POPL 2017, without its promises; so what needs a load to read a
 * write that its own thread makes possible later (load buffering) is not produced. For seq_cst see
 * Lahav, Vafeiadis, Kang, Hur, Dreyer: "Repairing sequential consistency in C/C++11", PLDI 2017.
 */
#include "sim/explore/explore.h"
#include <string.h>

#define GAP                                                                                        \
	(1 << 24) /* between the timestamps of messages that are written one after the other       \
		   */
#define NOBODY     EXPLORE_THREADS_MAX
#define READS_KEPT 32

/* Timestamps by location, then what is known of each thread's clock. Signed, for SSE2. */
struct view {
	int32_t at[LOCATIONS_MAX + EXPLORE_THREADS_MAX];
};
#define CLOCK(v, thread) ((v)->at[LOCATIONS_MAX + (thread)])

struct message {
	uint64_t value;
	int32_t stamp;
	uint32_t step;
	bool taken;   /* a read-modify-write read it: nothing goes between the two */
	bool pending; /* by a plain write, whose value is in memory */
	struct view released;
};

struct location {
	uintptr_t at;
	uint8_t bytes, index, n;
	uint8_t order[MESSAGES_MAX]; /* modification order, of indices into m */
	struct message m[MESSAGES_MAX];
};

static struct thread {
	struct view now;      /* what it knows */
	struct view acquired; /* what an acquire fence would add */
	struct view released; /* what it knew at its last release fence */
	bool wrote, read_new, read_late;
	uintptr_t first_look; /* what it read last, when it looks again; 0: it has looked */
	unsigned n_reads;
	struct read {
		uintptr_t at, pc;
		int32_t stamp;
	} reads[READS_KEPT]; /* the last ones, in turn */
} threads[EXPLORE_THREADS_MAX + 1];

static struct location locations[LOCATIONS_MAX];
static unsigned n_locations;
static struct view seq_cst;
static uint32_t generation;

static struct {
	bool pending;
	struct view view;
} hints[EXPLORE_THREADS_MAX];

/* Spin locks, where they are taken for granted. */
static struct lock {
	uintptr_t at;
	bool held;
	unsigned giver;   /* who gave it last */
	struct view view; /* of him */
} locks[LOCKS_MAX];
static unsigned n_locks;

#define SLOTS 256
static struct {
	uint32_t generation;
	uint8_t location;
} slots[SLOTS];

static void join(struct view *to, const struct view *from)
{
	for (unsigned i = 0; i < LOCATIONS_MAX + EXPLORE_THREADS_MAX; i++)
		to->at[i] = from->at[i] > to->at[i] ? from->at[i] : to->at[i];
}

/* Without the clocks: fences in a row tell what may be read, but do not synchronise. */
static void join_locations(struct view *to, const struct view *from)
{
	for (unsigned i = 0; i < LOCATIONS_MAX; i++)
		to->at[i] = from->at[i] > to->at[i] ? from->at[i] : to->at[i];
}

static bool acquires(unsigned order)
{
	return order != RELAXED && order != RELEASE;
}

static bool releases(unsigned order)
{
	return order >= RELEASE;
}

static uint64_t memory_read(uintptr_t at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, (void *)at, bytes);
	return value;
}

static void memory_write(uintptr_t at, unsigned bytes, uint64_t value)
{
	explore_writes(at, bytes);
	memcpy((void *)at, &value, bytes);
}

static uint64_t fit(uint64_t value, unsigned bytes)
{
	return bytes == 8 ? value : value & ((1ull << (8 * bytes)) - 1);
}

void model_reset(unsigned n)
{
	generation++;
	n_locations = 0;
	race_reset();
	memset(&seq_cst, 0, sizeof seq_cst);
	memset(hints, 0, sizeof hints);
	n_locks = 0;
	for (unsigned i = 0; i < n; i++) {
		memset(&threads[i], 0, offsetof(struct thread, reads));
		CLOCK(&threads[i].now, i) = 1;
	}
}

/*
 * Locations and messages.
 */

static struct message *newest(struct location *l)
{
	return &l->m[l->order[l->n - 1]];
}

/* A message behind the one at place @p after of the modification order. */
static struct message *insert(struct location *l, unsigned after, uint64_t value)
{
	int32_t before = l->m[l->order[after]].stamp;
	unsigned id = l->n;
	struct message *m = &l->m[id];

	if (l->n == MESSAGES_MAX) {
		explore_fail("more than %u writes to one variable, <%#lx>", MESSAGES_MAX, l->at);
		id = 0;
	}
	m->stamp = after + 1 == l->n ? before + GAP
				     : before + (l->m[l->order[after + 1]].stamp - before) / 2;
	if (m->stamp == before)
		explore_fail("too many writes between two others, to <%#lx>", l->at);
	for (unsigned i = l->n; i > after + 1; i--)
		l->order[i] = l->order[i - 1];
	l->order[after + 1] = (uint8_t)id;
	l->n++;
	m->value = value;
	m->step = explore_step();
	m->taken = m->pending = false;
	threads[explore_current].now.at[l->index] = m->stamp;
	return m;
}

static struct location *location_new(uintptr_t at, unsigned bytes)
{
	struct location *l = &locations[n_locations];

	if (n_locations == LOCATIONS_MAX) {
		explore_fail("the threads use more than %u atomic variables", LOCATIONS_MAX);
		return &locations[0];
	}
	l->at = at;
	l->bytes = (uint8_t)bytes;
	l->index = (uint8_t)n_locations++;
	l->n = 1;
	l->order[0] = 0;
	memset(&l->m[0], 0, sizeof l->m[0]);
	l->m[0].stamp = GAP;
	l->m[0].value = memory_read(at, bytes);
	for (unsigned i = 0; i < bytes; i += 4)
		*race_atomic(at + i) = true;
	return l;
}

static unsigned slot_of(uintptr_t at)
{
	unsigned h = (unsigned)((at * 0x9E3779B97F4A7C15ull) >> 56) % SLOTS;

	while (slots[h].generation == generation && locations[slots[h].location].at != at)
		h = (h + 1) % SLOTS;
	return h;
}

/* NULL: nobody has written there yet. */
static struct location *location_find(uintptr_t at, unsigned bytes)
{
	unsigned h = slot_of(at);
	struct location *l = &locations[slots[h].location];

	if (slots[h].generation != generation)
		return NULL;
	if (l->bytes != bytes)
		explore_fail("%u and %u bytes are accessed at <%#lx>", l->bytes, bytes, at);
	if (newest(l)->pending) {
		newest(l)->value = memory_read(at, bytes);
		newest(l)->pending = false;
	}
	return l;
}

static struct location *location_of(uintptr_t at, unsigned bytes)
{
	struct location *l = location_find(at, bytes);
	unsigned h;

	if (l)
		return l;
	h = slot_of(at);
	slots[h].generation = generation;
	slots[h].location = (uint8_t)n_locations;
	return location_new(at, bytes);
}

/* A plain write to what is accessed by atomics, too. That it races with none was checked. */
static void overwrite(uintptr_t at, size_t bytes)
{
	for (unsigned i = 0; i < n_locations; i++) {
		struct location *l = &locations[i];
		struct message *m;

		if (l->at >= at + bytes || at >= l->at + l->bytes)
			continue;
		(void)location_of(l->at, l->bytes);
		m = insert(l, l->n - 1u, 0);
		m->pending = true;
		m->released = (struct view){{0}};
		m->released.at[l->index] = m->stamp;
	}
}

static uint8_t bytes_in(uintptr_t at, uintptr_t end)
{
	uintptr_t cell_end = at / 4 * 4 + 4;
	unsigned n = (unsigned)((end < cell_end ? end : cell_end) - at);

	return (uint8_t)(((1u << n) - 1) << at % 4);
}

void model_plain(uintptr_t at, size_t bytes, bool write, uintptr_t pc)
{
	const int32_t *now = threads[explore_current].now.at + LOCATIONS_MAX;
	uintptr_t end = at + bytes;
	bool atomic = false;

	if (write)
		explore_writes(at, bytes);
	if (explore_current == NOBODY)
		return;
	for (uintptr_t a = at; a < end; a = a / 4 * 4 + 4)
		atomic |= *race_check(now, a, bytes_in(a, end), write, false, pc);
	if (write && atomic)
		overwrite(at, bytes);
}

static void race_check_atomic(const struct op *op, bool write)
{
	const int32_t *now = threads[explore_current].now.at + LOCATIONS_MAX;
	uintptr_t end = op->at + op->bytes;

	for (uintptr_t a = op->at; a < end; a = a / 4 * 4 + 4)
		(void)race_check(now, a, bytes_in(a, end), write, true, op->pc);
}

/*
 * Atomics.
 */

/* The oldest message of @p l that the running thread may read, or write behind. */
static int32_t oldest(const struct location *l, unsigned order)
{
	int32_t floor = threads[explore_current].now.at[l->index];

	if (order == SEQ_CST && seq_cst.at[l->index] > floor)
		floor = seq_cst.at[l->index];
	return floor;
}

/* Memory without stale reads, in the order of the search. */
static bool newest_only(void)
{
	return explore_confirming || (&explore_newest && explore_newest);
}

/* The place in modification order of the message to be read. What something is written behind must
 * not be taken; @p expected: a compare-and-exchange writes only if it reads that. */
static unsigned choose_read(struct location *l, unsigned order, bool writes,
			    const uint64_t *expected)
{
	int32_t floor = oldest(l, order);
	uint8_t may[MESSAGES_MAX];
	unsigned n = 0, known = writes ? 0 : explore_known(l->n);

	for (unsigned i = l->n; i-- > 0;) {
		const struct message *m = &l->m[l->order[i]];

		if (m->stamp < floor)
			break;
		if (l->order[i] < known)
			continue;
		if (m->taken && writes && (!expected || m->value == *expected))
			continue;
		may[n++] = (uint8_t)i;
		if (newest_only())
			break;
	}
	if (n == 0 && known)
		explore_put_off();
	if (n == 0) {
		explore_fail("the explorer is wrong: nothing can be read at <%#lx>", l->at);
		return 0;
	}
	return may[explore_choose(n)];
}

/* What thread @p t read last at @p at, with code at @p pc unless that is 0; NULL: nothing. */
static const struct read *last_read(const struct thread *t, uintptr_t at, uintptr_t pc)
{
	for (unsigned i = 1; i <= READS_KEPT && i <= t->n_reads; i++) {
		const struct read *r = &t->reads[(t->n_reads - i) % READS_KEPT];

		if (r->at == at && (!pc || r->pc == pc))
			return r;
	}
	return NULL;
}

static void note_read(const struct op *op, int32_t stamp)
{
	struct thread *t = &threads[explore_current];
	const struct read *before = last_read(t, op->at, op->pc);

	/* Compilers may make two copies of a loop's look: then both are of the same variable. */
	if (explore_confirming && !before && t->first_look && op->at != t->first_look)
		t->read_late = true;
	t->first_look = 0;
	if (!before)
		before = last_read(t, op->at, 0);
	if (explore_confirming && before && before->stamp != stamp)
		t->read_new = true;
	t->reads[t->n_reads++ % READS_KEPT] = (struct read){op->at, op->pc, stamp};
	t->wrote = false;
}

static void did_read(struct location *l, const struct message *m, unsigned order,
		     const struct op *op)
{
	struct thread *t = &threads[explore_current];

	if (m->stamp > t->now.at[l->index])
		t->now.at[l->index] = m->stamp;
	join(acquires(order) ? &t->now : &t->acquired, &m->released);
	note_read(op, m->stamp);
}

/* Writes behind place @p after. @p read: the message that a read-modify-write read, or NULL. */
static void write_behind(struct location *l, unsigned after, uint64_t value, unsigned order,
			 struct message *read)
{
	struct thread *t = &threads[explore_current];
	struct message *m = insert(l, after, value);

	m->released = releases(order) ? t->now : t->released;
	m->released.at[l->index] = m->stamp;
	if (read) {
		join(&m->released, &read->released); /* its release sequence goes on */
		read->taken = true;
	}
	if (order == SEQ_CST && m->stamp > seq_cst.at[l->index])
		seq_cst.at[l->index] = m->stamp;
	memory_write(l->at, l->bytes, newest(l)->value);
	CLOCK(&t->now, explore_current)++; /* later accesses are not part of what was released */
	t->wrote = true;
}

static bool last_place(const struct location *l, unsigned after)
{
	return after + 2 == l->n;
}

/* Of what nobody has written there is one message, and it needs no place. */
static uint64_t load_initial(const struct op *op)
{
	uint64_t value = memory_read(op->at, op->bytes);

	(void)explore_known(1);
	note_read(op, GAP);
	if (explore_options.tell)
		explore_tell(op, value, 0, 0, false, true);
	return value;
}

uint64_t model_load(const struct op *op)
{
	struct location *l = location_find(op->at, op->bytes);
	struct message *m;

	race_check_atomic(op, false);
	if (!l)
		return load_initial(op);
	m = &l->m[l->order[choose_read(l, op->order, false, NULL)]];
	did_read(l, m, op->order, op);
	if (explore_options.tell)
		explore_tell(op, m->value, 0, (int)m->step, false, m == newest(l));
	return m->value;
}

void model_store(const struct op *op, uint64_t value)
{
	struct location *l = location_of(op->at, op->bytes);
	int32_t floor = oldest(l, op->order);
	uint8_t may[MESSAGES_MAX];
	unsigned n = 0, after;

	for (unsigned i = l->n; i-- > 0;) {
		if (!l->m[l->order[i]].taken)
			may[n++] = (uint8_t)i;
		if (l->m[l->order[i]].stamp <= floor || newest_only())
			break;
	}
	after = n ? may[explore_choose(n)] : l->n - 1u;
	race_check_atomic(op, true);
	write_behind(l, after, fit(value, op->bytes), op->order, NULL);
	if (explore_options.tell)
		explore_tell(op, 0, fit(value, op->bytes), -1, true, last_place(l, after));
}

uint64_t model_rmw(const struct op *op, uint64_t value, uint64_t (*change)(uint64_t, uint64_t))
{
	struct location *l = location_of(op->at, op->bytes);
	unsigned place = choose_read(l, op->order, true, NULL);
	struct message *m = &l->m[l->order[place]];
	uint64_t old = m->value;

	value = fit(change(old, value), op->bytes);
	race_check_atomic(op, true);
	did_read(l, m, op->order, op);
	write_behind(l, place, value, op->order, m);
	if (explore_options.tell)
		explore_tell(op, old, value, (int)m->step, true, last_place(l, place));
	return old;
}

uint64_t model_cas(const struct op *op, uint64_t expected, uint64_t value)
{
	struct location *l = location_of(op->at, op->bytes);
	unsigned place = choose_read(l, op->order, true, &expected);
	struct message *m = &l->m[l->order[place]];
	uint64_t old = m->value;
	bool equal = old == expected;

	race_check_atomic(op, equal);
	did_read(l, m, equal ? op->order : op->order_if_not, op);
	if (equal)
		write_behind(l, place, fit(value, op->bytes), op->order, m);
	if (explore_options.tell)
		explore_tell(op, old, value, (int)m->step, equal,
			     equal ? last_place(l, place) : m == newest(l));
	return old;
}

void model_fence(const struct op *op)
{
	struct thread *t = &threads[explore_current];

	if (acquires(op->order))
		join(&t->now, &t->acquired);
	if (op->order == SEQ_CST)
		join_locations(&t->now, &seq_cst);
	if (op->order == SEQ_CST)
		join_locations(&seq_cst, &t->now);
	if (releases(op->order)) {
		t->released = t->now;
		CLOCK(&t->now, explore_current)++;
	}
	if (explore_options.tell)
		explore_tell(op, 0, 0, -1, false, true);
}

/* A hint takes with it what its sender knows, as the kernel's do (arch_hint). */
void model_hint(unsigned cpu)
{
	struct thread *t = &threads[explore_current];

	join(&hints[cpu].view, &t->now);
	hints[cpu].pending = true;
	CLOCK(&t->now, explore_current)++;
	t->wrote = true;
}

void model_halt(unsigned cpu)
{
	join(&threads[cpu].now, &hints[cpu].view);
	hints[cpu].pending = false;
}

bool model_hinted(unsigned cpu)
{
	return hints[cpu].pending;
}

unsigned model_lock(uintptr_t at)
{
	unsigned i = 0;

	while (i < n_locks && locks[i].at != at)
		i++;
	if (i == LOCKS_MAX) {
		explore_fail("the threads use more than %u spin locks", LOCKS_MAX);
		return 0;
	}
	if (i == n_locks) {
		memset(&locks[i], 0, sizeof locks[i]);
		locks[i].at = at;
		locks[i].giver = NOBODY;
		n_locks++;
	}
	return i;
}

bool model_lock_held(unsigned lock)
{
	return locks[lock].held;
}

void model_lock_take(unsigned lock)
{
	struct thread *t = &threads[explore_current];

	/* What it protects may be other than when this thread held it last. */
	if (explore_confirming && locks[lock].giver != explore_current)
		t->read_new = true;
	join(&t->now, &locks[lock].view);
	locks[lock].held = true;
}

void model_lock_give(unsigned lock)
{
	struct thread *t = &threads[explore_current];

	if (!locks[lock].held)
		explore_fail("CPU %u gives the lock <%#lx>, which nobody holds", explore_current,
			     locks[lock].at);
	locks[lock].view = t->now;
	locks[lock].giver = explore_current;
	locks[lock].held = false;
	CLOCK(&t->now, explore_current)++;
}

bool model_newer(unsigned id)
{
	const struct thread *t = &threads[id];
	const struct read *last = &t->reads[(t->n_reads - 1) % READS_KEPT];
	unsigned h = slot_of(last->at);

	return t->n_reads && slots[h].generation == generation &&
	       newest(&locations[slots[h].location])->stamp > last->stamp;
}

bool model_wrote(unsigned id)
{
	return threads[id].wrote;
}

void model_confirm(unsigned id)
{
	struct thread *t = &threads[id];

	t->read_new = t->read_late = false;
	t->first_look = t->n_reads ? t->reads[(t->n_reads - 1) % READS_KEPT].at : 0;
}

bool model_read_new(unsigned id)
{
	return threads[id].read_new;
}

bool model_read_late(unsigned id)
{
	return threads[id].read_late;
}
