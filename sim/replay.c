/*
 * replay.c: runs as files. A run is what it was made from (CPUs, seed, command line, input) and the
 * choices of CPU that were not plain (strategy_plain). A choice is named by the CPU that was left,
 * the number of events that this CPU had executed, and the CPU that came: places that stay what
 * they are when other choices are taken away, so that a shrinker can. The file is a list of
 * options, one a line, without their dashes; main.c reads it.
 */
#include "sim/watch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct choice {
	uint64_t ran;
	uintptr_t pc; /* while recording */
	unsigned cpu, to;
};

/* Of each CPU in order; while recording, of all CPUs as they come. */
static struct list {
	struct choice *all;
	size_t n, room, next;
} replayed[SIM_CPUS_MAX], noted;

/* Choices by what a CPU executes, which a shrinker tries: they mean the same when other choices are gone and the
 * CPU comes there earlier or later. */
#define PLACES_MAX 8
static struct place {
	uintptr_t pc;
	uint64_t after;
	unsigned cpu, to;
	bool done;
} places[PLACES_MAX];
static unsigned place_count, forced = SIM_CPUS_MAX; /* who comes now */

int replay_add_place(unsigned cpu, uintptr_t pc, uint64_t after, unsigned to)
{
	if (place_count == PLACES_MAX)
		return -1;
	places[place_count++] = (struct place){pc, after, cpu, to, false};
	return 0;
}

unsigned replay_places(void)
{
	return place_count;
}

bool replay_at(uintptr_t pc, uint64_t ran)
{
	for (struct place *p = places; p < places + place_count; p++) {
		if (p->pc == pc && p->cpu == sim.cur && ran >= p->after && !p->done) {
			p->done = true;
			forced = p->to;
			return true;
		}
	}
	return false;
}

static int add(struct list *l, struct choice c)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		struct choice *all = realloc(l->all, room * sizeof *all);

		if (!all)
			return -1;
		l->all = all;
		l->room = room;
	}
	l->all[l->n++] = c;
	return 0;
}

void replay_reset(void)
{
	noted.n = place_count = 0;
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		replayed[i].n = replayed[i].next = 0;
}

int replay_add(unsigned cpu, uint64_t ran, unsigned to)
{
	return add(&replayed[cpu], (struct choice){.ran = ran, .cpu = cpu, .to = to});
}

void replay_note(unsigned next)
{
	if (add(&noted, (struct choice){sim.cpu[sim.cur].ran, sim.pc, sim.cur, next}) != 0)
		sim_stop(EXIT_BROKEN, "no host memory to record so many choices");
}

void replay_note_at(unsigned cpu, uint64_t ran, uintptr_t pc, unsigned to)
{
	if (add(&noted, (struct choice){ran, pc, cpu, to}) != 0)
		abort();
}

void replay_forget(void)
{
	noted.n = 0;
}

/* The next choice that the current CPU has still before it, or NULL. */
static const struct choice *upcoming(void)
{
	struct list *l = &replayed[sim.cur];

	while (l->next < l->n && l->all[l->next].ran < sim.cpu[sim.cur].ran)
		l->next++;
	return l->next < l->n ? &l->all[l->next] : NULL;
}

static void replay_begin(void)
{
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		replayed[i].next = 0;
}

static unsigned replay_choose(uint64_t set, enum where where)
{
	const struct choice *c = upcoming();
	unsigned to = forced;

	forced = SIM_CPUS_MAX;
	if (to < SIM_CPUS_MAX && set & CPU_BIT(to))
		return to;
	if (c && c->ran == sim.cpu[sim.cur].ran && set & CPU_BIT(c->to))
		return c->to;
	return strategy_plain(set, where);
}

static int64_t replay_slice(uint64_t others)
{
	const struct choice *c = upcoming();
	uint64_t ran = sim.cpu[sim.cur].ran;

	(void)others;
	if (!c || c->ran - ran > INT64_MAX)
		return INT64_MAX;
	return c->ran > ran ? (int64_t)(c->ran - ran) : 1;
}

const struct strategy by_replay = {
	.name = "replay",
	.meaning = "what the switches of --replay say, else none",
	.mean = 1,
	.fair = true,
	.begin = replay_begin,
	.choose = replay_choose,
	.slice = replay_slice,
};

uint64_t replay_build(void)
{
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */

	hooks_always(false);
	for (const unsigned char *p = __start_ktext; p < __stop_ktext; p++)
		hash = (hash ^ *p) * 0x100000001b3ull;
	hooks_always(sim.always);
	return hash;
}

static void write_text(FILE *f)
{
	size_t n;
	const char *input = console_input(&n);

	fprintf(f, "# A run of the simulator: kernel.elf --replay FILE. See sim/README.md.\n");
	fprintf(f, "program %s\n", sim.cfg.program);
	fprintf(f, "build %016llx\ncpus %u\nseed %llu\nram %llu\nhint-ns %llu\n",
		(unsigned long long)replay_build(), sim.cfg.cpus, (unsigned long long)sim.cfg.seed,
		(unsigned long long)(sim.cfg.ram_bytes >> 20),
		(unsigned long long)sim.cfg.hint_ns);
	fprintf(f, "cmdline %s\nstrategy replay\n", sim.cfg.cmdline);
	if (sim.cfg.max_events) /* else what waited for ever would now do so */
		fprintf(f, "max-events %llu\n", (unsigned long long)sim.cfg.max_events);
	if (sim.cfg.from_mark)
		fprintf(f, "seed-from mark\n");
	if (sim.cfg.watch)
		watch_write(f);
	devices_write(f);
	fprintf(f, "input ");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", (unsigned char)input[i]);
	fprintf(f, "\n");
	fault_write(f);
	for (size_t i = 0; i < noted.n; i++)
		fprintf(f, "switch %u %llu %u %llx\n", noted.all[i].cpu,
			(unsigned long long)noted.all[i].ran, noted.all[i].to,
			(unsigned long long)noted.all[i].pc);
}

int replay_write(char *err, size_t err_bytes)
{
	FILE *f = fopen(sim.cfg.record, "w");
	bool bad;

	if (f) {
		write_text(f);
		bad = ferror(f);
		if (fclose(f) == 0 && !bad)
			return 0;
	}
	snprintf(err, err_bytes, "%s: %s", sim.cfg.record, strerror(errno));
	return -1;
}
