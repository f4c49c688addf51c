#include "memory.h"
#include "arch/arch.h"
#include "board/board.h"
#include "boot.h"
#include "firmware.h"
#include "lapic.h"
#include "loader.h"
#include "mm/page.h"

#define RANGES_MAX      64
#define LOW_END         0xa0000u /* what follows belongs to the display and the BIOS */
#define ALLOCATOR_BEGIN MIB(1)   /* what lies below is left to the start of CPUs */

struct range_list {
	struct mem_range range[RANGES_MAX];
	unsigned n;
};

static struct range_list ram, mmio, unused;

extern const char kernel_start[], kernel_end[];

static void add(struct range_list *l, u64 base, u64 end)
{
	if (l->n < RANGES_MAX && base < end)
		l->range[l->n++] = (struct mem_range){base, end - base};
}

/* Takes [base, end) out of every range: what is left of each may be two pieces. */
static void subtract(struct range_list *l, u64 base, u64 end)
{
	struct range_list left = {.n = 0};

	for (unsigned i = 0; i < l->n; i++) {
		u64 from = l->range[i].base, to = from + l->range[i].bytes;

		add(&left, from, MIN(to, base));
		add(&left, MAX(from, end), to);
	}
	*l = left;
}

/* Usable RAM in whole pages; where the map contradicts itself, it is not usable. */
static void find_ram(void)
{
	const u64 page = PAGE_BYTES;

	for (unsigned i = 0; i < loader.regions; i++) {
		const struct region *r = &loader.region[i];

		if (r->type == REGION_USABLE)
			add(&ram, ALIGN_UP(r->base, page), ALIGN_DOWN(r->base + r->bytes, page));
	}
	for (unsigned i = 0; i < loader.regions; i++) {
		const struct region *r = &loader.region[i];

		if (r->type != REGION_USABLE)
			subtract(&ram, ALIGN_DOWN(r->base, page),
				 ALIGN_UP(r->base + r->bytes, page));
	}
	subtract(&ram, boot_mapped_bytes, UINT64_MAX);
}

static void find_mmio(void)
{
	const struct acpi_register *reset = &firmware.fadt.reset;

	add(&mmio, lapic_base(), lapic_base() + PAGE_BYTES);
	for (unsigned i = 0; i < firmware.madt.ioapics; i++)
		add(&mmio, firmware.madt.ioapic[i].address,
		    firmware.madt.ioapic[i].address + PAGE_BYTES);
	if (firmware.hpet)
		add(&mmio, firmware.hpet, firmware.hpet + PAGE_BYTES);
	if (reset->address && !reset->io)
		add(&mmio, reset->address, reset->address + 1);
	for (unsigned i = 0; i < firmware.mcfgs; i++) {
		const struct acpi_mcfg *m = &firmware.mcfg[i];

		add(&mmio, m->address + ((u64)m->first << 20),
		    m->address + ((u64)(m->last + 1) << 20));
	}
}

void memory_init(void)
{
	find_ram();
	find_mmio();
	unused = ram;
	subtract(&unused, 0, ALLOCATOR_BEGIN);
	subtract(&unused, (uptr)kernel_start, (uptr)kernel_end);
}

const struct board_memory *board_memory(void)
{
	static struct board_memory m;

	m = (struct board_memory){
		.ram = ram.range,
		.mmio = mmio.range,
		.rams = ram.n,
		.mmios = mmio.n,
		.free = unused.range,
		.frees = unused.n,
	};
	return &m;
}

uptr memory_low_page(void)
{
	uptr best = 0;

	for (unsigned i = 0; i < ram.n; i++) {
		u64 end = MIN(ram.range[i].base + ram.range[i].bytes, LOW_END);

		if (ram.range[i].base + PAGE_BYTES <= end)
			best = MAX(best, end - PAGE_BYTES);
	}
	return best;
}
