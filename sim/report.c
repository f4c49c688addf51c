/*
 * report.c: what the checkers found. A report names places by back traces. That of the present is at
 * hand; that of an earlier event, or of an access that race.c remembers, comes from the
 * same run once more: a run is its options, so report_finish starts the program again with --show.
 */
#include "sim/watch.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORTS_MAX 16
#define LATER_MAX   (2 * REPORTS_MAX) /* a report may ask for two */
#define FRAMES_MAX 24
#define SHOW_BYTES 128

static struct {
	uintptr_t pc, earlier;
} reported[REPORTS_MAX];
static unsigned reports;

/* What was reported, for the trace: where and when it was seen. */
static struct {
	uint64_t ns;
	unsigned cpu;
	char text[160];
} found[REPORTS_MAX];

/* An event; or an access to the word at @at, and then not its event but what race.c knew of it. */
static struct later {
	uint64_t event, at, cell;
	uint32_t pc;
	const char *what;
} asked[LATER_MAX], shows[LATER_MAX];
static unsigned asked_count, shown_count;
unsigned report_shows_count;

extern uint64_t ksyms_count;
extern uint32_t ksyms_addr[], ksyms_name[];
extern char ksyms_text[];

/* The symbol that @p pc lies in, as its index and 1; 0: none. */
static uint64_t symbol_of(uintptr_t pc)
{
	uint64_t low = 0, high = ksyms_count; /* the answer's index + 1 lies in [low, high] */

	while (low < high) {
		uint64_t mid = low + (high - low + 1) / 2;

		if (ksyms_addr[mid - 1] < pc)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

bool report_copies(uintptr_t pc)
{
	uint64_t i = symbol_of(pc);
	const char *name = i ? ksyms_text + ksyms_name[i - 1] : "";

	return !strcmp(name, "memcpy") || !strcmp(name, "memmove");
}

static void place_print(unsigned n, uintptr_t pc)
{
	uint64_t low = symbol_of(pc);

	if (low)
		fprintf(stderr, "    #%u %s+%#llx (%#llx)\n", n, ksyms_text + ksyms_name[low - 1],
			(unsigned long long)(pc - ksyms_addr[low - 1]), (unsigned long long)pc);
}

static void backtrace_from(uintptr_t pc)
{
	uintptr_t fp = (uintptr_t)__builtin_frame_address(0);
	unsigned n = 0;

	place_print(n++, pc);
	for (unsigned walked = 0; walked < 2 * FRAMES_MAX && n < FRAMES_MAX; walked++) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (fp % sizeof fp || !sim_memory_ok(fp, 2 * sizeof fp))
			break;
		if (sim_in_kernel(frame[1]) && (n > 1 || frame[1] != pc))
			place_print(n++, frame[1]);
		fp = frame[0];
	}
}

void report_reset(void)
{
	reports = asked_count = 0;
}

bool report_begin(uintptr_t pc, uintptr_t earlier)
{
	if (report_shows_count || reports == REPORTS_MAX)
		return false;
	for (unsigned i = 0; i < reports; i++)
		if ((reported[i].pc == pc && reported[i].earlier == earlier) ||
		    (reported[i].pc == earlier && reported[i].earlier == pc))
			return false;
	reported[reports].pc = pc;
	reported[reports].earlier = earlier;
	found[reports].ns = sim_now_ns();
	found[reports++].cpu = sim.cur;
	console_flush();
	return true;
}

void report_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found[reports - 1].text, sizeof found->text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "sim: %s\n", found[reports - 1].text);
}

void report_here(const char *what, uintptr_t pc)
{
	uint64_t ns = sim_now_ns();
	const char *name, *does = watch_acting(&name);
	char cpu[32];

	snprintf(cpu, sizeof cpu, "CPU %u%s", sim.cur, watch_agent() & 1 ? " in an interrupt" : "");
	fprintf(stderr, "  %s by %s, at %llu.%09llu s, event %llu\n", what, does ? name : cpu,
		(unsigned long long)(ns / 1000000000), (unsigned long long)(ns % 1000000000),
		(unsigned long long)sim_event_now());
	if (does)
		fprintf(stderr, "    #0 %s\n", does);
	else
		backtrace_from(pc);
	if (report_shows_count && ++shown_count == report_shows_count)
		sim_stop(0, NULL);
}

/* Its number, from 1 on. */
static unsigned ask(struct later l)
{
	unsigned i = 0;

	while (i < asked_count && (asked[i].event != l.event || asked[i].at != l.at || asked[i].cell != l.cell || asked[i].pc != l.pc))
		i++;
	if (i == asked_count)
		asked[asked_count++] = l;
	return i + 1;
}

void report_later(const char *what, uint64_t event)
{
	unsigned n = ask((struct later){.event = event, .what = what});

	fprintf(stderr, "  the earlier %s, event %llu: below, as [%u]\n", what, (unsigned long long)event, n);
}

void report_later_access(const char *what, uintptr_t at, uint64_t cell, uint32_t pc)
{
	unsigned n = ask((struct later){.at = at, .cell = cell, .pc = pc, .what = what});

	fprintf(stderr, "  the earlier %s: below, as [%u]\n", what, n);
}

void report_end(void)
{
	const char *name;

	if (watch_acting(&name))
		devices_cause(watch_agent() - watch_device(0));
	fflush(stderr);
}

bool report_showing(void)
{
	return report_shows_count;
}

unsigned report_count(void)
{
	return reports;
}

const char *report_found(unsigned i, uint64_t *ns, unsigned *cpu)
{
	*ns = found[i].ns;
	*cpu = found[i].cpu;
	return found[i].text;
}

bool report_shows(uint64_t event, const char **what)
{
	for (unsigned i = 0; i < report_shows_count; i++) {
		if (!shows[i].cell && shows[i].event == event) {
			shows[i].event = UINT64_MAX; /* an event may touch two places */
			*what = shows[i].what;
			return true;
		}
	}
	return false;
}

void report_shows_access(uintptr_t at, uint64_t cell, uintptr_t pc)
{
	for (unsigned i = 0; i < report_shows_count; i++) {
		if (shows[i].cell == cell && shows[i].at == at && shows[i].pc == (uint32_t)pc) {
			shows[i].at = UINT64_MAX;
			report_here(shows[i].what, pc);
		}
	}
}

const char *report_set_show(const char *value)
{
	const char *equals = strchr(value, '=');
	struct later *l = &shows[report_shows_count];
	unsigned long long at, cell;

	if (!equals || report_shows_count == LATER_MAX)
		return "wants EVENT=what, or WORD:CELL:PC=what";
	if (sscanf(value, "%llx:%llx:%x=", &at, &cell, &l->pc) == 3) {
		l->at = at;
		l->cell = cell;
	} else {
		l->event = strtoull(value, NULL, 10);
	}
	l->what = equals + 1;
	report_shows_count++;
	return NULL;
}

/* What was typed, as --input takes it; NULL: no host memory. */
static char *input_hex(void)
{
	size_t bytes;
	const char *input = console_input(&bytes);
	char *hex = malloc(2 * bytes + 1);

	if (!hex)
		return NULL;
	hex[0] = '\0';
	for (size_t i = 0; i < bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)input[i]);
	return hex;
}

void report_again(char **argv)
{
	char *hex = input_hex();
	bool given = false;

	fprintf(stderr, "sim: again:");
	for (unsigned i = 0; argv[i]; i++) {
		fprintf(stderr, !*argv[i] || strpbrk(argv[i], " '\"$&;|<>()*?#`\\") ? " '%s'" : " %s", argv[i]);
		given |= strcmp(argv[i], "--input") == 0;
	}
	if (hex && *hex && !given)
		fprintf(stderr, " --input %s", hex);
	fprintf(stderr, "\n");
	free(hex);
}

/* The console's bytes came already: the second run must not print them again. */
static void run_again(char **argv, char (*texts)[SHOW_BYTES])
{
	size_t n = 0;
	char *hex = input_hex(), **args;

	while (argv[n])
		n++;
	args = calloc(n + 2 * asked_count + 5, sizeof *args);
	if (!args || !hex)
		_exit(EXIT_BROKEN);
	memcpy(args, argv, n * sizeof *args);
	args[n++] = "--input";
	args[n++] = hex;
	for (unsigned i = 0; i < asked_count; i++) {
		args[n++] = "--show";
		args[n++] = texts[i];
	}
	if (!freopen("/dev/null", "w", stdout))
		_exit(EXIT_BROKEN);
	execv("/proc/self/exe", args);
	_exit(EXIT_BROKEN);
}

/* For report_set_show. */
static void show_write(char *text, const struct later *l, unsigned number)
{
	if (l->cell)
		snprintf(text, SHOW_BYTES, "%llx:%llx:%x=[%u] %s", (unsigned long long)l->at, (unsigned long long)l->cell, l->pc, number,
			 l->what);
	else
		snprintf(text, SHOW_BYTES, "%llu=[%u] %s", (unsigned long long)l->event, number, l->what);
}

void report_finish(char **argv)
{
	char texts[LATER_MAX][SHOW_BYTES];
	pid_t child;

	for (unsigned i = 0; i < asked_count; i++)
		show_write(texts[i], &asked[i], i + 1);
	report_again(argv);
	if (!asked_count)
		return;
	fflush(stderr);
	child = fork();
	if (child == 0)
		run_again(argv, texts);
	if (child > 0)
		waitpid(child, NULL, 0);
}
