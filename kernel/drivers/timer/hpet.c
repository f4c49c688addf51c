#include "drivers/timer/hpet.h"
#include "arch/arch.h"

/* Sections 2.3.4, 2.3.5 and 2.3.7. */
#define REG_CAPABILITIES  0x00
#define REG_CONFIGURATION 0x10
#define REG_COUNTER       0xf0

#define CONFIGURATION_ENABLE 1u
#define PERIOD_FS_MAX        100000000u
#define FS_PER_S             1000000000000000ull

static uptr hpet_base;

static u32 read_counter(void)
{
	return mmio_read32(hpet_base + REG_COUNTER);
}

static struct reference hpet = {.name = "hpet", .mask = UINT32_MAX, .read = read_counter};

const struct reference *hpet_init(u64 base)
{
	u32 period_fs = mmio_read32(base + REG_CAPABILITIES + 4);

	if (!period_fs || period_fs > PERIOD_FS_MAX)
		return NULL;
	hpet_base = base;
	hpet.hz = FS_PER_S / period_fs;
	mmio_write32(base + REG_CONFIGURATION,
		     mmio_read32(base + REG_CONFIGURATION) | CONFIGURATION_ENABLE);
	return reference_moves(&hpet) ? &hpet : NULL;
}
