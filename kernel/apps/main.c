/* What the kernel runs by itself: a demonstration when the boot line names one, `demo`, `demo=MS`,
 * `dag` or `dag=PERIODS`, else the shell. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "core/boot.h"
#include "services/shell.h"
#include "services/watchdog.h"

static const struct demonstration {
	const char *name;
	enum boot_word word; /* whose default is its length when none is given */
	int (*start)(u64 length, bool leave);
} demonstrations[] = {
	{"demo", BOOT_DEMO, demo_start},
	{"dag", BOOT_DAG, dag_demo_start},
};

static int run(const struct demonstration *d, char **words, unsigned n)
{
	u64 length = boot_word(d->word); /* its default: it was not given, or there would be no shell */

	if (n && (parse_u64(words[0], &length) || !length || length > BOOT_LENGTH_MAX))
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

static int start(void)
{
	for (const struct demonstration *d = demonstrations; d < demonstrations + ARRAY_LEN(demonstrations); d++)
		if (boot_given(d->word))
			return d->start(boot_word(d->word), true);
	return shell_start(own);
}

void app_main(const char *cmdline)
{
	u64 bound_ms = boot_word(BOOT_WATCHDOG);
	int err = bound_ms ? watchdog_start(MS(bound_ms), NULL) : 0;

	(void)cmdline;
	boot_report_unknown();
	if (err)
		panic("cannot start the watchdog: %s", err_name(err));
	err = start();
	if (err)
		panic("cannot start the shell or the demonstration: %s", err_name(err));
}
