/*
 * switch.S: leaving one stack for another, and halting.
 */
#include "asm.h"

/* void arch_switch(void **save_sp, void *load_sp); see stack.c */
ENTRY(arch_switch)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
END(arch_switch)

/* Interrupts are let in only behind the instruction that follows sti. */
ENTRY(arch_idle)
	sti
	.globl	arch_idle_halt
arch_idle_halt:
	hlt
	cli
	ret
END(arch_idle)
