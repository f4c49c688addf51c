#include "drivers/acpi/tables.h"
#include "base/string.h"

#define RSDP_1_BYTES 20

/* Bytes of a table, with its bounds. Reads outside give 0, so a short table reads as "absent". */
struct view {
	const u8 *bytes;
	usize n;
};

static u64 get(struct view v, usize at, unsigned bytes)
{
	u64 value = 0;

	if (at > v.n || v.n - at < bytes)
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (u64)v.bytes[at + i] << (8 * i);
	return value;
}

static u8 get8(struct view v, usize at)
{
	return (u8)get(v, at, 1);
}

static u16 get16(struct view v, usize at)
{
	return (u16)get(v, at, 2);
}

static u32 get32(struct view v, usize at)
{
	return (u32)get(v, at, 4);
}

static bool adds_up(const u8 *bytes, usize n)
{
	u8 sum = 0;

	for (usize i = 0; i < n; i++)
		sum = (u8)(sum + bytes[i]);
	return sum == 0;
}

int acpi_parse_rsdp(const void *rsdp, usize bytes, struct acpi_root *out)
{
	struct view v = {rsdp, bytes};

	if (bytes < RSDP_1_BYTES || memcmp(rsdp, "RSD PTR ", 8) != 0)
		return ERR_NODEV;
	if (!adds_up(rsdp, RSDP_1_BYTES))
		return ERR_CORRUPT;
	if (get8(v, 15) >= 2 && bytes >= ACPI_RSDP_BYTES && adds_up(rsdp, ACPI_RSDP_BYTES) &&
	    get(v, 24, 8))
		*out = (struct acpi_root){get(v, 24, 8), true};
	else
		*out = (struct acpi_root){get32(v, 16), false};
	return out->address ? 0 : ERR_CORRUPT;
}

int acpi_length(const void *header, u32 *bytes)
{
	*bytes = get32((struct view){header, ACPI_HEADER_BYTES}, 4);
	return *bytes >= ACPI_HEADER_BYTES ? 0 : ERR_CORRUPT;
}

int acpi_check(const void *table, usize bytes, const char *signature)
{
	u32 length;

	if (bytes < ACPI_HEADER_BYTES)
		return ERR_CORRUPT;
	if (memcmp(table, signature, 4) != 0)
		return ERR_NODEV;
	if (acpi_length(table, &length) != 0 || length != bytes || !adds_up(table, bytes))
		return ERR_CORRUPT;
	return 0;
}

u64 acpi_root_entry(const void *table, usize bytes, bool wide, u32 index)
{
	unsigned size = wide ? 8 : 4;

	return get((struct view){table, bytes}, ACPI_HEADER_BYTES + (usize)index * size, size);
}

static void add_cpu(struct acpi_madt *m, u32 id, u32 flags)
{
	if (!(flags & 1)) /* enabled; bit 1, that it could be added later, does not help */
		return;
	for (unsigned i = 0; i < m->cpus; i++) {
		if (m->apic_id[i] == id)
			return;
	}
	if (m->cpus < ACPI_CPUS_MAX)
		m->apic_id[m->cpus++] = id;
}

static void add_ioapic(struct acpi_madt *m, u64 address, u32 first_gsi)
{
	if (m->ioapics < ACPI_IOAPICS_MAX)
		m->ioapic[m->ioapics++] = (struct acpi_ioapic){address, first_gsi};
}

/* Flags: 5.2.12.5; what conforms to the bus is, for ISA, an edge and active high. */
static void add_override(struct acpi_madt *m, u8 isa, u32 gsi, u16 flags)
{
	if (m->overrides < ACPI_OVERRIDES_MAX)
		m->override[m->overrides++] = (struct acpi_override){
			.isa = isa,
			.level = (flags >> 2 & 3) == 3,
			.low = (flags & 3) == 3,
			.gsi = gsi,
		};
}

static void madt_entry(struct view e, struct acpi_madt *m)
{
	enum { LOCAL_APIC = 0, IO_APIC = 1, OVERRIDE = 2, LOCAL_X2APIC = 9 };

	switch (get8(e, 0)) {
	case LOCAL_APIC:
		add_cpu(m, get8(e, 3), get32(e, 4));
		break;
	case IO_APIC:
		add_ioapic(m, get32(e, 4), get32(e, 8));
		break;
	case OVERRIDE:
		add_override(m, get8(e, 3), get32(e, 4), get16(e, 8));
		break;
	case LOCAL_X2APIC:
		add_cpu(m, get32(e, 4), get32(e, 8));
		break;
	}
}

int acpi_parse_madt(const void *table, usize bytes, struct acpi_madt *out)
{
	struct view v = {table, bytes};
	int err = acpi_check(table, bytes, "APIC");

	if (err)
		return err;
	*out = (struct acpi_madt){0};
	for (usize at = 44; at + 2 <= bytes;) {
		u8 length = get8(v, at + 1);

		if (length < 2 || length > bytes - at)
			return ERR_CORRUPT;
		madt_entry((struct view){v.bytes + at, length}, out);
		at += length;
	}
	return 0;
}

/* The extended field where it is set, else the old one of 32 bits. */
static struct acpi_register fadt_register(struct view v, usize extended, usize old)
{
	enum { IN_MEMORY = 0, AT_PORT = 1 };
	u8 space = get8(v, extended);
	u64 address = get(v, extended + 4, 8);

	if (address)
		return (struct acpi_register){space <= AT_PORT ? address : 0, space == AT_PORT};
	return (struct acpi_register){old ? get32(v, old) : 0, true};
}

static u16 port_of(struct acpi_register r)
{
	return r.io && r.address <= UINT16_MAX ? (u16)r.address : 0;
}

int acpi_parse_fadt(const void *table, usize bytes, struct acpi_fadt *out)
{
	struct view v = {table, bytes};
	int err = acpi_check(table, bytes, "FACP");
	u32 flags = get32(v, 112);
	enum { TIMER_IS_WIDE = 1 << 8, HAS_RESET = 1 << 10 };

	if (err)
		return err;
	*out = (struct acpi_fadt){
		.pm_timer_port = port_of(fadt_register(v, 208, 76)),
		.pm_timer_wide = flags & TIMER_IS_WIDE,
		.pm1a_control_port = port_of(fadt_register(v, 172, 64)),
		.reset_value = get8(v, 128),
	};
	if (flags & HAS_RESET)
		out->reset = fadt_register(v, 116, 0);
	return 0;
}

int acpi_parse_hpet(const void *table, usize bytes, u64 *address)
{
	int err = acpi_check(table, bytes, "HPET");

	if (err)
		return err;
	*address = get((struct view){table, bytes}, 44, 8);
	return *address ? 0 : ERR_CORRUPT;
}

int acpi_parse_mcfg(const void *table, usize bytes, u32 index, struct acpi_mcfg *out)
{
	struct view v = {table, bytes};
	usize at = 44 + (usize)index * 16;
	int err = acpi_check(table, bytes, "MCFG");

	if (err)
		return err;
	if (at > bytes || bytes - at < 16)
		return ERR_NODEV;
	*out = (struct acpi_mcfg){get(v, at, 8), get16(v, at + 8), get8(v, at + 10),
				  get8(v, at + 11)};
	return out->first <= out->last ? 0 : ERR_CORRUPT;
}
