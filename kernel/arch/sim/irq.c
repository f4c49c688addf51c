/*
 * irq.c: halting.
 */
#include "arch/arch.h"

/* The label stands where the halting instruction does. The statement behind the call keeps it
 * from becoming a jump, which would take the label's neighbourhood out of this function. */
void arch_idle(void)
{
	__asm__ volatile(".globl arch_idle_halt\narch_idle_halt:");
	sim_idle();
	__asm__ volatile("");
}
