#include "core/ksym.h"
#include "arch/arch.h"
#include "core/log.h"

#define FRAMES_MAX 24

/*
 * An empty table, for the first link and for builds that do without: tools/ksyms defines the
 * same names strongly. Not const, though never written: Clang takes the value of a weak constant
 * for the final one.
 */
extern u64 ksyms_count;
extern u32 ksyms_addr[], ksyms_name[]; /* names: offsets into ksyms_text */
extern char ksyms_text[];
u64 ksyms_count __attribute__((weak)) = 0;
u32 ksyms_addr[1] __attribute__((weak)) = {0};
u32 ksyms_name[1] __attribute__((weak)) = {0};
char ksyms_text[1] __attribute__((weak)) = "";

const char *ksym_find(uptr pc, uptr *offset)
{
	u64 low = 0, high = ksyms_count; /* the answer's index + 1 lies in [low, high] */

	while (low < high) {
		u64 mid = low + (high - low + 1) / 2;

		if (ksyms_addr[mid - 1] <= pc)
			low = mid;
		else
			high = mid - 1;
	}
	if (!low)
		return NULL;
	*offset = pc - ksyms_addr[low - 1];
	return ksyms_text + ksyms_name[low - 1];
}

/* @p back: 1 for a return address, which after a call that never returns is another function's. */
static void frame_print(unsigned n, uptr pc, unsigned back)
{
	uptr offset = 0;
	/* 0 is who called a function that nobody called */
	const char *name = pc ? ksym_find(pc - back, &offset) : NULL;

	if (name)
		kprintf("  #%u %p %s+0x%lx\n", n, (void *)pc, name, (unsigned long)offset + back);
	else
		kprintf("  #%u %p\n", n, (void *)pc);
}

void frames_print(const uptr *pcs, unsigned n, bool first_is_exact)
{
	for (unsigned i = 0; i < n; i++)
		frame_print(i, pcs[i], i || !first_is_exact);
}

void backtrace_print(uptr pc, uptr fp)
{
	uptr frames[FRAMES_MAX];
	unsigned n = pc != 0;

	frames[0] = pc;
	n += arch_backtrace(fp, frames + n, FRAMES_MAX - n);
	frames_print(frames, n, pc);
}
