/*
 * heap.c: kernel/mm/tlsf.c: which list a size belongs to, and to what a request is rounded up, for
 * every size that a block may have. The lists themselves, cutting and joining are tested.
 */
#include "prove.h"

#include "mm/tlsf.c"

void misuse_free_overwritten(const struct block *b)
{
	(void)b;
}

static u32 any_size(void)
{
	u32 bytes = nondet_u32();

	ASSUME(bytes % UNIT_BYTES == 0 && bytes && bytes <= TLSF_MAX_BYTES);
	return bytes;
}

static bool before(struct place a, struct place b)
{
	return a.level < b.level || (a.level == b.level && a.list < b.list);
}

int main(void)
{
	u32 bytes = any_size(), other = any_size(), rounded = tlsf_round(bytes);
	struct place p = place_of(bytes), q = place_of(other), r = place_of(rounded);

	REACHABLE(bytes < 256 && other >= 256, "a small size and a large one");
	REACHABLE(rounded > bytes && before(p, r), "one that is rounded up to the next list");
	REACHABLE(bytes == TLSF_MAX_BYTES, "the largest");
	CLAIM(p.level < TLSF_LEVELS && p.list < TLSF_LISTS, "a size has a list");
	CLAIM(r.level < TLSF_LEVELS && r.list < TLSF_LISTS,
	      "and so has the size that it is rounded to");
	CLAIM(rounded >= bytes && rounded % UNIT_BYTES == 0, "it is rounded up");
	CLAIM(bytes >= other || !before(q, p), "a smaller size is in no later list");
	CLAIM(before(q, r) || other >= bytes,
	      "what its list, or a later one, holds is large enough");
	CLAIM(!before(p, r) || rounded > bytes, "the least size of a list stays in it");
	CLAIM(rounded - bytes <= bytes / TLSF_LISTS, "no more than a sixteenth is added");
	CLAIM(tlsf_round(rounded) == rounded, "what is rounded stays as it is");
	return 0;
}
