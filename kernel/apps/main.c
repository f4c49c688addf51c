/* What the kernel runs by itself: the demonstration when the boot line says `demo` or `demo=MS`,
 * else the shell. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/string.h"
#include "base/words.h"
#include "services/shell.h"

void app_main(const char *cmdline)
{
	char length[8];
	u64 ms = DEMO_MS_DEFAULT;
	int err;

	if (words_find(cmdline, "demo", length, sizeof length)) {
		if (*length && (parse_u64(length, &ms) || !ms || ms > 100000))
			panic("demo=%s: expected a length from 1 to 100000 ms", length);
		demo_start(ms, true);
		return;
	}
	err = shell_start();
	if (err)
		panic("cannot start the shell: %s", err_name(err));
}
