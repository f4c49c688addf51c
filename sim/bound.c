/*
 * bound.c: every schedule with at most so many choices of CPU that are not plain (strategy_plain), of a
 * part of the run. In it, each memory access, halt and spin is a place where another CPU could go on. At a
 * place the machine is saved; for each other CPU the run goes on with it to its end, through more
 * places if more choices are left; then the machine is put back and the run goes on as if nothing had
 * been. So the common beginnings of schedules are executed once, and there are never more saved
 * machines than choices. Source for the bound: Musuvathi, Qadeer: "Iterative context bounding for
 * systematic testing of multithreaded programs", PLDI 2007.
 *
 * The machine: struct sim and the kernel's state, of which those pages are copied that were written since the part
 * began (pages.c).
 */
#include "sim/sim.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bound_config bound;

/* What was chosen instead of the plain way. */
static struct choice {
	unsigned cpu, to;
	uint64_t ran;
	uintptr_t pc;
} trail[BOUND_MAX];

static struct level {
	void *sp; /* of the stack that asked */
	uint64_t others;
	unsigned plain;
	bool over;
	bool fresh; /* the machine is as it was saved */
	unsigned pages;
	struct sim sim;
	int64_t budget;
	uint64_t *lines; /* of the copies */
	unsigned char *copies, *kdata;
} levels[BOUND_MAX];
static unsigned height, depth; /* levels in use; choices made in this run */

static bool started, over; /* the part; over is the run's, the rest the explorer's */

static bool asked;
static void *asked_sp;
static uint64_t asked_others;
static unsigned asked_plain, answer;

static double begun_s; /* the search, by seconds_now */
static uint64_t schedules, failed, places, failed_by[256];

static void begin(void)
{
	for (unsigned i = 0; i < bound.switches; i++) {
		levels[i].copies = pages_room((size_t)PAGES_MAX * SIM_PAGE_BYTES);
		levels[i].lines = (uint64_t *)pages_room(PAGES_MAX * sizeof *levels[i].lines);
		levels[i].kdata = pages_room(pages_rest_bytes());
	}
	started = true;
	pages_watch();
}

static void save(struct level *l)
{
	l->pages = pages_count();
	for (unsigned i = 0; i < l->pages; i++)
		l->lines[i] = page_keep(l->copies + (size_t)i * SIM_PAGE_BYTES, pages_at(i));
	pages_rest(l->kdata, true);
	sim_copy(&l->sim, &sim);
	l->budget = sim_budget;
	l->over = over;
	l->fresh = true;
}

static void put_back(const struct level *l)
{
	for (unsigned i = 0; i < l->pages; i++)
		page_back(pages_at(i), l->copies + (size_t)i * SIM_PAGE_BYTES, l->lines[i]);
	for (unsigned i = l->pages; i < pages_count(); i++)
		pages_back_one(i);
	pages_rest(l->kdata, false);
	sim_copy(&sim, &l->sim);
	sim_budget = l->budget;
	over = l->over;
}

/*
 * Places.
 */

static bool within(uintptr_t pc, const uintptr_t range[2])
{
	return pc >= range[0] && pc < range[1];
}

static unsigned bound_choose(uint64_t set, enum where where)
{
	unsigned plain = strategy_plain(set, where);
	uint64_t others = set & ~CPU_BIT(plain);

	if (!started || over || depth == bound.switches || !others)
		return plain;
	places += depth == 0;
	asked = true;
	asked_others = others;
	asked_plain = plain;
	fiber_switch(&asked_sp, sim.main_sp); /* comes back once for each answer */
	if (depth == bound.switches)
		sim.bias = 0; /* no more places in this run: at full speed to its end */
	return answer;
}

static int64_t bound_slice(uint64_t others)
{
	(void)others;
	return INT64_MAX;
}

const struct strategy by_bound = {
	.name = "explore",
	.meaning = "all schedules: see --explore",
	.mean = 1,
	.fair = true,
	.choose = bound_choose,
	.slice = bound_slice,
};

void bound_point(uintptr_t pc)
{
	if (!started && within(pc, bound.from))
		begin();
	if (started && !over && within(pc, bound.to))
		over = true;
	if (!started || over || depth == bound.switches)
		return;
	sim_choose(pc);
}

/*
 * The search, on the host's stack.
 */

static void note_failure(void)
{
	char err[256];

	failed++;
	failed_by[sim.status & 255]++;
	if (failed > 1 || !bound.file)
		return;
	replay_forget();
	for (unsigned i = 0; i < depth; i++)
		replay_note_at(trail[i].cpu, trail[i].ran, trail[i].pc, trail[i].to);
	sim.cfg.record = bound.file;
	if (replay_write(err, sizeof err) != 0)
		fprintf(stderr, "sim: record: %s\n", err);
	sim.cfg.record = NULL;
}

/* Answers who asked last: the next other CPU, or at last the plain one. */
static void *answer_last(void)
{
	struct level *l = &levels[height - 1];

	if (!l->fresh)
		put_back(l);
	l->fresh = false;
	if (l->others) {
		answer = (unsigned)__builtin_ctzll(l->others);
		l->others &= l->others - 1;
		trail[height - 1] = (struct choice){sim.cur, answer, sim.cpu[sim.cur].ran, sim.pc};
	} else {
		answer = l->plain;
		height--;
	}
	depth = height;
	return l->sp;
}

static void tell(double seconds)
{
	fprintf(stderr, "sim: explored %llu schedules with at most %u switches that are not plain, from %llu places; "
		"%llu fail; %u pages; %.2f s, %.0f schedules/s%s\n",
		(unsigned long long)schedules, bound.switches, (unsigned long long)places, (unsigned long long)failed,
		pages_count(), seconds, (double)schedules / (seconds + 1e-9),
		!started ? "; the part to explore was never reached" : sim.interrupted ? "; interrupted" : "");
	for (unsigned i = 0; i < 256; i++)
		if (failed_by[i])
			fprintf(stderr, "sim: status %u: %llu schedules\n", i, (unsigned long long)failed_by[i]);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void bound_broken(void)
{
	sim.status = EXIT_BROKEN;
	note_failure();
	tell(seconds_now() - begun_s);
}

void bound_explore(void (*go)(void *sp))
{
	begun_s = seconds_now();
	for (;;) {
		if (asked) {
			struct level *l = &levels[height++];

			asked = false;
			l->sp = asked_sp;
			l->others = asked_others;
			l->plain = asked_plain;
			save(l);
		} else {
			schedules++;
			if (sim.status || (bound.whole && !*bound.whole))
				note_failure();
			if (!height || sim.interrupted || (bound.stop_after && failed >= bound.stop_after))
				break;
		}
		go(answer_last());
	}
	tell(seconds_now() - begun_s);
	sim.status = failed ? 1 : started ? 0 : EXIT_USAGE;
	sim.message = NULL;
}
