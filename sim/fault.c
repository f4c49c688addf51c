/*
 * fault.c: faults by seeded chance. Each kind has a generator of its own, and counts the places
 * where it could strike: a saved run names a fault by its kind and that number, so that a shrinker
 * can take one out and leave the others where they are.
 */
#include "sim/sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLIPPED_BYTES (4u << 20) /* of RAM, from its begin: the page allocator hands these out first */

const struct fault_kind fault_kinds[FAULTS] = {
	[FAULT_HINT_LOST] = {"hint-lost", 1, "a hint interrupt does not arrive"},
	[FAULT_HINT_DOUBLED] = {"hint-doubled", 20000, "it arrives twice, up to 20 us apart"},
	[FAULT_HINT_LATE] = {"hint-late", 100000, "it takes up to 100 us longer"},
	[FAULT_HINT_SPURIOUS] = {"hint-spurious", 20000, "one arrives that nobody sent"},
	[FAULT_TIMER_LATE] = {"timer-late", 100000, "a timer fires up to 100 us late"},
	[FAULT_CPU_STALL] = {"cpu-stall", 1000000, "a CPU stands still for up to 1 ms"},
	[FAULT_TIMER_DOUBLED] = {"timer-doubled", 20000, "a timer fires twice, up to 20 us apart"},
	[FAULT_TIMER_SPURIOUS] = {"timer-spurious", 20000, "a timer fires that was not set"},
	[FAULT_CLOCK_STEP] = {"clock-step", 100000, "the clock jumps forward by up to 100 us"},
	[FAULT_CLOCK_SKEW] = {"clock-skew", 1000, "a CPU's clock is ahead by up to 1 us from its start on"},
	[FAULT_BIT_FLIP] = {"bit-flip", 8ull << 22, "a bit of the first 4 MiB of RAM changes"},
	[FAULT_DEVICE_STUCK] = {"device-stuck", 1, "a device stops in the middle of its work, until it is reset"},
	[FAULT_DEVICE_SLOW] = {"device-slow", 10000000, "a piece of a device's work takes up to 10 ms longer"},
	[FAULT_DEVICE_ERROR] = {"device-error", 1, "a piece of a device's work fails: an error of a disk, a lost frame"},
	[FAULT_IRQ_SPURIOUS] = {"irq-spurious", 1, "a device's interrupt comes without a reason, at a write to its registers"},
	[FAULT_IRQ_LATE] = {"irq-late", 100000, "a device's interrupt comes up to 100 us late"},
	[FAULT_REGISTER_FLIP] = {"register-flip", FIBER_REGISTERS * 64, "a bit of a register of what goes on on another stack changes"},
	[FAULT_IRQ_LOST] = {"irq-lost", 1, "a device's interrupt does not come; its next one does"},
};

struct struck {
	uint64_t number, value;
};

static struct kind {
	uint64_t one_in, places;
	struct struck *given, *noted; /* of a replay, in order; of this run */
	size_t givens, next, notes;
} kinds[FAULTS];

bool sim_faults;

void fault_reset(void)
{
	sim_faults = false;
	for (unsigned k = 0; k < FAULTS; k++) {
		kinds[k].places = kinds[k].next = kinds[k].notes = kinds[k].givens = 0;
		sim_faults |= kinds[k].one_in > 0;
	}
}

static unsigned kind_named(const char *name, size_t len)
{
	unsigned k = 0;

	while (k < FAULTS && (strlen(fault_kinds[k].name) != len ||
			      strncmp(fault_kinds[k].name, name, len) != 0))
		k++;
	return k;
}

static const char *kind_name(unsigned i)
{
	return i < FAULTS ? fault_kinds[i].name : NULL;
}

const char *fault_set(const char *value)
{
	const char *equals = strchr(value, '=');
	unsigned k = equals ? kind_named(value, (size_t)(equals - value)) : FAULTS;
	char *end;

	if (k == FAULTS)
		return none_of("wants KIND=N, and has no such kind", kind_name);
	kinds[k].one_in = strtoull(equals + 1, &end, 10);
	if (*end || !kinds[k].one_in)
		return "wants KIND=N: it strikes one time in N, at random";
	sim_faults = true;
	return NULL;
}

static struct struck *append(struct struck **list, size_t *n, struct struck s)
{
	struct struck *more = realloc(*list, (*n + 1) * sizeof *more);

	if (!more)
		return NULL;
	*list = more;
	more[*n] = s;
	return &more[(*n)++];
}

const char *fault_give(const char *value)
{
	char name[32];
	unsigned long long number, amount;
	unsigned k = FAULTS;

	if (sscanf(value, "%31s %llu %llu", name, &number, &amount) == 3)
		k = kind_named(name, strlen(name));
	if (k == FAULTS)
		return "wants a kind of fault, its number and its amount";
	sim_faults = true;
	return append(&kinds[k].given, &kinds[k].givens, (struct struck){number, amount})
		       ? NULL
		       : "finds no host memory";
}

static bool given(struct kind *k, uint64_t *value)
{
	while (k->next < k->givens && k->given[k->next].number < k->places)
		k->next++;
	if (k->next == k->givens || k->given[k->next].number != k->places)
		return false;
	*value = k->given[k->next].value;
	return true;
}

bool fault_strikes_now(enum fault fault, uint64_t *value)
{
	struct kind *k = &kinds[fault];
	struct rng *r = &sim.rng[RNG_FAULTS + fault];

	k->places++;
	if (k->givens) {
		if (!given(k, value))
			return false;
	} else if (!k->one_in || rng_below(r, k->one_in)) {
		return false;
	} else {
		*value = 1 + rng_below(r, fault_kinds[fault].most);
	}
	sim.faults++;
	sim_mix(0x300 + fault);
	if (sim.cfg.record &&
	    !append(&k->noted, &k->notes, (struct struck){k->places, *value}))
		sim_stop(EXIT_BROKEN, "no host memory to record so many faults");
	return true;
}

uint64_t fault_unstalled(uint64_t set, enum where where)
{
	uint64_t ns, able = 0;

	if (where == AT_EVENT && fault_strikes(FAULT_CPU_STALL, &ns))
		sim.cpu[sim.cur].stalled_until = sim.clock_ns + ns;
	FOR_EACH_CPU(i, set)
		if (sim.cpu[i].stalled_until <= sim.clock_ns)
			able |= CPU_BIT(i);
	return able ? able : set;
}

static void hint_again(unsigned cpu, uint64_t at)
{
	if (at < sim.cpu[cpu].again_at)
		sim.cpu[cpu].again_at = at;
	sim_spend(0);
}

bool fault_hint(unsigned cpu, uint64_t *at)
{
	uint64_t ns, now = sim_now_ns();

	if (fault_strikes(FAULT_HINT_SPURIOUS, &ns) && (sim.busy | sim.halted) & CPU_BIT(ns % sim.cfg.cpus))
		hint_again((unsigned)(ns % sim.cfg.cpus), now + ns);
	if (fault_strikes(FAULT_HINT_DOUBLED, &ns))
		hint_again(cpu, *at + ns);
	if (fault_strikes(FAULT_HINT_LATE, &ns))
		*at += ns;
	return fault_strikes(FAULT_HINT_LOST, &ns);
}

void fault_machine(void)
{
	uint64_t value;

	if (fault_strikes(FAULT_CLOCK_STEP, &value))
		sim.clock_ns += value;
	if (fault_strikes(FAULT_TIMER_SPURIOUS, &value))
		sim.cpu[sim.cur].tick_at = sim.clock_ns + value;
	if (fault_strikes(FAULT_BIT_FLIP, &value) && sim_memory_ok(RAM_BASE + value / 8 % FLIPPED_BYTES, 1))
		*(uint8_t *)(RAM_BASE + value / 8 % FLIPPED_BYTES) ^= (uint8_t)(1u << value % 8);
}

void fault_write(FILE *f)
{
	/* A CPU's standing still is in the choices. */
	for (unsigned k = 0; k < FAULTS; k++)
		for (size_t i = 0; k != FAULT_CPU_STALL && i < kinds[k].notes; i++)
			fprintf(f, "struck %s %llu %llu\n", fault_kinds[k].name,
				(unsigned long long)kinds[k].noted[i].number,
				(unsigned long long)kinds[k].noted[i].value);
}
