#include "memory.h"
#include "arch/arch.h"
#include "board/board.h"
#include "boot.h"
#include "firmware.h"
#include "lapic.h"
#include "loader.h"
#include "mm/page.h"

#define LOW_END         0xa0000u /* what follows belongs to the display and the BIOS */
#define ALLOCATOR_BEGIN MIB(1)   /* what lies below is left to the start of CPUs */

static struct board_memory memory;

extern const char kernel_start[], kernel_end[];

/* Usable RAM in whole pages; where the map contradicts itself, it is not usable. */
static void find_ram(void)
{
	const u64 page = PAGE_BYTES;

	for (unsigned i = 0; i < loader.regions; i++) {
		const struct region *r = &loader.region[i];
		u64 begin = ALIGN_UP(r->base, page), end = ALIGN_DOWN(r->base + r->bytes, page);

		if (r->type == REGION_USABLE && begin < end)
			ranges_add(&memory.ram, begin, end - begin, boot_mapped_bytes);
	}
	for (unsigned i = 0; i < loader.regions; i++) {
		const struct region *r = &loader.region[i];
		u64 begin = ALIGN_DOWN(r->base, page);

		if (r->type != REGION_USABLE)
			ranges_cut(&memory.ram, begin, ALIGN_UP(r->base + r->bytes, page) - begin);
	}
}

static void add_registers(u64 base, u64 bytes)
{
	ranges_add(&memory.mmio, base, bytes, UINT64_MAX);
}

static void find_mmio(void)
{
	const struct acpi_register *reset = &firmware.fadt.reset;

	add_registers(lapic_base(), PAGE_BYTES);
	for (unsigned i = 0; i < firmware.madt.ioapics; i++)
		add_registers(firmware.madt.ioapic[i].address, PAGE_BYTES);
	if (firmware.hpet)
		add_registers(firmware.hpet, PAGE_BYTES);
	if (reset->address && !reset->io)
		add_registers(reset->address, 1);
	for (unsigned i = 0; i < firmware.mcfgs; i++) {
		const struct acpi_mcfg *m = &firmware.mcfg[i];

		if (m->first <= m->last)
			add_registers(m->address + ((u64)m->first << 20),
				      (u64)(m->last + 1 - m->first) << 20);
	}
}

void memory_init(void)
{
	find_ram();
	find_mmio();
	memory.free = memory.ram;
	ranges_cut(&memory.free, 0, ALLOCATOR_BEGIN);
	ranges_cut(&memory.free, (uptr)kernel_start, (uptr)(kernel_end - kernel_start));
}

const struct board_memory *board_memory(void)
{
	return &memory;
}

uptr memory_low_page(void)
{
	uptr best = 0;

	for (unsigned i = 0; i < memory.ram.n; i++) {
		u64 end = MIN(memory.ram.r[i].base + memory.ram.r[i].bytes, LOW_END);

		if (memory.ram.r[i].base + PAGE_BYTES <= end)
			best = MAX(best, end - PAGE_BYTES);
	}
	return best;
}
