/*
 * soc.c: where things are. Sources: BCM2835 ARM Peripherals 1.2.3; QA7 rev. 3.4; BCM2711 ARM
 * Peripherals 1.2 and 6.3 (the VideoCore's interrupt n is INTID 96 + n there).
 */
#include "aarch64.h"
#include "base/panic.h"
#include "board/raspi/raspi.h"

/* PartNum: Cortex-A53 r0p4 TRM 4.3.1, Cortex-A72 r0p3 TRM 4.3.1. */
#define PART_CORTEX_A53 0xd03
#define PART_CORTEX_A72 0xd08

static const struct soc socs[] = {
	{
		.board = "raspi3",
		.midr_part = PART_CORTEX_A53,
		.peripherals = 0x3f000000,
		.devices = 0x3f000000,
		.devices_bytes = 0x01000000,
		.local = 0x40000000,
		.local_bytes = 0x1000,
		.low_ram_bytes = 0x3c000000,
		.uart_irq = 57,
		.aux_irq = 29,
	},
	{
		.board = "raspi4",
		.midr_part = PART_CORTEX_A72,
		.peripherals = 0xfe000000,
		.devices = 0xfc000000,
		.devices_bytes = 0x04000000,
		.gicd = 0xff841000,
		.gicc = 0xff842000,
		.low_ram_bytes = 0x3b400000,
		.high_ram_end = 0xfc000000,
		.uart_irq = 96 + 57,
		.aux_irq = 96 + 29,
	},
};

const struct soc *soc_this(void)
{
	u32 part = (SYSREG_READ(midr_el1) >> 4) & 0xfff;

	for (usize i = 0; i < ARRAY_LEN(socs); i++)
		if (socs[i].midr_part == part)
			return &socs[i];
	return &socs[0];
}

void aarch64_board_early_map(void)
{
	const struct soc *soc = soc_this();

	aarch64_early_map(0, soc->low_ram_bytes, false);
	aarch64_early_map(soc->devices, soc->devices_bytes, true);
	if (soc->local)
		aarch64_early_map(soc->local, soc->local_bytes, true);
}
