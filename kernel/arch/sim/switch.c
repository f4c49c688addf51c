/*
 * switch.c: stacks. Their layout is the host's and stands in sim/fiber.c.
 */
#include "arch/arch.h"

void arch_switch(void **save_sp, void *load_sp)
{
	sim_stack_switch(save_sp, load_sp);
}

void *arch_stack_prepare(void *top, void (*entry)(void))
{
	return sim_stack_prepare(top, entry);
}

uptr arch_saved_fp(const void *saved_sp)
{
	return sim_saved_fp(saved_sp);
}

uptr arch_saved_pc(const void *saved_sp)
{
	return sim_saved_pc(saved_sp);
}

/* A frame is the caller's frame pointer and the return address; both hosts have it so. Frames
 * of the simulator's hooks lie between those of an interrupt and of what it interrupted. The
 * chain may go to a lower address: from the stack of a fault to the one that faulted. Nobody means
 * to share these words, so reading them is no race, whatever compilers keep there. */
__attribute__((no_sanitize_thread)) unsigned arch_backtrace(uptr fp, uptr *pcs, unsigned max)
{
	unsigned n = 0;

	while (n < max && fp % sizeof(uptr) == 0 && sim_memory_ok(fp, 2 * sizeof(uptr))) {
		const uptr *frame = (const uptr *)fp;

		if (frame[1] == 0)
			break;
		pcs[n++] = frame[1];
		if (frame[0] == fp)
			break;
		fp = frame[0];
	}
	return n;
}
