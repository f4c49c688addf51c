/*
 * batch.c: many runs in one process, which is what makes thousands of seeds a second: between two
 * runs the machine is made what it was by copying. A run in here is the same, event for event and
 * hash for hash, as one by a process of its own.
 *
 * Standard input says what to do: lines as in the files of --record, each an option and its value, and
 * `run`, which does a run with them and the options of the command line. The run's output and
 * its summary go to standard error, and behind them a line `sim: end STATUS`. What was found is not shown by
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
	memcpy(copy, from, (size_t)(to - from));
	return copy;
}

/* All as before the first run. */
static void reset(void)
{
	memcpy(__start_kdata, kdata, (size_t)(__stop_kdata - __start_kdata));
	memcpy(__start_kbss, kbss, (size_t)(__stop_kbss - __start_kbss));
	memory_reset();
	console_reset();
	fault_reset();
	replay_reset();
	locks_reset();
	report_reset();
	if (sim.cfg.devices)
		devices_end();
	if (base.watch)
		watch_reset();
	memset(&sim, 0, sizeof sim);
	sim.cfg = base;
}

void batch(char **argv, const char *(*set_line)(char *line))
{
	static char buffer[1 << 16];
	char *line = NULL;
	size_t room = 0;
	bool used = false;
	const char *why;

	base = sim.cfg;
	kdata = copy_of(__start_kdata, __stop_kdata);
	kbss = copy_of(__start_kbss, __stop_kbss);
	setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
	for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (used)
			reset();
		used = false;
		if (strcmp(line, "run") == 0) {
			fprintf(stderr, "sim: end %d\n", main_run(argv));
			fflush(stderr);
			used = true;
		} else if (*line && *line != '#' && (why = set_line(line)) != NULL) {
			fprintf(stderr, "sim: --batch: %s %s\n", line, why);
			fflush(stderr);
			exit(EXIT_USAGE);
		}
	}
	free(line);
}
