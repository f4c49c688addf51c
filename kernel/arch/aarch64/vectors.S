/*
 * vectors.S: exceptions. Interrupts save what a C call may clobber on the stack they strike, and
 * nothing that belongs to a CPU is kept across irq_exit: the stack may go on elsewhere.
 */
#include "asm.h"
#include "regs.h"

	.cfi_sections .debug_frame

#define IRQ_FRAME_BYTES 192
#define ELR_COLUMN 33 /* ELR_mode in DWARF for the Arm 64-bit Architecture, 4.1 */
#define IRQ_FRAME_X18 144
#define IRQ_FRAME_PC 152
#define IRQ_FRAME_PSTATE 160
#define IRQ_FRAME_X30 168
/* x29 and pc + 4: a frame record (AAPCS64 6.4.6) as a call would leave it, for back traces. */
#define IRQ_FRAME_RECORD 176

	.macro	vector target
	.balign	128
	b	\target
	.endm

/* Arm ARM D1.3.1: 16 entries of 128 bytes: EL1 with SP_EL0, EL1 with SP_EL1, lower levels. */
	.balign	2048
ENTRY(vectors)
	.balign	2048
	.rept	4
	vector	fault_entry
	.endr
	vector	fault_entry		/* synchronous */
	vector	irq_entry		/* IRQ */
	vector	fault_entry		/* FIQ: nothing is routed to it */
	vector	fault_entry		/* SError */
	.rept	8
	vector	park
	.endr
END(vectors)

ENTRY(park)
	wfi
	b	park
END(park)

ENTRY(irq_entry)
	.cfi_startproc
	.cfi_signal_frame
	.cfi_return_column ELR_COLUMN
	sub	sp, sp, #IRQ_FRAME_BYTES
	.cfi_def_cfa sp, IRQ_FRAME_BYTES
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x18, x0, [sp, #IRQ_FRAME_X18]
	stp	x1, x30, [sp, #IRQ_FRAME_PSTATE]
	add	x2, x0, #4		/* as if the struck instruction were a call */
	stp	x29, x2, [sp, #IRQ_FRAME_RECORD]
	.cfi_offset ELR_COLUMN, IRQ_FRAME_PC - IRQ_FRAME_BYTES
	.cfi_offset x30, IRQ_FRAME_X30 - IRQ_FRAME_BYTES
	.cfi_offset x29, IRQ_FRAME_RECORD - IRQ_FRAME_BYTES
	add	x29, sp, #IRQ_FRAME_RECORD
	adrp	x1, aarch64_irq_dispatch
	ldr	x1, [x1, #:lo12:aarch64_irq_dispatch]
	blr	x1
	ldp	x18, x0, [sp, #IRQ_FRAME_X18]
	ldp	x1, x30, [sp, #IRQ_FRAME_PSTATE]
	ldr	x29, [sp, #IRQ_FRAME_RECORD]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x0, x1, [sp, #0]
	add	sp, sp, #IRQ_FRAME_BYTES
	.cfi_def_cfa_offset 0
	eret
	.cfi_endproc
END(irq_entry)

/*
 * Anything else. The stack may be what is wrong, or too short for what follows, so the CPU's fault
 * stack is taken, unless it is in use: then this is a fault in handling one. No code runs at EL0,
 * so its registers are free: TPIDR_EL0 keeps x0, SP_EL0 the stack pointer, and TPIDRRO_EL0 points
 * to the end of the fault stack.
 */
ENTRY(fault_entry)
	.cfi_startproc
	.cfi_signal_frame
	.cfi_return_column ELR_COLUMN
	msr	tpidr_el0, x0
	mov	x0, sp
	msr	sp_el0, x0
	mrs	x0, tpidrro_el0
	sub	x0, sp, x0
	add	x0, x0, #FAULT_STACK_BYTES	/* SP's place in the fault stack */
	cmp	x0, #FAULT_STACK_BYTES
	b.lo	1f
	mrs	x0, tpidrro_el0
	mov	sp, x0
1:	sub	sp, sp, #REGS_BYTES
	mrs	x0, tpidr_el0
	stp	x0, x1, [sp, #0]
	mrs	x0, sp_el0
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	mrs	x4, esr_el1
	mrs	x5, far_el1
	str	x0, [sp, #REGS_SP]
	str	x2, [sp, #REGS_PC]
	str	x3, [sp, #REGS_PSTATE]
	str	x4, [sp, #REGS_ESR]
	str	x5, [sp, #REGS_FAR]
	add	x2, x2, #4
	str	x29, [sp, #REGS_FRAME]
	str	x2, [sp, #(REGS_FRAME + 8)]
	add	x29, sp, #REGS_FRAME
	.cfi_def_cfa x29, REGS_BYTES - REGS_FRAME
	.cfi_offset ELR_COLUMN, REGS_PC - REGS_BYTES
	.cfi_offset sp, REGS_SP - REGS_BYTES
	.cfi_offset x30, 240 - REGS_BYTES
	.cfi_offset x29, REGS_FRAME - REGS_BYTES
	mov	x0, sp
	bl	aarch64_fault
	brk	#1
	.cfi_endproc
END(fault_entry)
