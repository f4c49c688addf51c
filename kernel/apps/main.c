/* What the kernel runs by itself: the demonstration when the boot line says `demo` or `demo=MS`,
 * else the shell. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "services/shell.h"

static int run_demo(char **words, unsigned n)
{
	u64 ms = DEMO_MS_DEFAULT;

	if (n && (parse_u64(words[0], &ms) || !ms || ms > 100000))
		return ERR_INVAL;
	if (demo_start(ms, false))
		kprintf("demo: one runs already\n");
	return 0;
}

static const struct command demo_command = {
	"demo", "[MS]", "sensors, work, an inversion, and a table", 0, 1, run_demo};

void app_main(const char *cmdline)
{
	char length[8];
	u64 ms = DEMO_MS_DEFAULT;
	int err;

	if (words_find(cmdline, "demo", length, sizeof length)) {
		if (*length && (parse_u64(length, &ms) || !ms || ms > 100000))
			panic("demo=%s: expected a length from 1 to 100000 ms", length);
		if (demo_start(ms, true))
			panic("the demo runs already");
		return;
	}
	err = shell_start(&demo_command);
	if (err)
		panic("cannot start the shell: %s", err_name(err));
}
