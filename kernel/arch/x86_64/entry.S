/*
 * entry.S: from the boot loader, and from a start-up interrupt, to C. Both loaders enter in
 * 32-bit protected mode without paging and with flat segments (multiboot2 specification 3.3;
 * Xen docs/misc/pvh.pandoc). Sources of the numbers: Intel SDM vol. 3, 2.5 (CR0, CR4), 4.5
 * (4-level paging), 10.8.5 (entering IA-32e mode), vol. 4 (EFER).
 */
#include "asm.h"
#include "segments.h"

#define MULTIBOOT2_HEADER 0xe85250d6
#define LOADER_PVH 0x336ec578

#define CR0_ON 0x80010035 /* PG, WP, NE, ET, EM (floating point faults), PE; caches on */
#define CR4_ON 0x60	  /* MCE, PAE */
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define CPUID_1GIB_PAGES (1 << 26)

#define PTE_TABLE 0x3 /* present, writable */
#define PTE_LARGE 0x83

#define BOOT_STACK_BYTES 0x7000
#define CPUS_MAX 64

	.section .multiboot2, "a"
	.balign 8
header:
	.long	MULTIBOOT2_HEADER, 0, header_end - header
	.long	-(MULTIBOOT2_HEADER + (header_end - header))
	.word	0, 0	/* end of tags */
	.long	8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long	4, 4, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.balign 4
	.long	pvh_start

	.macro long_mode code64
	mov	$CR4_ON, %eax
	mov	%eax, %cr4
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME_NXE, %eax
	wrmsr
	mov	$CR0_ON, %eax
	mov	%eax, %cr0
	ljmp	$SEL_CODE64, $\code64
	.endm

	.macro load_data_segments
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	.endm

	.code32
ENTRY(pvh_start)
	mov	$LOADER_PVH, %eax
	jmp	multiboot2_start
END(pvh_start)

/* eax: loader, ebx: address of what it left. */
ENTRY(multiboot2_start)
	cli
	cld
	mov	%eax, %esi
	mov	$bss_start, %edi
	mov	$bss_end, %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	xor	%eax, %eax
	rep stosl
	mov	%esi, boot_info
	mov	%ebx, boot_info + 4
	mov	$boot_stack_top, %esp
	call	boot_tables
	lgdt	boot_gdtr
	long_mode start64
END(multiboot2_start)

/* Maps the first 4 GiB by 2 MiB pages, and up to 512 GiB by 1 GiB pages where the CPU has them. */
ENTRY(boot_tables)
	movl	$boot_pdpt + PTE_TABLE, boot_pml4
	xor	%ecx, %ecx
1:	mov	%ecx, %eax
	shl	$21, %eax
	or	$PTE_LARGE, %eax
	mov	%eax, boot_pd(, %ecx, 8)
	inc	%ecx
	cmp	$2048, %ecx
	jb	1b
	movl	$boot_pd + 0x0000 + PTE_TABLE, boot_pdpt
	movl	$boot_pd + 0x1000 + PTE_TABLE, boot_pdpt + 8
	movl	$boot_pd + 0x2000 + PTE_TABLE, boot_pdpt + 16
	movl	$boot_pd + 0x3000 + PTE_TABLE, boot_pdpt + 24
	movl	$1, boot_mapped_bytes + 4
	mov	$0x80000001, %eax
	cpuid
	test	$CPUID_1GIB_PAGES, %edx
	jz	3f
	mov	$4, %ecx
2:	mov	%ecx, %eax
	shl	$30, %eax
	or	$PTE_LARGE, %eax
	mov	%eax, boot_pdpt(, %ecx, 8)
	mov	%ecx, %eax
	shr	$2, %eax
	mov	%eax, boot_pdpt + 4(, %ecx, 8)
	inc	%ecx
	cmp	$512, %ecx
	jb	2b
	movl	$128, boot_mapped_bytes + 4
3:	ret
END(boot_tables)

	.code64
ENTRY(start64)
	load_data_segments
	mov	$boot_stack_top, %rsp
	xor	%ebp, %ebp
	rdtsc
	mov	%eax, boot_tsc
	mov	%edx, boot_tsc + 4
	mov	$boot_info, %edi
	call	kernel_main
END(start64)

/*
 * A secondary CPU begins here in real mode, on a copy of this code in a page below 1 MiB whose
 * segment is CS. It addresses nothing but that page and what the linker placed below 4 GiB.
 */
	.code16
ENTRY(ap_trampoline)
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	ap_gdtr - ap_trampoline
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $ap_start32
	.balign 4
ap_gdtr:
	.word	boot_gdt_end - boot_gdt - 1
	.long	boot_gdt
	.globl	ap_trampoline_end
ap_trampoline_end:
END(ap_trampoline)

	.code32
ENTRY(ap_start32)
	load_data_segments
	long_mode ap_start64
END(ap_start32)

/* The APIC ID is leaf 0xb's (SDM vol. 2, CPUID) where there is one, else leaf 1's. */
	.code64
ENTRY(ap_start64)
	load_data_segments
	xor	%eax, %eax
	cpuid
	cmp	$0xb, %eax
	jb	1f
	mov	$0xb, %eax
	xor	%ecx, %ecx
	cpuid
	mov	%edx, %esi
	test	%ebx, %ebx
	jnz	2f
1:	mov	$1, %eax
	cpuid
	shr	$24, %ebx
	mov	%ebx, %esi
2:	mov	$1, %edi
	mov	$ap_slots + 16, %edx
3:	cmp	%esi, (%rdx)
	je	4f
	add	$16, %edx
	inc	%edi
	cmp	$CPUS_MAX, %edi
	jb	3b
	hlt		/* nobody started this one; interrupts are off */
	jmp	. - 1
4:	movl	$1, 4(%rdx)
	mov	8(%rdx), %rsp
	xor	%ebp, %ebp
	call	cpu_start_secondary
END(ap_start64)

	.section .rodata.boot_gdt, "a"
	.balign 8
boot_gdt:
	.quad	0, DESC_CODE64, DESC_DATA, DESC_CODE32
boot_gdt_end:
boot_gdtr:
	.word	boot_gdt_end - boot_gdt - 1
	.long	boot_gdt

	.section .bss.boot, "aw", @nobits
	.balign 4096
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pd:
	.skip	4 * 4096
	.globl	boot_stack_guard
boot_stack_guard:
	.skip	4096
	.skip	BOOT_STACK_BYTES
boot_stack_top:
	.globl	boot_tsc, boot_mapped_bytes
boot_tsc:
	.skip	8
boot_mapped_bytes:
	.skip	8
boot_info:
	.skip	8
