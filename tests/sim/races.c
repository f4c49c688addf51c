/*
 * The race detector (sim/race.c) against another one that keeps every access and compares with all of them: random accesses
 * of few words by the agents of two CPUs, with all that makes an order in between. Histories in which nothing is pushed out must be
 * told of at the access that makes the first race, and not before; in any others what is told must be true.
 *
 *     races HISTORIES
 */
#include "sim/race.c"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CPUS 2
#define N (2 * CPUS)
#define OBJECTS 3
#define STEPS 60
#define OBJECT_AT(i) (RAM_BASE + 64 * (uintptr_t)(i))

/* What race.c needs of the simulator. */
struct sim sim;
int64_t sim_budget;
struct watch_now watch_now[SIM_CPUS_MAX];
struct watch_acting watch_actor;
unsigned report_shows_count;

static struct told {
	unsigned times;
	uint64_t cell;
	uint32_t place;
} told;

bool report_begin(uintptr_t pc, uintptr_t earlier)
{
	(void)pc, (void)earlier;
	return true;
}

void report_line(const char *fmt, ...)
{
	(void)fmt;
}

void report_here(const char *what, uintptr_t pc)
{
	(void)what, (void)pc;
}

void report_later_access(const char *what, uintptr_t at, uint64_t cell, uint32_t pc)
{
	(void)what, (void)at;
	told = (struct told){told.times + 1, cell, pc};
}

void report_end(void)
{
}

void report_shows_access(uintptr_t at, uint64_t cell, uintptr_t pc)
{
	(void)at, (void)cell, (void)pc;
}

void sim_stop(int status, const char *message)
{
	fprintf(stderr, "%s\n", message);
	exit(status);
}

void watch_map(uintptr_t base, size_t bytes, bool again)
{
	(void)again;
	if (mmap((void *)base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) !=
	    (void *)base)
		sim_stop(1, "no room");
}

/* The other detector: clocks without stamps, and all accesses of the present history. */
typedef uint64_t vector[N];
static vector clock_of[N], object[OBJECTS], mask_of[CPUS], seen[N], at_fence[N];
static vector saved;
static struct clock saved_clock;

static struct made {
	unsigned agent, mask, kind;
	uint64_t epoch;
	uint32_t place;
} history[STEPS];
static unsigned n_history;

static uint64_t state = 88172645463325252ull;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % n;
}

static void max_of(vector to, const vector from)
{
	for (unsigned i = 0; i < N; i++)
		to[i] = to[i] > from[i] ? to[i] : from[i];
}

static void turn(unsigned agent)
{
	sim.cur = agent / 2;
	watch_now[sim.cur].in_irq = agent % 2;
	race_turn();
}

static void atomic(unsigned me)
{
	static const int orders[] = {__ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE, __ATOMIC_ACQ_REL};
	unsigned i = below(OBJECTS), op = below(3);
	int order = orders[below(op == OP_RMW ? 4 : 2) * (op == OP_STORE ? 2 : 1)];

	if (op != OP_LOAD || !race_loads_nothing(OBJECT_AT(i)))
		race_atomic(OBJECT_AT(i), (enum atomic_op)op, order);
	if (op != OP_STORE)
		max_of(order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ? clock_of[me] : seen[me], object[i]);
	if (op == OP_LOAD)
		return;
	if (op == OP_STORE)
		memset(object[i], 0, sizeof object[i]);
	if (order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL)
		max_of(object[i], clock_of[me]), clock_of[me][me]++;
	else
		max_of(object[i], at_fence[me]);
}

static void order(unsigned me)
{
	unsigned other = (me + 1 + below(N - 1)) % N;

	switch (below(8)) {
	case 0:
		race_mask();
		max_of(clock_of[me], mask_of[me / 2]);
		break;
	case 1:
		race_unmask();
		max_of(mask_of[me / 2], clock_of[me]), clock_of[me][me]++;
		break;
	case 2:
		race_fence(__ATOMIC_ACQUIRE);
		max_of(clock_of[me], seen[me]);
		break;
	case 3:
		race_fence(__ATOMIC_RELEASE);
		memcpy(at_fence[me], clock_of[me], sizeof(vector)), clock_of[me][me]++;
		break;
	case 4:
		if (below(4))
			break;
		race_join(other, me);
		max_of(clock_of[other], clock_of[me]), clock_of[me][me]++;
		break;
	case 5:
		race_save(&saved_clock);
		memcpy(saved, clock_of[me], sizeof saved), clock_of[me][me]++;
		break;
	case 6:
		race_restore(&saved_clock);
		max_of(clock_of[me], saved);
		break;
	default:
		atomic(me);
	}
}

static bool races(const struct made *a, const struct made *b)
{
	return a->agent != b->agent && a->mask & b->mask && (a->kind | b->kind) & ACCESS_WRITE &&
	       !(a->kind & b->kind & ACCESS_MARKED) && a->epoch > clock_of[b->agent][a->agent];
}

/* One that the hooks announce, and so perhaps in the short way. Whether the other detector knows a race; what race.c tells must be
 * one of these. */
static bool access_races(struct made *a, uintptr_t word, unsigned offset, unsigned bytes)
{
	bool race = false, is_one = false;
	uintptr_t at = word + offset;

	told.times = 0;
	a->epoch = clock_of[a->agent][a->agent];
	a->mask = ((1u << bytes) - 1) << offset & 255;
	if (!race_only(at, bytes))
		race_access(at, bytes, a->kind, a->place);
	else if (!race_takes(at, bytes, a->kind, a->place))
		race_word(at, bytes, a->kind, a->place);
	for (unsigned i = 0; i < n_history; i++) {
		const struct made *h = &history[i];

		race |= races(h, a);
		is_one |= races(h, a) && h->place == told.place && h->agent == agent_of(told.cell) && h->epoch == told.cell >> CELL_EPOCH &&
			  h->mask == (told.cell & CELL_MASK);
	}
	if (told.times && !is_one) {
		printf("told of a race that is none, or of another access\n");
		exit(1);
	}
	history[n_history++] = *a;
	return race;
}

/* @p kinds: so many different accesses; 4 cells hold as many. */
static void history_of(uintptr_t word, unsigned kinds)
{
	struct {
		unsigned agent, offset, bytes, kind;
	} of[16];

	for (unsigned i = 0; i < kinds; i++) {
		of[i].bytes = 1u << below(4);
		of[i].offset = below(8 / of[i].bytes) * of[i].bytes;
		of[i].agent = below(N);
		of[i].kind = below(4);
	}
	n_history = 0;
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = below(kinds), agent = below(3) ? of[i].agent : below(N);
		struct made a = {.agent = of[i].agent, .kind = of[i].kind, .place = step + 1};
		bool race;

		turn(agent);
		if (below(2)) {
			order(agent);
			continue;
		}
		turn(a.agent);
		sim.events++;
		race = access_races(&a, word, of[i].offset, of[i].bytes);
		if (kinds <= CELLS && race != (told.times > 0)) {
			printf("%s\n", race ? "a race was not told of" : "no race was told of");
			exit(1);
		}
		if (race && kinds <= CELLS)
			return;
	}
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 1, raced = 0;

	sim.cfg.cpus = CPUS;
	race_now.least = 0;
	race_begin();
	for (unsigned i = 0; i < N; i++)
		clock_of[i][i] = 1;
	for (unsigned i = 0; i < n; i++) {
		history_of(RAM_BASE + 4096 + 8 * (uintptr_t)i, i % 4 ? 1 + below(CELLS) : 5 + below(12));
		raced += n_history && told.times;
	}
	printf("%u histories, %u with a race at their end\n", n, raced);
	return !raced;
}
