#include "firmware.h"
#include "arch/arch.h"
#include "loader.h"

#define TABLE_BYTES_MAX MIB(1)
#define TABLES_MAX      256

struct firmware firmware;

/* Length of the table at address when it can be read, else 0. */
static u32 table_bytes(u64 address)
{
	u32 bytes;

	if (!loader_readable(address, ACPI_HEADER_BYTES) ||
	    acpi_length((const void *)address, &bytes) != 0 || bytes > TABLE_BYTES_MAX ||
	    !loader_readable(address, bytes))
		return 0;
	return bytes;
}

/* Offers a table to every parser; each takes only its own. */
static void read_table(const void *table, usize bytes)
{
	struct acpi_madt madt;
	struct acpi_fadt fadt;
	u64 hpet;

	if (acpi_parse_madt(table, bytes, &madt) == 0)
		firmware.madt = madt;
	if (acpi_parse_fadt(table, bytes, &fadt) == 0)
		firmware.fadt = fadt;
	if (acpi_parse_hpet(table, bytes, &hpet) == 0)
		firmware.hpet = hpet;
	while (firmware.mcfgs < MCFG_MAX &&
	       acpi_parse_mcfg(table, bytes, firmware.mcfgs, &firmware.mcfg[firmware.mcfgs]) == 0)
		firmware.mcfgs++;
}

/* Looks on 16-byte boundaries, as ACPI 6.5, 5.2.5.1 says. */
static bool scan(u64 base, u64 bytes, struct acpi_root *root)
{
	for (u64 at = base; at + ACPI_RSDP_BYTES <= base + bytes; at += 16) {
		if (acpi_parse_rsdp((const void *)at, ACPI_RSDP_BYTES, root) == 0)
			return true;
	}
	return false;
}

static bool find_root(struct acpi_root *root)
{
	/* The BIOS data area tells the segment of the extended one. */
	u64 ebda = (u64)mmio_read16(0x40e) << 4;

	if (loader.rsdp && loader_readable(loader.rsdp, ACPI_RSDP_BYTES) &&
	    acpi_parse_rsdp((const void *)loader.rsdp, ACPI_RSDP_BYTES, root) == 0)
		return true;
	*root = loader.acpi_root;
	return root->address || (ebda >= 0x80000 && ebda < 0xa0000 && scan(ebda, 1024, root)) ||
	       scan(0xe0000, 0x20000, root);
}

void firmware_read(void)
{
	struct acpi_root root;
	const void *list;
	u32 bytes;
	u64 address;

	if (!find_root(&root))
		return;
	bytes = table_bytes(root.address);
	list = (const void *)root.address;
	if (!bytes || acpi_check(list, bytes, root.wide ? "XSDT" : "RSDT") != 0)
		return;
	for (u32 i = 0; i < TABLES_MAX; i++) {
		address = acpi_root_entry(list, bytes, root.wide, i);
		if (!address)
			return;

		u32 length = table_bytes(address);

		if (length)
			read_table((const void *)address, length);
	}
}
