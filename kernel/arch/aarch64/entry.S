/*
 * entry.S: from the boot loader to C. The image begins with the header of the Linux arm64 boot
 * protocol (Linux Documentation/arch/arm64/booting.rst), which QEMU, U-Boot and the Raspberry Pi
 * firmware know: x0 holds the device tree (on a Pi also an ATAG list), the MMU is off, and the
 * exception level is 1 or 2; 3 without firmware.
 */
#include "asm.h"
#include "regs.h"

	.section .head, "ax", %progbits
	.globl _start
_start:
	b	primary
	.long	0
	.quad	image_text_offset
	.quad	image_bytes
	.quad	2			/* little endian, 4 KiB pages */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/*
 * Every CPU may arrive here when the loader takes the image for a plain ELF file; the one with
 * affinity 0 boots and the others wait for their slot.
 */
ENTRY(primary)
	mov	x20, x0
	mrs	x1, mpidr_el1
	tst	x1, #0xffffff
	b.ne	aarch64_secondary_entry
	bl	to_el1
	adrp	x1, boot_stack_top
	add	sp, x1, :lo12:boot_stack_top
	adrp	x0, bss_start
	add	x0, x0, :lo12:bss_start
	adrp	x1, bss_end
	add	x1, x1, :lo12:bss_end
1:	stp	xzr, xzr, [x0]		/* sections.ld aligns both to 64 */
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x1
	b.lo	1b
	mov	x29, xzr
	mov	x30, xzr
	bl	aarch64_early_tables
	/* What was written with the caches off must not be hidden by stale lines of theirs. */
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4		/* DminLine: log2 of the words in a line */
	mov	x4, #4
	lsl	x3, x4, x3
	dsb	sy
2:	dc	ivac, x1
	add	x1, x1, x3
	cmp	x1, x2
	b.lo	2b
	dsb	sy
	ldr	w1, =SCTLR_EARLY
	bl	mmu_on
	mov	x0, x20
	mov	x29, xzr
	mov	x30, xzr
	bl	kernel_main
	brk	#1
END(primary)

ENTRY(aarch64_secondary_entry)
	bl	to_el1
	mrs	x1, mpidr_el1
	mov	x2, #0xffffff
	movk	x2, #0xff, lsl #32
	and	x1, x1, x2
1:	adrp	x2, boot_slots
	add	x2, x2, :lo12:boot_slots
	mov	x3, #64			/* CPUS_MAX */
2:	ldr	x4, [x2, #SLOT_MPIDR]
	ldr	x5, [x2, #SLOT_STACK]
	cmp	x4, x1
	b.ne	3f
	cbnz	x5, 4f
3:	add	x2, x2, #SLOT_BYTES
	subs	x3, x3, #1
	b.ne	2b
	wfe
	b	1b
4:	dmb	sy			/* pairs with the one in aarch64_release */
	ldr	x0, [x2, #SLOT_ROOT]
	ldr	x19, [x2, #SLOT_CPU]
	mov	sp, x5
	ldr	w1, =SCTLR_FINAL
	bl	mmu_on
	mov	x0, x19
	mov	x29, xzr
	mov	x30, xzr
	bl	cpu_start_secondary
	brk	#1
END(aarch64_secondary_entry)

/* x0: translation table for TTBR0_EL1, w1: SCTLR_EL1. Identity, so the return just works. */
ENTRY(mmu_on)
	ldr	x2, =MAIR_VALUE
	msr	mair_el1, x2
	ldr	x2, =TCR_VALUE
	mrs	x3, id_aa64mmfr0_el1
	and	x3, x3, #7		/* PARange, below its 52-bit values */
	cmp	x3, #5			/* 48 bits: all that 4 KiB pages can name here */
	mov	x4, #5
	csel	x3, x3, x4, ls
	orr	x2, x2, x3, lsl #TCR_IPS_SHIFT
	msr	tcr_el1, x2
	msr	ttbr0_el1, x0
	ic	iallu
	tlbi	vmalle1
	dsb	sy
	isb
	mov	w1, w1
	msr	sctlr_el1, x1
	isb
	ret
END(mmu_on)

/*
 * Returns at EL1 with SP_EL1, everything masked and the MMU off, from whatever level it is called
 * at. Uses no stack.
 */
ENTRY(to_el1)
	msr	daifset, #15
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.lo	at_el1
	b.eq	at_el2
	/* EL3: non-secure, AArch64 below, hvc on, no traps. With a GICv3, let the lower levels use
	 * its system registers (ICC_SRE_EL3). Which interrupts the non-secure world gets is left to
	 * firmware, as on a Pi (armstub8.S); where there is none, no timer interrupt arrives. */
	mov	x9, #0x531
	msr	scr_el3, x9
	msr	cptr_el3, xzr
	mrs	x9, id_aa64pfr0_el1
	tst	x9, #(0xf << 24)
	b.eq	1f
	mov	x9, #0xf
	msr	S3_6_C12_C12_5, x9
	isb
1:	mrs	x9, id_aa64pfr0_el1
	tst	x9, #(0xf << 8)		/* is there an EL2? */
	mov	x9, #PSTATE_EL1H_MASKED
	orr	x10, x9, #0xc
	bic	x10, x10, #4		/* EL2h */
	csel	x9, x9, x10, eq
	msr	spsr_el3, x9
	adr	x9, 2f
	msr	elr_el3, x9
	ldr	w9, =SCTLR_OFF
	msr	sctlr_el1, x9
	eret
2:	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.ne	at_el1
at_el2:
	mov	x9, #(1 << 31)		/* HCR_EL2.RW: EL1 is AArch64; no traps, no stage 2 */
	msr	hcr_el2, x9
	isb
	mov	x9, #3			/* EL1 may read the counter and use the physical timer */
	msr	cnthctl_el2, x9
	msr	cntvoff_el2, xzr
	mov	x9, #0x33ff		/* CPTR_EL2: RES1, no traps */
	msr	cptr_el2, x9
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x9, midr_el1
	msr	vpidr_el2, x9
	mrs	x9, mpidr_el1
	msr	vmpidr_el2, x9
	mrs	x9, pmcr_el0		/* all event counters belong to EL1: MDCR_EL2.HPMN = N */
	ubfx	x9, x9, #11, #5
	msr	mdcr_el2, x9
	adrp	x9, vectors
	add	x9, x9, :lo12:vectors
	msr	vbar_el2, x9		/* its lower-level entries park the CPU */
	mrs	x9, id_aa64pfr0_el1
	tst	x9, #(0xf << 24)
	b.eq	3f
	mrs	x9, S3_4_C12_C9_5	/* ICC_SRE_EL2: system registers, for EL1 too */
	orr	x9, x9, #1
	orr	x9, x9, #8
	msr	S3_4_C12_C9_5, x9
	isb
	msr	S3_4_C12_C11_0, xzr	/* ICH_HCR_EL2 */
3:	ldr	w9, =SCTLR_OFF
	msr	sctlr_el1, x9
	mov	x9, #PSTATE_EL1H_MASKED
	msr	spsr_el2, x9
	msr	elr_el2, x30
	eret
at_el1:
	ldr	w9, =SCTLR_OFF
	msr	sctlr_el1, x9
	msr	spsel, #1
	isb
	ret
END(to_el1)
