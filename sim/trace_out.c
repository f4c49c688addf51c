/*
 * trace_out.c: the trace rings, from the kernel's memory to files.
 */
#include "sim/sim.h"
#include "tools/trace/extract.h"
#include <string.h>

extern char trace_descriptor[];

/* The descriptor is in the kernel's image, the rings are in RAM; all is mapped where it says. */
static int read_memory(void *ctx, uint64_t at, void *buf, size_t bytes)
{
	uintptr_t image = (uintptr_t)trace_descriptor;

	(void)ctx;
	if (!sim_memory_ok(at, bytes) && (at < image || at + bytes > image + SIM_PAGE_BYTES))
		return -1;
	memcpy(buf, (const void *)at, bytes);
	return 0;
}

int trace_write(const char *dir, char *err, size_t err_bytes)
{
	return trace_extract(dir, read_memory, NULL, (uintptr_t)trace_descriptor, err, err_bytes);
}
