/* From the kernel's first instruction to the first task; any number of CPUs. */
#include "bench.h"

void app_main(const char *cmdline)
{
	arch_mark(MARK_END);
	arch_mark(MARK_GROUP);
	(void)cmdline;
	/* Without a plugin: since the clock was set to 0, a little later. */
	bench_value("boot.to_first_task", arch_clock_ticks(), "I");
	board_exit(0);
}
