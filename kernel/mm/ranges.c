#include "mm/ranges.h"

void ranges_add(struct ranges *l, u64 base, u64 bytes, u64 top)
{
	if (base < top && bytes && l->n < RANGES_MAX)
		l->r[l->n++] = (struct mem_range){base, MIN(bytes, top - base)};
}

void ranges_cut(struct ranges *l, u64 base, u64 bytes)
{
	u64 end = base + bytes < base ? UINT64_MAX : base + bytes;

	for (unsigned i = l->n; i-- > 0;) {
		u64 r_base = l->r[i].base, r_end = r_base + l->r[i].bytes;

		if (base >= r_end || end <= r_base)
			continue;
		l->r[i].bytes = base > r_base ? base - r_base : 0;
		if (end < r_end)
			ranges_add(l, end, r_end - end, UINT64_MAX);
		if (l->r[i].bytes == 0)
			l->r[i] = l->r[--l->n];
	}
}
