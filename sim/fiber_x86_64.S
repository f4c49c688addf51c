/*
 * Stack switch on an x86_64 host. Only callee-saved registers matter: switches happen in calls.
 * Frame from the saved pointer upwards: r15 r14 r13 r12 rbx rbp pc. Source: System V AMD64 ABI
 * 3.2.1.
 */
#define ENTRY(name)                                                                                \
	.globl name;                                                                               \
	.type name, @function;                                                                     \
	.balign 16;                                                                                \
	name:
#define END(name) .size name, .- name

	.text

/* void fiber_switch(void **save, void *load) */
ENTRY(fiber_switch)
	.cfi_startproc
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.cfi_endproc
END(fiber_switch)

/* First activation of a stack: r12 the function, r13 its argument; rbp is 0 and ends the chain. */
ENTRY(sim_fiber_boot)
	.cfi_startproc
	.cfi_undefined rip
	movq	%r13, %rdi
	call	*%r12
	ud2
	.cfi_endproc
END(sim_fiber_boot)

	.section .note.GNU-stack, "", @progbits
