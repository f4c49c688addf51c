/*
 * What SPIN compares states by. Two of them go on alike, and are one to SPIN, when they differ
 *
 * - in what will be written before it is read, as who looked last of a CPU that is at no look;
 * - in the order of arrival of tasks of which one outranks the other;
 * - in the names of tasks that have the same parameters, or of CPUs that all tasks may use alike.
 *   Of the CPUs' numbers the kernel's code makes use where all else is equal, to choose among those
 *   that it may hint: there their order is SPIN's choice (step_goes_on).
 */
#include "sched_key.h"
#include "base/string.h"
#include "sched_world.h"

#define RANKS_MAX 16
#define ORDERS    6

struct key model_key;
static u8 orders[ORDERS][CPUS]; /* the CPUs' names that will do: of each, another */
static unsigned orders_n;
static u8 alike[TASKS]; /* the first of those with its parameters */
static u64 ranks[RANKS_MAX];
static unsigned ranks_n;

static u32 index_of(u64 rank)
{
	unsigned i = 0;

	while (i < ranks_n && ranks[i] != rank)
		i++;
	if (i == ranks_n) {
		if (ranks_n == RANKS_MAX)
			__builtin_trap();
		ranks[ranks_n++] = rank;
	}
	return i;
}

static u64 renamed(u64 set, const u8 *name)
{
	u64 to = 0;

	for (unsigned c = 0; c < CPUS; c++)
		to |= (set >> c & 1) << name[c];
	return to;
}

static void add_order(const u8 *name)
{
	for (unsigned t = 0; t < TASKS; t++) {
		u64 may = sched_cpus(&model_params[t]) & ((1u << CPUS) - 1);

		if (renamed(may, name) != may)
			return;
	}
	memcpy(orders[orders_n++], name, CPUS);
}

/* All orders of CPUs from number @p from on. */
static void add_orders(u8 *name, unsigned from)
{
	if (from == CPUS)
		add_order(name);
	for (unsigned i = from; i < CPUS; i++) {
		u8 mine = name[from];

		name[from] = name[i];
		name[i] = mine;
		add_orders(name, from + 1);
		name[i] = name[from];
		name[from] = mine;
	}
}

void key_begin(void)
{
	u8 name[CPUS];

	for (unsigned c = 0; c < CPUS; c++)
		name[c] = (u8)c;
	orders_n = 0;
	add_orders(name, 0);
	for (unsigned t = 0; t < TASKS; t++) {
		alike[t] = 0;
		while (memcmp(&model_params[alike[t]], &model_params[t], sizeof model_params[t]))
			alike[t]++;
	}
}

/* A number that is made of fields. */
struct bits {
	u64 all;
	unsigned n;
};

static void put(struct bits *b, u32 value, unsigned bits)
{
	b->all |= (u64)(value & ((1u << bits) - 1)) << b->n;
	b->n += bits;
}

/* How many of its rank came before t, and 1; or 0. */
static u32 place_of_task(unsigned t)
{
	u32 before = 1;

	if (m.state[t] != READY)
		return 0;
	for (unsigned i = 0; m.order[i] != t; i++)
		before += rank_of(m.order[i]) == rank_of(t);
	return before;
}

static bool has_subject(unsigned c)
{
	return m.phase[c] == WOKEN || m.phase[c] == OTHERS || m.phase[c] == YIELDED ||
	       m.phase[c] == TAKE_HELD;
}

static u64 key_of_task(unsigned t, const u8 *name)
{
	struct bits b = {0};
	u32 subjects = 0;

	for (unsigned c = 0; c < CPUS; c++)
		subjects |= (u32)(has_subject(c) && m.subject[c] == t) << name[c];
	put(&b, m.state[t], 3);
	put(&b, subjects, 3);
	if (m.state[t] == DEAD)
		return b.all;
	put(&b, m.jobs[t], 2);
	put(&b, m.noted[t], 1);
	put(&b, m.owed[t], 1);
	put(&b, m.suspended[t], 1);
	put(&b, name[m.last[t]], 2);
	if (m.state[t] == WAITING)
		return b.all;
	put(&b, index_of(rank_of(t)), 4);
	put(&b, place_of_task(t), 3);
	for (unsigned c = 0; c < CPUS; c++)
		if (m.running[c] == t || m.left[c] == t)
			put(&b, name[c], 2);
	return b.all;
}

/* What is not a CPU's name. */
static u64 state_of_cpu(unsigned c)
{
	struct bits b = {0};
	unsigned phase = m.phase[c];

	put(&b, phase, 4);
	put(&b, index_of(m.promised[c]), 4);
	put(&b, m.giving[c] != NOBODY && m.sends[c], 1);
	put(&b, m.left[c] != NOBODY && m.at_head[c], 1);
	put(&b, phase != RUN && m.spent[c], 1);
	put(&b, phase == TAKE && m.over[c], 1);
	put(&b, (u32)m.hinted[c], 4);
	put(&b, m.interrupted[c] | m.own[c] << 1, 2);
	put(&b, m.leaving[c] | m.out[c] << 1 | m.asks[c] << 2, 3);
	put(&b, (phase == TAKE || phase == TAKE_HELD) && m.goes[c], 1);
	put(&b, m.idle >> c & 1, 1);
	put(&b, m.online >> c & 1, 1);
	put(&b, m.saw[c] != 0, 1);
	put(&b, index_of(m.want_rank[c]), 4);
	return b.all;
}

static u64 names_of_cpu(unsigned c, const u8 *name)
{
	unsigned other = m.phase[c] == PLUGGED ? m.subject[c] : m.giving[c];
	struct bits b = {.n = 32}; /* behind state_of_cpu's */

	put(&b, other == NOBODY ? 7 : name[other], 3);
	put(&b, (u32)renamed(m.saw[c] & ~SAW, name), 3);
	put(&b, m.want_rank[c] ? name[m.want_cpu[c]] : 0, 2);
	return b.all;
}

/* Tasks that are alike stand in the order of their numbers. */
static void sort_tasks(u64 *task)
{
	for (unsigned t = 1; t < TASKS; t++)
		for (unsigned i = t; i && alike[i - 1] == alike[t] && task[i - 1] > task[i]; i--) {
			u64 was = task[i];

			task[i] = task[i - 1];
			task[i - 1] = was;
		}
}

static void make(struct key *k, const u8 *name, const u64 *state)
{
	u64 task[TASKS], cpu;

	for (unsigned t = 0; t < TASKS; t++)
		task[t] = key_of_task(t, name);
	sort_tasks(task);
	for (unsigned t = 0; t < TASKS; t++)
		memcpy(k->task[t], &task[t], sizeof k->task[t]);
	for (unsigned c = 0; c < CPUS; c++) {
		cpu = state[c] | names_of_cpu(c, name);
		memcpy(k->cpu[name[c]], &cpu, sizeof k->cpu[0]);
	}
	k->rest[0] = 0;
	for (unsigned i = 0; i < TROUBLES; i++)
		k->rest[0] |= (u8)(m.troubles[i] << 2 * i);
	k->rest[1] = (u8)(m.plugs | (m.locked == NOBODY ? 7 : name[m.locked]) << 4);
}

/* Less, equal, greater than 0: the one order has lower states first. */
static int compare(const u8 *one, const u8 *other, const u64 *state)
{
	u64 a[CPUS], b[CPUS];

	for (unsigned c = 0; c < CPUS; c++) {
		a[one[c]] = state[c];
		b[other[c]] = state[c];
	}
	for (unsigned c = 0; c < CPUS; c++)
		if (a[c] != b[c])
			return a[c] < b[c] ? -1 : 1;
	return 0;
}

/* Of the orders with the lowest states first, the one with the least key. */
void key_make(void)
{
	u64 state[CPUS];
	unsigned best = 0;
	struct key k;

	for (unsigned c = 0; c < CPUS; c++)
		state[c] = state_of_cpu(c);
	for (unsigned i = 1; i < orders_n; i++)
		if (compare(orders[i], orders[best], state) < 0)
			best = i;
	make(&model_key, orders[best], state);
	for (unsigned i = 0; i < orders_n; i++) {
		if (compare(orders[i], orders[best], state))
			continue;
		make(&k, orders[i], state);
		if (memcmp(&k, &model_key, sizeof k) < 0)
			model_key = k;
	}
}
