/*
 * race.c: data races, by happens-before: who accessed each four bytes last, and at what time of its
 * own clock. Two accesses of which one writes and one is plain race unless the second one's thread
 * knows, by its clocks, of the first.
 */
#include "sim/explore/explore.h"
#include <string.h>

/* Who accessed four bytes. */
struct seen {
	int32_t clock;
	uint8_t bytes; /* a bit for each */
	uint32_t pc;
};
struct cell {
	uintptr_t at;
	uint32_t generation;
	bool atomic; /* part of a location */
	uint8_t who; /* threads that have an entry in by; the others' are of earlier executions */
	struct {
		struct seen reads, writes, atomic_reads, atomic_writes;
	} by[EXPLORE_THREADS_MAX];
};
#define CELLS 8192
static struct cell cells[CELLS];

static uint32_t generation;

void race_reset(void)
{
	generation++;
}

static struct cell *cell_of(uintptr_t at)
{
	unsigned h = (unsigned)((at / 4 * 0x9E3779B97F4A7C15ull) >> 51) % CELLS;

	for (unsigned tries = 0; tries < CELLS; tries++, h = (h + 1) % CELLS) {
		struct cell *c = &cells[h];

		if (c->generation != generation) {
			c->generation = generation;
			c->at = at / 4;
			c->atomic = false;
			c->who = 0;
			return c;
		}
		if (c->at == at / 4)
			return c;
	}
	explore_fail("the threads touch more than %u words of memory", CELLS);
	return &cells[0];
}

static void check(const struct seen *s, const int32_t *clocks, unsigned other, uint8_t bytes,
		  uintptr_t at, uintptr_t pc)
{
	if (s->clock > clocks[other] && s->bytes & bytes)
		explore_fail("data race on <%#lx>: CPU %u at {%#lx} and CPU %u at {%#lx}", at,
			     other, (unsigned long)s->pc, explore_current, pc);
}

static void note(struct seen *s, int32_t clock, uint8_t bytes, uintptr_t pc)
{
	*s = (struct seen){clock, s->clock == clock ? s->bytes | bytes : bytes, (uint32_t)pc};
}

bool *race_check(const int32_t *clocks, uintptr_t at, uint8_t bytes, bool write, bool atomic,
		 uintptr_t pc)
{
	unsigned me = explore_current;
	struct cell *c = cell_of(at);
	int32_t clock = clocks[me];

	if (!(c->who >> me & 1))
		memset(&c->by[me], 0, sizeof c->by[me]);
	for (unsigned left = c->who & ~(1u << me), t; left; left &= left - 1) {
		t = (unsigned)__builtin_ctz(left);
		check(&c->by[t].writes, clocks, t, bytes, at, pc);
		if (write)
			check(&c->by[t].reads, clocks, t, bytes, at, pc);
		if (!atomic)
			check(&c->by[t].atomic_writes, clocks, t, bytes, at, pc);
		if (write && !atomic)
			check(&c->by[t].atomic_reads, clocks, t, bytes, at, pc);
	}
	c->who |= (uint8_t)(1u << me);
	if (atomic)
		note(write ? &c->by[me].atomic_writes : &c->by[me].atomic_reads, clock, bytes, pc);
	else
		note(write ? &c->by[me].writes : &c->by[me].reads, clock, bytes, pc);
	return &c->atomic;
}

bool *race_atomic(uintptr_t at)
{
	return &cell_of(at)->atomic;
}
