/*
 * switch.S: leaving one stack for another, and halting.
 */
#include "asm.h"

/* void arch_switch(void **save_sp, void *load_sp) */
ENTRY(arch_switch)
	stp	x29, x30, [sp, #-96]!
	stp	x27, x28, [sp, #16]
	stp	x25, x26, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x21, x22, [sp, #64]
	stp	x19, x20, [sp, #80]
	mov	x2, sp
	str	x2, [x0]
	mov	sp, x1
	ldp	x19, x20, [sp, #80]
	ldp	x21, x22, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #32]
	ldp	x27, x28, [sp, #16]
	ldp	x29, x30, [sp], #96
	ret
END(arch_switch)

/* wfi ends on an interrupt that is pending though masked; only behind it is it let in. */
ENTRY(arch_idle)
	dsb	sy
	.globl	arch_idle_halt
arch_idle_halt:
	wfi
	msr	daifclr, #2
	isb
	msr	daifset, #2
	ret
END(arch_idle)
