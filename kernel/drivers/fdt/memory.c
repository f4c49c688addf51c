#include "drivers/fdt/memory.h"
#include "base/string.h"

void fdt_memory(const struct fdt *f, struct ranges *l, u64 top)
{
	int depth = 0;

	for (int n = fdt_next(f, FDT_NONE, &depth); n != FDT_NONE; n = fdt_next(f, n, &depth)) {
		const char *type = fdt_string(f, n, "device_type");
		u64 base, bytes;

		if (!type || strcmp(type, "memory") != 0 || !fdt_in_use(f, n))
			continue;
		for (unsigned i = 0; i < RANGES_MAX && fdt_reg(f, n, i, &base, &bytes); i++)
			ranges_add(l, base, bytes, top);
	}
}

void fdt_cut_reserved(const struct fdt *f, struct ranges *l)
{
	int parent = fdt_find(f, "/reserved-memory");
	u64 base, bytes;

	for (unsigned i = 0; fdt_reserved(f, i, &base, &bytes); i++)
		ranges_cut(l, base, bytes);
	if (parent != FDT_NONE)
		for (int n = fdt_child(f, parent, FDT_NONE); n != FDT_NONE;
		     n = fdt_child(f, parent, n))
			for (unsigned i = 0; fdt_reg(f, n, i, &base, &bytes); i++)
				ranges_cut(l, base, bytes);
	ranges_cut(l, (uptr)f->blob, f->bytes);
}
