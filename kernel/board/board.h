/*
 * board.h: what every board provides; kernel/board/<board>/ fulfils it and the build picks the
 * folder by path. A board knows which devices exist and where (ACPI tables, a device tree, a
 * table of its own) and hands them to drivers; it holds no driver code.
 *
 * Order of calls, all on the boot CPU with interrupts masked: board_early_init, board_memory,
 * board_init. Then core/start.c starts the other CPUs with board_cpu_start.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"
#include "mm/ranges.h"

extern const char board_name[]; /* "pc", "virt", "raspi3", ... as the trace and `make` name it */

/**
 * Finds the console, the command line, RAM and CPUs in what the boot loader left at @p boot
 * (the meaning is between the board and its architecture's entry code). No allocation.
 */
void board_early_init(void *boot);

/** Ends the line of text handed over at boot; "" when there was none. Never NULL. */
const char *board_cmdline(void);

/** What lies where; the board's own, constant after early init. */
struct board_memory {
	struct ranges ram, mmio; /* to map: all RAM, image and tables included; device registers */
	struct ranges free;      /* RAM without the kernel's image and the firmware's areas */
};
const struct board_memory *board_memory(void);

/** Sets up the interrupt controller, clock_hz and the console's interrupt. Heap is ready. */
void board_init(void);

/** The same for the part that each secondary CPU has of its own. On that CPU. */
void board_cpu_init(void);

/** CPUs present and usable, 1 to CPUS_MAX; CPU 0 is the one that boots. After early init. */
unsigned board_cpus(void);

/**
 * Starts CPU @p cpu (1 to board_cpus()-1) so that it enters cpu_start_secondary() of
 * core/start.h on @p stack_top. Returns 0 or an error; does not wait.
 */
int board_cpu_start(unsigned cpu, void *stack_top) MUST_CHECK;

/** Writes one byte on the console, polling; any context, no lock. '\n' is sent as is. */
void board_putc(char c);

/** Leaves with @p status (0 to 127): to the shell under QEMU and on the simulator; a machine
 *  that cannot tell it to anybody powers off or halts. */
_Noreturn void board_exit(int status);

/** Resets the machine; one that cannot halts. */
_Noreturn void board_reboot(void);
