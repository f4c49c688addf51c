/*
 * acpi.c: kernel/drivers/acpi/tables.c. Every parser, on a table of any length up to BYTES with
 * any bytes, reads nothing outside of it, ends, and what it gives is within its own bounds.
 */
#include "prove.h"

#include "drivers/acpi/tables.c"

#ifndef BYTES
#define BYTES 64
#endif

void *malloc(usize bytes); /* CBMC's: an object of just that size, with any content */
static usize bytes;

static const u8 *any_table(usize least)
{
	bytes = nondet_u32();
	ASSUME(bytes >= least && bytes <= BYTES);
	return malloc(bytes);
}

static bool is_error(int err)
{
	return err == 0 || err == ERR_NODEV || err == ERR_CORRUPT;
}

static void rsdp(void)
{
	struct acpi_root root = {0};
	const u8 *t = any_table(0);
	int err = acpi_parse_rsdp(t, bytes, &root);

	REACHABLE(!err && root.wide, "of 64 bits");
	REACHABLE(!err && !root.wide, "of 32 bits");
	CLAIM(is_error(err), "an error that it names");
	CLAIM(err || root.address, "a table is somewhere");
	CLAIM(err || root.wide || root.address <= UINT32_MAX, "32 bits are 32 bits");
}

static void check(void)
{
	u32 length = 0;
	const u8 *t = any_table(ACPI_HEADER_BYTES);
	int err = acpi_check(t, bytes, "APIC");

	REACHABLE(!err, "a good table");
	CLAIM(is_error(err), "an error that it names");
	CLAIM(err || (acpi_length(t, &length) == 0 && length == bytes), "its length is its length");
	CLAIM(err || (t[0] == 'A' && t[1] == 'P' && t[2] == 'I' && t[3] == 'C'), "its name");
}

static void root_entry(void)
{
	const u8 *t = any_table(0);
	bool wide = nondet_bool();
	u32 index = nondet_u32();
	u64 address = acpi_root_entry(t, bytes, wide, index);

	REACHABLE(address, "an entry");
	CLAIM(!address || ACPI_HEADER_BYTES + ((u64)index + 1) * (wide ? 8 : 4) <= bytes,
	      "it is there");
}

/* The walk over the entries, without the check of the sum that any_table need not pass. */
static void madt(void)
{
	static struct acpi_madt m;
	const u8 *t = any_table(0);
	int err;

	err = acpi_parse_madt(t, bytes, &m);
	REACHABLE(!err && m.cpus == 2, "two CPUs");
	REACHABLE(!err && m.ioapics == 1, "an I/O APIC");
	REACHABLE(!err && m.overrides == 1 && m.override[0].low, "an override");
	CLAIM(is_error(err), "an error that it names");
	if (err)
		return;
	CLAIM(m.cpus <= ACPI_CPUS_MAX && m.ioapics <= ACPI_IOAPICS_MAX &&
		      m.overrides <= ACPI_OVERRIDES_MAX,
	      "no more than there is room for");
	CLAIM(m.cpus < 2 || m.apic_id[0] != m.apic_id[1], "no processor twice");
}

/* Adding to a list that has any number of entries, the most too. */
static void full(void)
{
	static struct acpi_madt m;
	u32 id = nondet_u32();
	unsigned cpus;

	m.cpus = nondet_unsigned();
	m.ioapics = nondet_unsigned();
	m.overrides = nondet_unsigned();
	ASSUME(m.cpus <= ACPI_CPUS_MAX && m.ioapics <= ACPI_IOAPICS_MAX &&
	       m.overrides <= ACPI_OVERRIDES_MAX);
	cpus = m.cpus;
	add_cpu(&m, id, nondet_u32());
	add_ioapic(&m, nondet_u64(), nondet_u32());
	add_override(&m, nondet_u8(), nondet_u32(), nondet_u16());
	REACHABLE(m.cpus == ACPI_CPUS_MAX && m.cpus == cpus, "full");
	CLAIM(m.cpus <= ACPI_CPUS_MAX && m.ioapics <= ACPI_IOAPICS_MAX &&
		      m.overrides <= ACPI_OVERRIDES_MAX,
	      "no more than there is room for");
	CLAIM(m.cpus == cpus || m.apic_id[m.cpus - 1] == id, "the one that was named");
}

static void others(void)
{
	struct acpi_fadt fadt = {0};
	struct acpi_mcfg mcfg = {0};
	u64 hpet = 0;
	const u8 *t = any_table(0);

	CLAIM(is_error(acpi_parse_fadt(t, bytes, &fadt)), "an error that it names");
	CLAIM(is_error(acpi_parse_hpet(t, bytes, &hpet)), "an error that it names");
	if (acpi_parse_mcfg(t, bytes, nondet_u32(), &mcfg) == 0)
		CLAIM(mcfg.first <= mcfg.last, "buses in order");
}

int main(void)
{
	CASE();
	return 0;
}
