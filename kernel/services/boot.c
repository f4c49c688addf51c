/* The words that may be handed over at boot. */
#include "core/boot.h"
#include "apps/app.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/cpu.h"

#define TEXT_BYTES 24 /* of a name or a value */
#define DISTANT	   3u /* edits from which on a name is not what was meant */

/* A word is one of some choices, "a|b"; stands alone, ""; or is a number, NULL. */
static const struct word {
	const char *name, *choices;
	u64 least, most, otherwise;
	bool may_stand_alone; /* though it is a number */
	const char *help;
} table[BOOT_WORDS] = {
	[BOOT_CONSOLE] = {"console", "pl011|miniuart", .help = "on a Raspberry Pi: which serial port"},
	[BOOT_SEMIHOSTING] = {"semihosting", "", .help = "on AArch64: leave by the debugger's call"},
	[BOOT_HEAP] = {"heap", "slab|tlsf", .help = "with each CPU's magazines in front, or without"},
	[BOOT_FAIL_ALLOC] = {"fail_alloc", .most = UINT64_MAX, .help = "the allocation that fails; 0: none"},
	[BOOT_INHERIT] = {"inherit", "on|off", .help = "priority inheritance of mutexes"},
	[BOOT_SHARDS] = {"shards", NULL, 1, CPUS_MAX, 1, .help = "locks of the run queues"},
	[BOOT_WATCHDOG] = {"watchdog", NULL, 1, BOOT_LENGTH_MAX, 0,
			   .help = "ms after which a task is stuck; without: nobody looks"},
	[BOOT_DEMO] = {"demo", NULL, 1, BOOT_LENGTH_MAX, DEMO_MS_DEFAULT, true,
		       "ms of the demonstration that runs instead of the shell"},
	[BOOT_DAG] = {"dag", NULL, 1, BOOT_LENGTH_MAX, DAG_PERIODS_DEFAULT, true,
		      "periods of the DAGs that run instead of the shell"},
};

/* What the Raspberry Pi's firmware, GRUB and command lines made for Linux bring along. */
static const char *const foreign[] = {"BOOT_IMAGE", "coherent_pool", "cgroup_disable", "numa_policy",
				      "init", "initrd", "root", "rootfstype", "rootwait", "ro", "rw",
				      "quiet", "splash"};

/* Which of @p choices @p text is; false: none. */
static bool choose(const char *choices, const char *text, u64 *which)
{
	usize n = strlen(text);

	for (*which = 0; choices && !strchr(text, '|'); ++*which, choices += choices != NULL) {
		if (!strncmp(choices, text, n) && (!choices[n] || choices[n] == '|'))
			return true;
		choices = strchr(choices, '|');
	}
	return false;
}

/* False: @p text, which stands behind '=', is not allowed; @p value is the default then. */
static bool parse(const struct word *w, const char *text, u64 *value)
{
	bool is = w->choices ? choose(w->choices, text, value)
			     : !parse_u64(text, value) && *value >= w->least && *value <= w->most;

	if (!is)
		*value = w->otherwise;
	return is || (w->may_stand_alone && !*text);
}

u64 boot_word(enum boot_word word)
{
	char text[TEXT_BYTES];
	u64 value = table[word].otherwise;

	if (words_find(board_cmdline(), table[word].name, text, sizeof text))
		(void)parse(&table[word], text, &value);
	return value;
}

bool boot_given(enum boot_word word)
{
	return words_find(board_cmdline(), table[word].name, NULL, 0);
}

/* What may stand behind the name. */
static void print_allowed(const struct word *w)
{
	if (!w->choices)
		kprintf("a number from %lu to %lu, else %lu", w->least, w->most, w->otherwise);
	else
		kprintf("%s", *w->choices ? w->choices : "nothing");
}

void boot_report(void)
{
	for (const struct word *w = table; w < table + BOOT_WORDS; w++) {
		char text[TEXT_BYTES];
		u64 value;

		if (!words_find(board_cmdline(), w->name, text, sizeof text) || parse(w, text, &value))
			continue;
		kprintf("boot: %s=%s: expected ", w->name, text);
		print_allowed(w);
		kprintf("; taking %s\n", w->choices ? "the first" : "that");
	}
}

/* How many characters must be put in, left out or changed to make one of the other (Wagner, Fischer,
 * "The string-to-string correction problem", Journal of the ACM 21(1), 1974), row by row. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[TEXT_BYTES + 1], m = (unsigned)strlen(b);

	for (unsigned j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned before = row[0]++;

		for (unsigned j = 0; j < m; j++) {
			unsigned change = before + (a[i] != b[j]);

			before = row[j + 1];
			row[j + 1] = MIN(change, MIN(before, row[j]) + 1);
		}
	}
	return row[m];
}

static bool is_foreign(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(foreign); i++)
		if (!strcmp(name, foreign[i]))
			return true;
	return strchr(name, '.') || strchr(name, '/');
}

static void check_name(const char *name)
{
	const char *nearest = NULL;
	unsigned least = DISTANT;

	for (unsigned i = 0; i < BOOT_WORDS; i++) {
		unsigned d = distance(name, table[i].name);

		if (d < least) {
			least = d;
			nearest = table[i].name;
		}
	}
	if (!least || is_foreign(name))
		return;
	kprintf("boot: nobody knows '%s'%s%s%s; `help boot` lists the words\n", name,
		nearest ? "; is '" : "", nearest ? nearest : "", nearest ? "' meant?" : "");
}

void boot_report_unknown(void)
{
	usize n;

	for (const char *at = words_next(board_cmdline(), &n); n; at = words_next(at + n, &n)) {
		char name[TEXT_BYTES], *value;

		strlcpy(name, at, MIN(sizeof name, n + 1));
		value = strchr(name, '=');
		if (value)
			*value = '\0';
		check_name(name);
	}
}

void boot_help(void)
{
	for (const struct word *w = table; w < table + BOOT_WORDS; w++) {
		kprintf("  %-12s ", w->name);
		print_allowed(w);
		kprintf(": %s\n", w->help);
	}
}
