/*
 * vectors.S: 256 entry points of 16 bytes, and the two ways on: interrupts save what a C call
 * may clobber, exceptions save everything. Source: Intel SDM vol. 3, 6.14 (the stack frame, which
 * the CPU aligns to 16 bytes), 6.15 (which exceptions push an error code).
 */
#include "asm.h"
#include "vectors.h"

#define EXCEPTIONS 32
#define WITH_ERROR_CODE 0x60227d00 /* 8, 10 to 14, 17, 21, 29, 30 */

/*
 * An interrupt's rbp goes right below its rip, which makes a stack frame of the two: a back
 * trace goes through it.
 */
	.set	vector, 0
ENTRY(x86_vectors)
	.rept	256
	.balign	16
	.if	vector < EXCEPTIONS
	.if	((WITH_ERROR_CODE >> vector) & 1) == 0
	push	$0
	.endif
	push	$vector
	jmp	exception
	.else
	push	%rbp
	mov	%rsp, %rbp
	push	%rdi
	.if	vector == VECTOR_TIMER
	jmp	interrupt_timer
	.else
	mov	$vector, %edi
	jmp	interrupt
	.endif
	.endif
	.set	vector, vector + 1
	.endr
END(x86_vectors)

/*
 * Interrupts stay masked. x86_interrupt and x86_timer may return on another CPU: nothing here
 * depends on it. The kernel's code never sets the direction flag.
 */
	.macro	save
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	sub	$8, %rsp
	.endm

ENTRY(interrupt)
	save
	mov	8(%rbp), %rsi
	call	x86_interrupt
	jmp	1f
	.globl	interrupt_timer
interrupt_timer:
	save
	mov	8(%rbp), %rdi
	call	x86_timer
1:	add	$8, %rsp
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	pop	%rdi
	pop	%rbp
	iretq
END(interrupt)

/* Pushes struct x86_frame of fault.h, and below it a stack frame for back traces. */
ENTRY(exception)
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	push	136(%rsp)	/* rip */
	push	%rbp
	mov	%rsp, %rbp
	cld
	call	x86_exception
	add	$16, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq
END(exception)
