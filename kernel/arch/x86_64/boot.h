/*
 * boot.h: what the entry code leaves for the board, and how secondary CPUs find their stacks.
 */
#pragma once

#include "base/types.h"

/* Who loaded the kernel: the multiboot2 magic (specification 3.3), or the magic that the PVH
 * structure begins with (Xen public/arch-x86/hvm/start_info.h). */
#define BOOT_MULTIBOOT2 0x36d76289u
#define BOOT_PVH        0x336ec578u

/** kernel_main's and board_early_init's argument. */
struct boot_info {
	u32 loader;  /* BOOT_* */
	u32 address; /* of the loader's own structure */
};

/** The entry code mapped [0, this), read, write and execute, until arch_mmu_init. */
extern u64 boot_mapped_bytes;

/**
 * How a secondary CPU, which knows nothing but its APIC ID, finds its number and stack: by the
 * index of the slot with its ID. Slot 0 is unused. Filled before the CPU is started.
 */
struct ap_slot {
	u32 apic_id;
	_Atomic u32 arrived; /* set by the CPU itself (entry.S), read relaxed: a hint only */
	void *stack_top;
};
extern struct ap_slot ap_slots[CPUS_MAX];

#define AP_NO_ID UINT32_MAX

/** Real-mode code, position independent: to be copied to a page below 1 MiB. */
extern const u8 ap_trampoline[], ap_trampoline_end[];
