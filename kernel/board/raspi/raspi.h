/*
 * raspi.h: what the files of this board share. Context: start-up, boot CPU.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

struct ranges;

/* One system-on-chip. Addresses as the CPUs see them. */
struct soc {
	const char *board;          /* as board_name has it */
	u32 midr_part;              /* PartNum of MIDR_EL1 */
	u64 peripherals;            /* what the manuals call 0x7e000000 */
	u64 devices, devices_bytes; /* all registers, to be mapped */
	u64 local, local_bytes;     /* the ARM-local block, 0 where it lies among the devices */
	u64 gicd, gicc;             /* 0: the BCM2836's controller instead */
	u64 low_ram_bytes;          /* RAM from 0 that the VideoCore leaves at most */
	u64 high_ram_end;           /* where RAM behind the first GiB ends at most */
	u32 uart_irq, aux_irq;
};

/** The one that this CPU belongs to. Works without MMU. */
const struct soc *soc_this(void);

/** Sets board_name, which board.h shows to everybody as a constant. */
void board_name_set(const char *name);

/*
 * The VideoCore's firmware, by the property mailbox.
 */

/** Makes the mailbox known. */
void firmware_init(uptr peripherals);

/** ARM's part of the first GiB. Errors: ERR_TIMEOUT, ERR_NOTSUP. */
int firmware_arm_memory(u32 *base, u32 *bytes) MUST_CHECK;
/** The board's revision code, which tells its RAM. */
int firmware_revision(u32 *code) MUST_CHECK;
enum firmware_clock { FIRMWARE_CLOCK_UART = 2, FIRMWARE_CLOCK_CORE = 4 };
int firmware_clock_hz(enum firmware_clock clock, u32 *hz) MUST_CHECK;

/*
 * ATAGs: what a loader without a device tree leaves in low memory.
 */

/** The command line in the list at @p list; "" when there is none or it is no list. */
const char *atags_cmdline(const void *list);
