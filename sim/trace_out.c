/* trace_out.c: the trace rings, from the kernel's memory to files. */
#include "sim/sim.h"
#include <stdio.h>

int trace_write(const char *dir, char *err, size_t err_bytes)
{
	snprintf(err, err_bytes, "%s: not written", dir);
	return -1;
}
