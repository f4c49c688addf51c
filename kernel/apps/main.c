/* What the kernel runs by itself: a demonstration when the boot line names one, `demo`, `demo=MS`,
 * `dag` or `dag=PERIODS`, else the shell. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "services/shell.h"
#include "services/watchdog.h"

#define LENGTH_MAX 100000u

static const struct demonstration {
	const char *name;
	u64 length; /* when none is given */
	int (*start)(u64 length, bool leave);
} demonstrations[] = {
	{"demo", DEMO_MS_DEFAULT, demo_start},
	{"dag", DAG_PERIODS_DEFAULT, dag_demo_start},
};

static int run(const struct demonstration *d, char **words, unsigned n)
{
	u64 length = d->length;

	if (n && (parse_u64(words[0], &length) || !length || length > LENGTH_MAX))
		return ERR_INVAL;
	if (d->start(length, false))
		kprintf("%s: one runs already\n", d->name);
	return 0;
}

static int run_demo(char **words, unsigned n)
{
	return run(&demonstrations[0], words, n);
}

static int run_dag(char **words, unsigned n)
{
	return run(&demonstrations[1], words, n);
}

static const struct command own[] = {
	{"demo", "[MS]", "sensors, work, an inversion, and a table", 0, 1, run_demo},
	{"dag", "[PERIODS]", "two DAGs of reactors with end-to-end deadlines", 0, 1, run_dag},
	{.name = NULL},
};

static bool start_named(const char *cmdline, const struct demonstration *d)
{
	char text[8];
	u64 length = d->length;

	if (!words_find(cmdline, d->name, text, sizeof text))
		return false;
	if (*text && (parse_u64(text, &length) || !length || length > LENGTH_MAX))
		panic("%s=%s: expected a number from 1 to %u", d->name, text, LENGTH_MAX);
	if (d->start(length, true))
		panic("the demonstration runs already");
	return true;
}

static void start_watchdog(const char *cmdline)
{
	char text[8];
	u64 ms;
	int err;

	if (!words_find(cmdline, "watchdog", text, sizeof text))
		return;
	if (parse_u64(text, &ms) || !ms || ms > 100000)
		panic("watchdog=%s: expected a bound from 1 to 100000 ms", text);
	err = watchdog_start(MS(ms), NULL);
	if (err)
		panic("cannot start the watchdog: %s", err_name(err));
}

void app_main(const char *cmdline)
{
	int err;

	start_watchdog(cmdline);
	for (unsigned i = 0; i < ARRAY_LEN(demonstrations); i++)
		if (start_named(cmdline, &demonstrations[i]))
			return;
	err = shell_start(own);
	if (err)
		panic("cannot start the shell: %s", err_name(err));
}
