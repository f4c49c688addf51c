/*
 * stack.c: stacks that are not running, and back traces.
 */
#include "arch/arch.h"
#include "mmu.h"

extern const char kernel_start[], text_end[];

/* What arch_switch leaves on a stack, from the saved stack pointer upwards. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip;
};

void *arch_stack_prepare(void *top, void (*entry)(void))
{
	/* One word stays above: entry begins as if called, at 8 below a multiple of 16. */
	struct switch_frame *f = (struct switch_frame *)((u64 *)top - 1) - 1;

	*f = (struct switch_frame){.rip = (uptr)entry};
	*(u64 *)(f + 1) = 0;
	return f;
}

uptr arch_saved_fp(const void *saved_sp)
{
	return ((const struct switch_frame *)saved_sp)->rbp;
}

uptr arch_saved_pc(const void *saved_sp)
{
	return ((const struct switch_frame *)saved_sp)->rip;
}

static bool in_text(uptr pc)
{
	return pc >= (uptr)kernel_start && pc < (uptr)text_end;
}

static bool readable(uptr fp)
{
	return fp && fp % sizeof(u64) == 0 && x86_mapped(fp) && x86_mapped(fp + sizeof(u64));
}

/* The chain may be damaged, so each step is checked; it need not ascend, as faults change stacks.
 * An address outside the text, where a jump to nowhere faulted, is left out. */
unsigned arch_backtrace(uptr fp, uptr *pcs, unsigned max)
{
	unsigned n = 0;

	for (unsigned step = 0; step < max && readable(fp); step++) {
		const u64 *frame = (const u64 *)fp;

		if (in_text(frame[1]))
			pcs[n++] = frame[1];
		fp = frame[0];
	}
	return n;
}
