/*
 * batch.c: many runs in one process, which is what makes thousands of seeds a second: between two
 * runs the machine is made what it was by copying. A run in here is the same, event for event and
 * hash for hash, as one by a process of its own.
 *
 * Standard input says what to do: lines as in the files of --record, each an option and its value, and
 * `run`, which does a run with them and the options of the command line. The run's output and
 * its summary go to standard error, and behind them a line `sim: end STATUS`. `sweep A B` does one for each of these seeds,
 * shows those that do not end with 0, and counts. What was found is not shown by
 * a second run, as it else would be.
 */
#include "sim/watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned char __start_kdata[], __stop_kdata[], __start_kbss[], __stop_kbss[];

static unsigned char *kdata, *kbss;
static struct sim_config base;

static unsigned char *copy_of(const unsigned char *from, const unsigned char *to)
{
	unsigned char *copy = malloc((size_t)(to - from) + 1);

	if (!copy) {
		fprintf(stderr, "sim: no host memory for a copy of the kernel's state\n");
		exit(EXIT_BROKEN);
	}
	asan_copy(copy, from, (size_t)(to - from));
	return copy;
}

/* What the next run's lines say comes to what the command line says. */
static void forget_lines(void)
{
	fault_reset();
	replay_reset();
	sim.cfg = base;
}

/* All as before the first run. */
static void reset(void)
{
	struct sim_config cfg = sim.cfg;

	mark_end();
	asan_copy(__start_kdata, kdata, (size_t)(__stop_kdata - __start_kdata));
	asan_copy(__start_kbss, kbss, (size_t)(__stop_kbss - __start_kbss));
	memory_reset();
	console_reset();
	locks_reset();
	report_reset();
	if (sim.cfg.devices)
		devices_end();
	if (base.watch)
		watch_reset();
	memset(&sim, 0, sizeof sim);
	sim.cfg = cfg;
}

/* One run, or from the mark on. */
static int run(char **argv)
{
	static bool used;

	if (used && !mark_again())
		reset();
	used = true;
	return main_run(argv);
}

/* "A B": a run for each seed; those that end with 0 are only counted. */
static const char *sweep(char **argv, const char *seeds)
{
	unsigned long long first, last, failed = 0, events = 0, hash = 0;
	const struct strategy *strategy = sim.cfg.strategy;

	if (sscanf(seeds, "%llu %llu", &first, &last) != 2 || last < first || last == UINT64_MAX)
		return "wants the first seed and the last one";
	if (sim.cfg.trace_dir || sim.cfg.record)
		return "writes no files; do single runs for that";
	sim.cfg.quiet = true;
	for (unsigned long long seed = first; seed <= last; seed++) {
		int status;

		sim.cfg.strategy = strategy; /* a run that came to no mark left another one */
		sim.cfg.seed = seed;
		status = run(argv);
		failed += status != 0;
		events += sim.events;
		hash = (hash ^ sim.hash) * 0x100000001b3ull;
		if (status)
			fprintf(stderr, "sim: status %d\n", status);
		if (status == EXIT_INTERRUPTED)
			break;
	}
	fprintf(stderr, "sim: swept seeds=%llu failed=%llu events=%llu hash=%016llx\nsim: end %d\n", last - first + 1, failed,
		events, hash, failed > 0);
	return NULL;
}

static const char *line_of(char **argv, char *line, const char *(*set_line)(char *line))
{
	const char *why = NULL;

	if (strcmp(line, "run") != 0 && strncmp(line, "sweep ", 6) != 0)
		return *line && *line != '#' ? set_line(line) : NULL;
	if (strcmp(line, "run") == 0)
		fprintf(stderr, "sim: end %d\n", run(argv));
	else
		why = sweep(argv, line + 6);
	fflush(stderr);
	forget_lines();
	return why;
}

void batch(char **argv, const char *(*set_line)(char *line))
{
	static char buffer[1 << 16];
	char *line = NULL;
	size_t room = 0;

	base = sim.cfg;
	kdata = copy_of(__start_kdata, __stop_kdata);
	kbss = copy_of(__start_kbss, __stop_kbss);
	setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
	for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;) {
		const char *why;

		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		why = line_of(argv, line, set_line);
		if (why) {
			fprintf(stderr, "sim: --batch: %s %s\n", line, why);
			fflush(stderr);
			exit(EXIT_USAGE);
		}
	}
	free(line);
}
