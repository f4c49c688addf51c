/*
 * tables.h: reads ACPI's static tables. Pure functions over (table, bytes): they touch nothing
 * outside these bytes, whatever the bytes are, and have no state. Any context. Source: ACPI
 * specification 6.5, chapter 5.2; HPET specification 1.0a, 3.2.4; PCI firmware specification 3.0,
 * 4.1.2 (MCFG).
 *
 * Errors: ERR_CORRUPT when a length or checksum is wrong, ERR_NODEV when the table is another.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

#define ACPI_RSDP_BYTES   36
#define ACPI_HEADER_BYTES 36

/** Where the list of tables is, and whether its entries have 64 bits (XSDT) or 32 (RSDT). */
struct acpi_root {
	u64 address;
	bool wide;
};

/** Reads the root pointer (5.2.5.3); @p bytes from ACPI 1.0's 20 on. */
int acpi_parse_rsdp(const void *rsdp, usize bytes, struct acpi_root *out) MUST_CHECK;

/** The length that a table's header (ACPI_HEADER_BYTES of it) claims; not less than a header. */
int acpi_length(const void *header, u32 *bytes) MUST_CHECK;

/** 0 when the table has this signature of 4 characters, fits, and adds up to 0. */
int acpi_check(const void *table, usize bytes, const char *signature) MUST_CHECK;

/** Address of table @p index in the root table, which acpi_check passed; 0 behind the last. */
u64 acpi_root_entry(const void *table, usize bytes, bool wide, u32 index);

#define ACPI_CPUS_MAX      CPUS_MAX
#define ACPI_IOAPICS_MAX   8
#define ACPI_OVERRIDES_MAX 16

/** What the MADT ("APIC", 5.2.12) says; what does not fit is left out. */
struct acpi_madt {
	unsigned cpus, ioapics, overrides;
	u32 apic_id[ACPI_CPUS_MAX]; /* of enabled processors, no ID twice */
	struct acpi_ioapic {
		u64 address;
		u32 first_gsi;
	} ioapic[ACPI_IOAPICS_MAX];
	struct acpi_override { /* of an ISA interrupt */
		u8 isa;
		bool level, low;
		u32 gsi;
	} override[ACPI_OVERRIDES_MAX];
};
int acpi_parse_madt(const void *table, usize bytes, struct acpi_madt *out) MUST_CHECK;

/** A register in memory or at an I/O port (5.2.3.2); address 0: there is none. */
struct acpi_register {
	u64 address;
	bool io;
};

/** What the FADT ("FACP", 5.2.9) says. */
struct acpi_fadt {
	u16 pm_timer_port; /* 0: none */
	bool pm_timer_wide;
	u16 pm1a_control_port; /* 0: none */
	struct acpi_register reset;
	u8 reset_value;
};
int acpi_parse_fadt(const void *table, usize bytes, struct acpi_fadt *out) MUST_CHECK;

/** Address of the HPET's registers, from table "HPET". */
int acpi_parse_hpet(const void *table, usize bytes, u64 *address) MUST_CHECK;

/** PCI configuration space in memory, from table "MCFG": 1 MiB a bus, from @p first to @p last. */
struct acpi_mcfg {
	u64 address; /* of bus 0, even when first is another */
	u16 segment;
	u8 first, last;
};
/** Entry @p index; ERR_NODEV behind the last. */
int acpi_parse_mcfg(const void *table, usize bytes, u32 index, struct acpi_mcfg *out) MUST_CHECK;
