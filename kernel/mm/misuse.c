#include "mm/misuse.h"
#include "base/ksym.h"
#include "base/panic.h"
#include "base/printf.h"

/* "task_spawn+0x4c" or "task 12". */
static const char *owner_of(const struct block *b)
{
	static char text[64]; /* a panic prints one */
	uptr offset = 0;
	const char *name = ksym_find(b->owner, &offset);

	if (b->owner & OWNER_TASK)
		ksnprintf(text, sizeof text, "task %u", b->owner & ~OWNER_TASK);
	else
		ksnprintf(text, sizeof text, "%s+0x%lx", name ? name : "code",
			  (unsigned long)offset);
	return text;
}

static bool is_free(const struct block *b)
{
	return block_is(b, MARK_FREE) || block_is(b, MARK_CACHED) || block_is(b, MARK_JOINED);
}

void misuse_release(const struct block *b, enum heap_kind kind, const char *call)
{
	const void *p = block_payload(b);
	enum heap_kind other = HEAPS - 1 - kind;

	if ((uptr)b % UNIT_BYTES == 0) {
		if (is_free(b))
			panic("%s(%p): already free: %u bytes, freed by %s", call, p,
			      block_bytes(b), owner_of(b));
		if (block_is(b, MARK_USED + other))
			panic("%s(%p): %u bytes of %s, which are in the other heap", call, p,
			      block_bytes(b), owner_of(b));
		if (block_good(b, MARK_USED + kind))
			panic("%s(%p): %u bytes of %s", call, p, block_bytes(b), owner_of(b));
		if (block_is(b, MARK_USED + kind))
			panic("%s(%p): %u bytes of %s were written past their end", call, p,
			      block_bytes(b), owner_of(b));
	}
	panic("%s(%p): not a block of the heap, or written before its begin", call, p);
}

void misuse_free_overwritten(const struct block *b)
{
	panic("heap: free block %p was overwritten; it was freed by %s", block_payload(b),
	      owner_of(b));
}
