/* A program that ends in the way its command line says, for test_run.py. */
#include "apps/app.h"
#include "base/panic.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/log.h"

static __attribute__((noinline)) void fall_over(void)
{
	panic("asked to");
}

void app_main(const char *cmdline)
{
	char value[8];
	u64 status;

	klog("behaving: %s", cmdline);
	if (words_find(cmdline, "leave", value, sizeof value) && !parse_u64(value, &status))
		board_exit((int)status);
	if (words_find(cmdline, "fall", NULL, 0))
		fall_over();
	if (words_find(cmdline, "reboot", NULL, 0))
		board_reboot();
	for (;;)
		;
}
