/*
 * main.c: the command line, and what is left to do when the machine has stopped.
 */
#include "sim/watch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct option {
	const char *name, *value, *meaning; /* meaning NULL: only in files */
	const char *(*set)(const char *value); /* NULL, or what is wrong */
};

static const char *number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	static char why[96];
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (!*text || strchr(text, '-') || *end || errno || *out < min || *out > max) {
		snprintf(why, sizeof why, "wants a number from %llu to %llu",
			 (unsigned long long)min, (unsigned long long)max);
		return why;
	}
	return NULL;
}

const char *none_of(const char *what, const char *(*name)(unsigned i))
{
	static char why[512];
	size_t n = (size_t)snprintf(why, sizeof why, "%s; there are", what);

	for (unsigned i = 0; name(i) && n < sizeof why; i++)
		n += (size_t)snprintf(why + n, sizeof why - n, "%s %s", i ? "," : "", name(i));
	return why;
}

static const char *set_cpus(const char *value)
{
	uint64_t n;
	const char *wrong = number(value, 1, SIM_CPUS_MAX, &n);

	sim.cfg.cpus = wrong ? 0 : (unsigned)n;
	return wrong;
}

static const char *set_seed(const char *value)
{
	return number(value, 0, UINT64_MAX, &sim.cfg.seed);
}

static const char *set_mean(const char *value)
{
	return number(value, 1, 1u << 20, &sim.cfg.mean);
}

static const char *set_max_events(const char *value)
{
	return number(value, 0, UINT64_MAX, &sim.cfg.max_events);
}

static const char *set_until(const char *value)
{
	return number(value, 0, UINT64_MAX, &sim.cfg.until_ns);
}

static const char *set_ram(const char *value)
{
	uint64_t mib;
	const char *wrong = number(value, 16, RAM_BYTES_MAX >> 20, &mib);

	sim.cfg.ram_bytes = wrong ? 0 : mib << 20;
	return wrong;
}

static const char *set_seed_from(const char *value)
{
	sim.cfg.from_mark = strcmp(value, "mark") == 0;
	return sim.cfg.from_mark || strcmp(value, "boot") == 0 ? NULL : "wants boot or mark";
}

static const char *strategy_name(unsigned i)
{
	return strategies[i] ? strategies[i]->name : NULL;
}

static const char *set_strategy(const char *value)
{
	for (unsigned i = 0; strategies[i]; i++) {
		if (strcmp(value, strategies[i]->name) == 0) {
			sim.cfg.strategy = strategies[i];
			return NULL;
		}
	}
	return none_of("names no strategy", strategy_name);
}

static const char *set_trace(const char *value)
{
	sim.cfg.trace_dir = value;
	return *value ? NULL : "wants a directory";
}

static const char *set_cmdline(const char *value)
{
	if (strlen(value) >= sizeof sim.cfg.cmdline)
		return "is too long";
	memcpy(sim.cfg.cmdline, value, strlen(value) + 1);
	return NULL;
}

static const char *set_depth(const char *value)
{
	return number(value, 1, 64, &sim.cfg.depth);
}

static const char *set_length(const char *value)
{
	return number(value, 1, 1ull << 40, &sim.cfg.length);
}

static const char *set_hint_ns(const char *value)
{
	return number(value, 0, 1000000000, &sim.cfg.hint_ns);
}

/* For whoever starts this program because of the file: fermata-sim. */
static const char *set_program(const char *value)
{
	(void)value;
	return NULL;
}

static const char *set_record(const char *value)
{
	sim.cfg.record = value;
	return *value ? NULL : "wants a file";
}

static const char *set_build(const char *value)
{
	char own[17];

	snprintf(own, sizeof own, "%016llx", (unsigned long long)replay_build());
	return strcmp(value, own) == 0 ? NULL
				       : "is another one: the file was made with another build of "
					 "the kernel, and a run belongs to its build";
}

/* "CPU RAN TO" */
static const char *set_switch(const char *value)
{
	unsigned long long cpu, ran, to;

	if (sscanf(value, "%llu %llu %llu", &cpu, &ran, &to) != 3 || cpu >= SIM_CPUS_MAX ||
	    to >= SIM_CPUS_MAX)
		return "wants a CPU, its events until then, and the CPU that comes";
	return replay_add((unsigned)cpu, ran, (unsigned)to) == 0 ? NULL : "finds no host memory";
}

/* "CPU PC AFTER TO" */
static const char *set_at(const char *value)
{
	unsigned long long cpu, pc, after, to;

	if (sscanf(value, "%llu %llx %llu %llu", &cpu, &pc, &after, &to) != 4 || cpu >= SIM_CPUS_MAX ||
	    to >= SIM_CPUS_MAX)
		return "wants a CPU, a pc, its events before, and the CPU that comes";
	return replay_add_place((unsigned)cpu, pc, after, (unsigned)to) == 0 ? NULL : "is one too many";
}

static const char *set_explore(const char *value)
{
	uint64_t n;
	const char *wrong = number(value, 0, BOUND_MAX, &n);

	bound.on = true;
	bound.switches = wrong ? 0 : (unsigned)n;
	sim.cfg.strategy = &by_bound;
	return wrong;
}

static const char *set_part(const char *value, uintptr_t range[2])
{
	unsigned long long first, last;

	if (sscanf(value, "%llx-%llx", &first, &last) != 2 || last < first)
		return "wants two addresses, FIRST-END";
	range[0] = first;
	range[1] = last;
	return NULL;
}

static const char *set_from(const char *value)
{
	return set_part(value, bound.from);
}

static const char *set_to(const char *value)
{
	return set_part(value, bound.to);
}

static const char *set_stop_after(const char *value)
{
	return number(value, 1, UINT64_MAX, &bound.stop_after);
}

static const char *set_whole(const char *value)
{
	unsigned long long at;

	if (sscanf(value, "%llx", &at) != 1 || !at)
		return "wants an address";
	bound.whole = (const volatile unsigned char *)(uintptr_t)at;
	return NULL;
}

static const char *set_replay(const char *value);

static const struct option options[] = {
	{"--cpus", "N", "virtual CPUs, 1 to 64 (4)", set_cpus},
	{"--seed", "N", "the execution: one seed, one execution (1)", set_seed},
	{"--seed-from", "WHERE", "the seed counts from the boot on, or from where the program marks the begin of what\n"
	 "                      it examines: mark; then a batch's runs need not boot (boot)", set_seed_from},
	{"--strategy", "NAME", "who runs next:", set_strategy},
	{"--mean", "N", "events between two such choices, on average", set_mean},
	{"--max-events", "N", "stop with status 103 after so many events (0: never)", set_max_events},
	{"--until", "NS", "stop with status 103 when the clock gets there (0: never)", set_until},
	{"--ram", "MIB", "memory, 16 to 2048 (256)", set_ram},
	{"--trace", "DIR", "write the trace to this directory at the end", set_trace},
	{"--cmdline", "TEXT", "the kernel's command line", set_cmdline},
	{"--depth", "N", "pct: changes of priority, and one; bounded: preemptions (3)", set_depth},
	{"--length", "N", "pct, bounded: events that they are spread over (200000)", set_length},
	{"--record", "FILE", "write the run to this file at the end", set_record},
	{"--replay", "FILE", "do again what a file of --record says", set_replay},
	{"--watch", "WHAT", "look for races (and stacks in use twice), locks (orders, deadlocks), memory (use\n"
	 "                      after its release, before it was written, beyond its ends), devices (registers\n"
	 "                      and memory that they reach), or all", watch_set},
	{"--explore", "K", "every schedule with at most K choices that are not plain, 0 to 8; --record\n"
	 "                      then gets the first that fails; fermata-sim explore does it", set_explore},
	{"--from", "A-B", "--explore begins when code in this range of addresses is reached ...", set_from},
	{"--to", "A-B", "... and makes no more choices when code in this one is", set_to},
	{"--stop-after", "N", "--explore ends after N schedules that fail", set_stop_after},
	{"--whole", "A", "--explore takes a schedule for right only if the byte at this address is set in its end", set_whole},
	{"--device", "NAME", "the machine has this device; may be given again, or all:", devices_set},
	{"--show", "EVENT=WHAT", NULL, report_set_show},
	{"--fault", "KIND=N", "lets a fault strike one time in N; may be given again:", fault_set},
	{"--struck", "KIND NUMBER AMOUNT", NULL, fault_give},
	{"--hint-ns", "N", NULL, set_hint_ns},
	{"--input", "HEX", NULL, console_set_input},
	{"--program", "FILE", NULL, set_program},
	{"--build", "HASH", NULL, set_build},
	{"--switch", "CPU RAN TO", NULL, set_switch},
	{"--at", "CPU PC AFTER TO", NULL, set_at},
};
#define OPTIONS (sizeof options / sizeof *options)

static const struct option *option_named(const char *name, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static void wrong(const char *option, const char *why)
{
	fprintf(stderr, "sim: %s %s\n", option, why);
	exit(EXIT_USAGE);
}

/* One line of a file: a name and its value. */
static const char *set_line(char *line)
{
	char name[32], *value = strchr(line, ' ');
	const struct option *o;

	if (!value)
		return "wants a name, a blank and a value";
	*value++ = '\0';
	snprintf(name, sizeof name, "--%s", line);
	o = option_named(name, strlen(name));
	if (!o || o->set == set_replay)
		return "is no option that such a file may have";
	if (o->set == set_trace || o->set == set_record)
		value = strdup(value);
	return value ? o->set(value) : "finds no host memory";
}

static const char *set_replay(const char *value)
{
	FILE *f = fopen(value, "r");
	char *line = NULL, at[512];
	size_t room = 0;
	unsigned n = 0;

	if (!f)
		return strerror(errno);
	for (ssize_t len; (len = getline(&line, &room, f)) > 0;) {
		const char *why;

		n++;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (line[0] == '#' || !line[0])
			continue;
		why = set_line(line);
		if (why) {
			snprintf(at, sizeof at, "%s:%u: %s", value, n, line);
			wrong(at, why);
		}
	}
	free(line);
	fclose(f);
	return NULL;
}

static void help(const char *program)
{
	printf("usage: %s [option value]...\n\nRuns the kernel on virtual CPUs under virtual time."
	       "\n\n",
	       program);
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!options[i].meaning)
			continue;
		printf("  %-13s %-5s %s\n", options[i].name, options[i].value, options[i].meaning);
		for (unsigned k = 0; options[i].set == set_strategy && strategies[k]; k++)
			printf("  %19s   %s: %s%s\n", "", strategies[k]->name,
			       strategies[k]->meaning, k ? "" : " (the default)");
		if (options[i].set == devices_set)
			devices_help();
		for (unsigned k = 0; options[i].set == fault_set && k < FAULTS; k++)
			printf("  %19s   %s: %s\n", "", fault_kinds[k].name, fault_kinds[k].meaning);
	}
	printf("  %-19s do many runs: lines `option value` and `run` of standard input say which\n", "--batch");
	printf("  %-19s the host ends this process when the kernel's own code makes a system call\n", "--confine");
	printf("\nExit status: the kernel's own, 0 to 101; 2 wrong option, %d no progress, %d a "
	       "limit,\n%d the simulator failed, %d --watch found something, %d interrupted.\n",
	       EXIT_NO_PROGRESS, EXIT_LIMIT, EXIT_BROKEN, EXIT_FOUND, EXIT_INTERRUPTED);
}

/* Takes "--name value" and "--name=value". */
static void parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *equals = strchr(argv[i], '='), *value, *why;
		size_t len = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
		const struct option *o;

		if (strcmp(argv[i], "--help") == 0) {
			help(argv[0]);
			exit(0);
		}
		if (strcmp(argv[i], "--print-build") == 0) {
			printf("%016llx\n", (unsigned long long)replay_build());
			exit(0);
		}
		if (strcmp(argv[i], "--batch") == 0) {
			sim.cfg.batch = true;
			continue;
		}
		if (strcmp(argv[i], "--confine") == 0) {
			if (!confine())
				wrong(argv[i], "finds no seccomp filters on this host");
			continue;
		}
		o = option_named(argv[i], len);
		if (!o)
			wrong(argv[i], "is not an option; see --help");
		value = equals ? equals + 1 : argv[++i];
		if (!value)
			wrong(o->name, "wants a value; see --help");
		why = o->set(value);
		if (why)
			wrong(o->name, why);
	}
}

int main_run(char **argv)
{
	char err[256];
	int status = sim_run();

	if (sim.cfg.quiet && !status && !report_count()) {
		console_drop();
		return 0;
	}
	console_flush();
	console_close();
	if (sim.message)
		fprintf(stderr, "sim: %s\n", sim.message);
	if (sim.later)
		fprintf(stderr, "sim: the program came to no mark, so its seed means nothing; see --seed-from\n");
	/* A run that only shows what another one found leaves that one's files as they are. */
	if (report_showing())
		return status;
	if (sim.cfg.trace_dir && trace_write(sim.cfg.trace_dir, argv, err, sizeof err) != 0) {
		fprintf(stderr, "sim: trace: %s\n", err);
		status = status ? status : EXIT_BROKEN;
	}
	if (sim.cfg.record && replay_write(err, sizeof err) != 0) {
		fprintf(stderr, "sim: record: %s\n", err);
		status = status ? status : EXIT_BROKEN;
	}
	fprintf(stderr, "sim: seed=%llu events=%llu virtual_ns=%llu switches=%llu hash=%016llx\n",
		(unsigned long long)sim.cfg.seed, (unsigned long long)sim.events,
		(unsigned long long)sim.clock_ns, (unsigned long long)sim.switches,
		(unsigned long long)sim.hash);
	if (!sim.cfg.batch && report_count())
		report_finish(argv);
	else if (!sim.cfg.batch && !bound.on && status && status != EXIT_LIMIT && status != EXIT_INTERRUPTED)
		report_again(argv);
	return report_count() ? EXIT_FOUND : status;
}

/* What only the strategy knows, where nobody said it. */
static void settle(void)
{
	if (!sim.cfg.mean)
		sim.cfg.mean = sim.cfg.strategy->mean;
	if (sim.cfg.hint_ns == SIM_NEVER)
		sim.cfg.hint_ns = sim.cfg.strategy->hint_ns;
	if (bound.on && SIM_ASAN)
		wrong("--explore", "needs a build without SANITIZE=address, whose memory of memory would have to be saved, too");
	if (bound.on && (sim.cfg.from_mark || sim.cfg.watch || sim.cfg.batch || sim_faults || sim.cfg.trace_dir || sim.cfg.strategy != &by_bound))
		wrong("--explore", "goes without --seed-from mark, --watch, --device, --fault, --trace, --replay, --strategy and --batch");
	if (bound.on) {
		bound.file = sim.cfg.record;
		sim.cfg.record = NULL;
	}
}

int main(int argc, char **argv)
{
	sim.cfg = (struct sim_config){
		.cpus = 4,
		.seed = 1,
		.ram_bytes = RAM_BYTES_DEFAULT,
		.strategy = strategies[0],
		.program = argv[0],
		.depth = 3,
		.length = 200000,
		.hint_ns = SIM_NEVER,
	};
	parse(argc, argv);
	settle();
	/* tools/run --live reads the trace from this process's memory; a kernel without Yama needs no leave. */
	(void)prctl(PR_SET_PTRACER, (unsigned long)getppid(), 0, 0, 0);
	memory_init();
	if (sim.cfg.batch) {
		console_close_input();
		batch(argv, set_line);
		return 0;
	}
	console_open();
	return main_run(argv);
}
