/*
 * Stack switch on an AArch64 host. Frame from the saved pointer upwards: x29 x30 x19..x28
 * d8..d15. Source: AAPCS64 6.1.1, 6.1.2.
 */
#define ENTRY(name)                                                                                \
	.globl name;                                                                               \
	.type name, %function;                                                                     \
	.balign 16;                                                                                \
	name:
#define END(name) .size name, .- name

	.text

/* void fiber_switch(void **save, void *load) */
ENTRY(fiber_switch)
	stp	x29, x30, [sp, #-160]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	ldp	x29, x30, [sp], #160
	ret
END(fiber_switch)

/* First activation of a stack: x19 the function, x20 its argument; x29 is 0 and ends the chain. */
ENTRY(sim_fiber_boot)
	mov	x0, x20
	mov	x30, xzr
	blr	x19
	brk	#1
END(sim_fiber_boot)

	.section .note.GNU-stack, "", %progbits
