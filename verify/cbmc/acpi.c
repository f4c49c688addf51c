/*
 * acpi.c: kernel/drivers/acpi/tables.c. Every parser, on a table of any length up to BYTES with
 * any bytes, reads nothing outside of it, ends, and gives what the specification says that these
 * bytes mean: the claims state that anew, from the tables of chapter 5.2. FADT's fields are many
 * and far apart, so its table has a fixed length; what a short one gives follows from FIELDS, by
 * which all fields are read.
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

static struct acpi_madt *any_lists(void)
{
	struct acpi_madt any; /* not set: any content */
	static struct acpi_madt lists;
	struct acpi_madt *m = &lists;

	lists = any;
	ASSUME(m->cpus <= ACPI_CPUS_MAX && m->ioapics <= ACPI_IOAPICS_MAX &&
	       m->overrides <= ACPI_OVERRIDES_MAX);
	return m;
}

/* What a field of a table of n bytes is worth: little endian, and 0 when it is not all there. */
static u64 field(const u8 *t, usize n, u64 at, unsigned width)
{
	u64 value = 0;

	if (at + width > n || at + width < at)
		return 0;
	for (unsigned i = width; i > 0; i--)
		value = value * 256 + t[at + i - 1];
	return value;
}

static u8 sum_of(const u8 *t, usize n)
{
	u8 sum = 0;

	for (usize i = 0; i < n; i++)
		sum += t[i];
	return sum;
}

static bool named(const u8 *t, const char *name, unsigned n)
{
	bool same = true;

	for (unsigned i = 0; i < n; i++)
		same = same && t[i] == (u8)name[i];
	return same;
}

static void fields(void)
{
	const u8 *t = any_table(0);
	struct view v = {t, bytes};
	usize at = nondet_u64();

	REACHABLE(get(v, at, 8) && at + 8 == bytes, "the last field");
	CLAIM(get8(v, at) == field(t, bytes, at, 1), "a byte");
	CLAIM(get16(v, at) == field(t, bytes, at, 2), "two bytes");
	CLAIM(get32(v, at) == field(t, bytes, at, 4), "four bytes");
	CLAIM(get(v, at, 8) == field(t, bytes, at, 8), "eight bytes");
}

static void rsdp(void)
{
	struct acpi_root root = {0};
	const u8 *t = any_table(0);
	int err = acpi_parse_rsdp(t, bytes, &root);
	bool is_one = bytes >= 20 && named(t, "RSD PTR ", 8), wide;

	REACHABLE(!err && root.wide, "of 64 bits");
	REACHABLE(!err && !root.wide && t[15] >= 2 && bytes >= 36, "64 bits that do not add up");
	CLAIM((err == ERR_NODEV) == !is_one, "accepted for its name, as a whole");
	if (!is_one)
		return;
	wide = t[15] >= 2 && bytes >= 36 && sum_of(t, 36) == 0 && field(t, bytes, 24, 8);
	if (sum_of(t, 20) != 0 || !(wide || field(t, bytes, 16, 4))) {
		CLAIM(err == ERR_CORRUPT, "refused when it does not add up or leads nowhere");
		return;
	}
	CLAIM(err == 0 && root.wide == wide, "64 bits where they add up");
	CLAIM(root.address == (wide ? field(t, bytes, 24, 8) : field(t, bytes, 16, 4)),
	      "the address that it names");
}

static void check(void)
{
	u32 length = 0;
	const u8 *t = any_table(0);
	int err = acpi_check(t, bytes, "APIC"), of_length;

	REACHABLE(!err, "a good table");
	REACHABLE(!err && bytes == ACPI_HEADER_BYTES, "one of a header alone");
	if (bytes < ACPI_HEADER_BYTES) {
		CLAIM(err == ERR_CORRUPT, "no table without its header");
		return;
	}
	of_length = acpi_length(t, &length);
	CLAIM(of_length == (field(t, bytes, 4, 4) >= 36 ? 0 : ERR_CORRUPT), "room for a header");
	CLAIM(of_length || length == field(t, bytes, 4, 4), "its length is its length");
	if (!named(t, "APIC", 4))
		CLAIM(err == ERR_NODEV, "its name");
	else
		CLAIM(err == (field(t, bytes, 4, 4) == bytes && sum_of(t, bytes) == 0
				      ? 0
				      : ERR_CORRUPT),
		      "accepted if and only if it has its length and adds up");
}

static void root_entry(void)
{
	const u8 *t = any_table(0);
	bool wide = nondet_bool();
	u32 index = nondet_u32();
	u64 address = acpi_root_entry(t, bytes, wide, index);
	u64 size = wide ? 8 : 4;

	REACHABLE(address && index == 1, "a second entry");
	CLAIM(address == field(t, bytes, 36 + index * size, (unsigned)size), "the entry, or none");
}

/* Adding to lists that have any number of entries, the most too. */
static void cpus(void)
{
	struct acpi_madt *m = any_lists();
	unsigned n = m->cpus, any = nondet_unsigned();
	u32 id = nondet_u32(), flags = nondet_u32();
	bool there = false;
	u32 before;

	ASSUME(any < ACPI_CPUS_MAX);
	before = m->apic_id[any];
	for (unsigned i = 0; i < ACPI_CPUS_MAX; i++)
		there = there || (i < n && m->apic_id[i] == id);
	add_cpu(m, id, flags);
	REACHABLE(m->cpus == ACPI_CPUS_MAX && m->cpus == n + 1, "the last place");
	CLAIM(m->cpus == n + (flags % 2 == 1 && !there && n < ACPI_CPUS_MAX),
	      "enabled, new and room: in the list, else not");
	CLAIM(m->cpus == n || m->apic_id[n] == id, "the one that was named");
	CLAIM(any >= n || m->apic_id[any] == before, "the others stay");
}

static void ioapics(void)
{
	struct acpi_madt *m = any_lists();
	unsigned n = m->ioapics;
	u64 address = nondet_u64();
	u32 gsi = nondet_u32();

	add_ioapic(m, address, gsi);
	REACHABLE(m->ioapics == n, "full");
	CLAIM(m->ioapics == n + (n < ACPI_IOAPICS_MAX), "in the list, if there is room");
	CLAIM(m->ioapics == n || (m->ioapic[n].address == address && m->ioapic[n].first_gsi == gsi),
	      "as it was said");
}

static void overrides(void)
{
	struct acpi_madt *m = any_lists();
	unsigned n = m->overrides;
	u32 gsi = nondet_u32();
	u16 how = nondet_u16();
	u8 isa = nondet_u8();

	add_override(m, isa, gsi, how);
	REACHABLE(m->overrides == n, "full");
	CLAIM(m->overrides == n + (n < ACPI_OVERRIDES_MAX), "in the list, if there is room");
	if (m->overrides == n)
		return;
	CLAIM(m->override[n].isa == isa && m->override[n].gsi == gsi, "as it was said");
	CLAIM(m->override[n].low == (how % 4 == 3), "polarity: bits 0 and 1, 3 is low");
	CLAIM(m->override[n].level == (how / 4 % 4 == 3), "trigger: bits 2 and 3, 3 is level");
}

/* An entry of any type, length and content, as the first of each list. */
static void entry(void)
{
	static struct acpi_madt m;
	const u8 *t = any_table(2);
	u8 type = t[0];
	u32 flags = (u32)(type == 0 ? field(t, bytes, 4, 4) : field(t, bytes, 8, 4));

	madt_entry((struct view){t, bytes}, &m);
	REACHABLE(m.cpus == 1 && type == 9, "an x2APIC");
	REACHABLE(m.cpus == 1 && type == 0, "an APIC");
	CLAIM(m.cpus == ((type == 0 || type == 9) && flags % 2 == 1), "a processor, if enabled");
	CLAIM(!m.cpus || m.apic_id[0] == (type == 0 ? t[3] : field(t, bytes, 4, 4)), "its ID");
	CLAIM(m.ioapics == (type == 1), "an I/O APIC");
	CLAIM(!m.ioapics || (m.ioapic[0].address == field(t, bytes, 4, 4) &&
			     m.ioapic[0].first_gsi == field(t, bytes, 8, 4)),
	      "its place and first interrupt");
	CLAIM(m.overrides == (type == 2), "an override");
	CLAIM(!m.overrides || (m.override[0].isa == field(t, bytes, 3, 1) &&
			       m.override[0].gsi == field(t, bytes, 4, 4) &&
			       m.override[0].low == (field(t, bytes, 8, 2) % 4 == 3)),
	      "which, to what and how");
}

/*
 * The walk: each entry of the table and nothing else. In so short a table, a processor can only be
 * the first entry, of 8 bytes; what a shorter entry means says ENTRY.
 */
static void madt(void)
{
	struct acpi_madt any, *m = &any; /* not set: any content */
	const u8 *t = any_table(0);
	int err = acpi_parse_madt(t, bytes, m);
	int of_table = acpi_check(t, bytes, "APIC");
	unsigned ioapics = 0, overrides = 0;
	bool cpu;
	usize at = 44;

	REACHABLE(!err && m->cpus == 1, "a CPU");
	REACHABLE(!err && m->ioapics == 1 && m->overrides == 1, "two entries");
	while (at + 2 <= bytes && t[at + 1] >= 2 && at + t[at + 1] <= bytes) {
		ioapics += t[at] == 1;
		overrides += t[at] == 2;
		at += t[at + 1];
	}
	CLAIM(err == (of_table          ? of_table
		      : at + 2 <= bytes ? ERR_CORRUPT
					: 0),
	      "refused when an entry is shorter than its head or longer than the table");
	if (err)
		return;
	cpu = bytes == 52 && t[44] == 0 && t[45] == 8 && t[48] % 2 == 1;
	CLAIM(m->cpus == cpu && (!cpu || m->apic_id[0] == t[47]), "the processor");
	CLAIM(m->ioapics == MIN(ioapics, ACPI_IOAPICS_MAX), "as many I/O APICs as there are");
	CLAIM(m->overrides == MIN(overrides, ACPI_OVERRIDES_MAX), "as many overrides as there are");
}

/* 5.2.3.2: a space, 3 bytes that are not looked at, an address; the old field where that is 0. */
static struct acpi_register register_of(const u8 *t, usize extended, usize old)
{
	u64 address = field(t, bytes, extended + 4, 8);

	if (!address)
		return (struct acpi_register){old ? field(t, bytes, old, 4) : 0, true};
	return t[extended] == 0   ? (struct acpi_register){address, false}
	       : t[extended] == 1 ? (struct acpi_register){address, true}
				  : (struct acpi_register){0, false};
}

static bool is_port(u16 port, struct acpi_register r)
{
	return port == (r.io && r.address < 65536 ? r.address : 0);
}

static void fadt(void)
{
	struct acpi_fadt f;
	const u8 *t = malloc(BYTES);
	struct acpi_register reset;
	u64 flags;
	int err;

	bytes = BYTES;
	flags = field(t, bytes, 112, 4);
	err = acpi_parse_fadt(t, bytes, &f);
	REACHABLE(!err && f.reset.address && f.pm_timer_port, "with everything");
	CLAIM(err == acpi_check(t, bytes, "FACP"), "refused when the table is");
	if (err)
		return;
	CLAIM(is_port(f.pm_timer_port, register_of(t, 208, 76)), "the timer's port");
	CLAIM(f.pm_timer_wide == flags / 256 % 2, "the timer's width: bit 8");
	CLAIM(is_port(f.pm1a_control_port, register_of(t, 172, 64)), "the control port");
	CLAIM(f.reset_value == t[128], "the value that resets");
	reset = register_of(t, 116, 0);
	CLAIM(f.reset.address == (flags / 1024 % 2 ? reset.address : 0),
	      "the reset register: bit 10");
	CLAIM(!f.reset.address || f.reset.io == reset.io, "where it is");
}

static void hpet(void)
{
	u64 address = 0;
	const u8 *t = any_table(0);
	int err = acpi_parse_hpet(t, bytes, &address);
	int of_table = acpi_check(t, bytes, "HPET");

	REACHABLE(!err, "one");
	CLAIM(err == (of_table                 ? of_table
		      : field(t, bytes, 44, 8) ? 0
					       : ERR_CORRUPT),
	      "if it has one");
	CLAIM(err || address == field(t, bytes, 44, 8), "the address that it names");
}

static void mcfg(void)
{
	struct acpi_mcfg m;
	const u8 *t = any_table(0);
	u32 index = nondet_u32();
	int err = acpi_parse_mcfg(t, bytes, index, &m);
	int of_table = acpi_check(t, bytes, "MCFG");
	u64 at = 44 + (u64)index * 16;

	REACHABLE(!err && index == 1, "a second entry");
	CLAIM(!of_table || err == of_table, "refused when the table is");
	if (of_table)
		return;
	CLAIM((err == ERR_NODEV) == (at + 16 > bytes), "an entry that is there as a whole");
	if (err == ERR_NODEV)
		return;
	CLAIM(err == (t[at + 10] <= t[at + 11] ? 0 : ERR_CORRUPT), "buses in order");
	CLAIM(err || (m.address == field(t, bytes, at, 8) &&
		      m.segment == field(t, bytes, at + 8, 2) && m.first == t[at + 10] &&
		      m.last == t[at + 11]),
	      "as it says");
}

/* Every other parser of the file on tables of any length, whatever it gives. */
static void short_fadt(void)
{
	struct acpi_fadt f;
	const u8 *t = any_table(0);
	int err = acpi_parse_fadt(t, bytes, &f);

	REACHABLE(!err, "one");
	CLAIM(err || f.reset.address == 0, "no register where the table ends before it");
}

int main(void)
{
	CASE();
	return 0;
}
