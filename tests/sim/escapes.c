/*
 * For the build's check of what the kernel needs of its host: this one asks for the time of day.
 */
#include "apps/app.h"
#include "base/types.h"

long time(long *t);

void app_main(const char *cmdline)
{
	(void)cmdline;
	(void)time(NULL);
}
