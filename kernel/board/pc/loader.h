/*
 * loader.h: what the boot loader tells, by PVH or by multiboot2, copied out of its memory, which
 * is free afterwards. Sources: Xen public/arch-x86/hvm/start_info.h; Multiboot2 specification
 * 2.0, 3.6.
 *
 * Context: start-up.
 */
#pragma once

#include "base/types.h"
#include "boot.h"
#include "drivers/acpi/tables.h"

#define LOADER_REGIONS_MAX   128
#define LOADER_CMDLINE_BYTES 1024

#define REGION_USABLE 1u /* E820's type for RAM; every other is somebody's */

struct region {
	u64 base, bytes;
	u32 type;
};

struct loader {
	const char *name; /* "pvh", "multiboot2" */
	char cmdline[LOADER_CMDLINE_BYTES];
	struct region region[LOADER_REGIONS_MAX];
	unsigned regions;
	u64 rsdp;                   /* address of ACPI's root pointer, 0 when not told */
	struct acpi_root acpi_root; /* what a copy of the root pointer says; address 0: no copy */
};
extern struct loader loader;

/** Fills in loader. Panics when it cannot. */
void loader_read(const struct boot_info *boot);

/** True when all of [base, base+bytes) lies in one region that the loader listed, and is mapped
 *  by the entry code: so that a read does not end in a fault or at a device. */
bool loader_readable(u64 base, u64 bytes);
