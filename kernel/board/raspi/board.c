/*
 * board.c: Raspberry Pi 3 (BCM2837) and 4 (BCM2711). Boot data is a device tree from the firmware
 * or an ATAG list from QEMU; what neither tells is asked of the VideoCore, or stands in soc.c.
 */
#include "board/board.h"
#include "aarch64.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/string.h"
#include "board/raspi/raspi.h"
#include "core/boot.h"
#include "core/irq.h"
#include "core/time.h"
#include "drivers/fdt/fdt.h"
#include "drivers/fdt/memory.h"
#include "drivers/irqchip/bcm2836.h"
#include "drivers/irqchip/gicv2.h"
#include "drivers/uart/miniuart.h"
#include "drivers/uart/pl011.h"

enum { CORES = 4, CMDLINE_BYTES = 512, BAUD = 115200, GIC_VIRTUAL_TIMER = 27 };

/* Where the firmware's stub for the parked cores looks for an address: 8 bytes for each core
 * (raspberrypi/tools, armstubs/armstub8.S; Devicetree Specification 3.8.1, "spin-table"). */
#define SPIN_TABLE 0xd8

#define GIB                0x40000000ull
#define FIRMWARE_LOW_BYTES 0x80000 /* stubs, spin table, ATAGs */

/* Offsets from the peripherals' base: BCM2835 ARM Peripherals 6.1, 13.4, 2.1, 7.5, and the
 * power manager as Linux' bcm2835_wdt.c has it. */
enum {
	PM = 0x100000,
	GPIO = 0x200000,
	UART0 = 0x201000,
	AUX = 0x215000,
	INTERRUPTS = 0xb200,
	PM_RSTC = 0x1c,
	PM_RSTS = 0x20,
	PM_WDOG = 0x24,
	GPFSEL1 = 0x04,
	GPFSEL3 = 0x0c,
};
#define PM_PASSWORD         0x5a000000u
#define PM_RSTC_FULL_RESET  0x20u
#define PM_RSTC_CONFIG_MASK 0x30u
#define PM_RSTS_HALT        0x555u /* partition 63: the firmware halts instead of booting */

static const struct soc *soc;
static char cmdline[CMDLINE_BYTES];
static bool semihosting;
static struct board_memory memory;

/* The console: one of two UARTs at the same pins. */
struct console {
	uptr base; /* 0 until it works */
	void (*putc)(uptr base, char c);
	int (*listen)(uptr base, u32 irq);
	u32 irq;
};
static struct console console;

extern const char kernel_start[], kernel_end[];

/* Pins 14 and 15 get function @p alt (GPFSEL codes: ALT0 4, ALT5 2). */
static void uart_pins(u32 alt)
{
	uptr gpio = soc->peripherals + GPIO;
	u32 fsel1 = mmio_read32(gpio + GPFSEL1) & ~(7u << 12 | 7u << 15);
	u32 fsel3 = mmio_read32(gpio + GPFSEL3) & ~(7u << 6 | 7u << 9);

	/* On a Pi 3 the firmware connects the PL011 to the Bluetooth chip, by pins 32 and 33. */
	mmio_write32(gpio + GPFSEL3, fsel3);
	mmio_write32(gpio + GPFSEL1, fsel1 | alt << 12 | alt << 15);
}

static u32 clock_or_zero(enum firmware_clock clock)
{
	u32 hz;

	return firmware_clock_hz(clock, &hz) == 0 ? hz : 0;
}

static void console_init(void)
{
	if (boot_word(BOOT_CONSOLE) == BOOT_CONSOLE_MINIUART) {
		console = (struct console){soc->peripherals + AUX, miniuart_putc, miniuart_listen,
					   soc->aux_irq};
		uart_pins(2);
		miniuart_init(console.base, clock_or_zero(FIRMWARE_CLOCK_CORE), BAUD);
	} else {
		console = (struct console){soc->peripherals + UART0, pl011_putc, pl011_listen,
					   soc->uart_irq};
		uart_pins(4);
		pl011_init(console.base, clock_or_zero(FIRMWARE_CLOCK_UART), BAUD);
	}
}

/* Without a device tree: the first GiB by the mailbox, the rest by the board's revision code,
 * which has 256 MiB << n in bits 22:20 when bit 23 is set (Raspberry Pi documentation,
 * "New-style revision codes"). */
static void firmware_memory(void)
{
	u32 base, bytes, code;

	if (firmware_arm_memory(&base, &bytes) != 0) {
		base = 0;
		bytes = (u32)MIN(soc->low_ram_bytes, MIB(256)); /* the smallest board's */
	}
	ranges_add(&memory.ram, base, bytes, soc->low_ram_bytes);
	if (!soc->high_ram_end || firmware_revision(&code) != 0 || !(code & 1u << 23))
		return;

	u64 total = (u64)MIB(256) << (code >> 20 & 7);

	if (total > GIB)
		ranges_add(&memory.ram, GIB, MIN(total, soc->high_ram_end) - GIB, UINT64_MAX);
}

static void find_memory(const struct fdt *f)
{
	if (f)
		fdt_memory(f, &memory.ram, UINT64_MAX);
	/* The VideoCore's part lies at the end of the first GiB, whatever a tree says. */
	ranges_cut(&memory.ram, soc->low_ram_bytes, GIB - soc->low_ram_bytes);
	ranges_cut(&memory.ram, soc->devices, soc->devices_bytes);
	if (memory.ram.n == 0)
		firmware_memory();
	memory.free = memory.ram;
	if (f)
		fdt_cut_reserved(f, &memory.free);
	ranges_cut(&memory.free, 0, FIRMWARE_LOW_BYTES);
	ranges_cut(&memory.free, (uptr)kernel_start, (uptr)(kernel_end - kernel_start));
	for (unsigned i = 0; i < memory.ram.n; i++)
		aarch64_early_map(memory.ram.r[i].base, memory.ram.r[i].bytes, false);
	ranges_add(&memory.mmio, soc->devices, soc->devices_bytes, UINT64_MAX);
	if (soc->local)
		ranges_add(&memory.mmio, soc->local, soc->local_bytes, UINT64_MAX);
}

/*
 * Lets the parked cores come to aarch64_secondary_entry, where they wait for aarch64_release.
 * Now, because page 0, in which the table lies, is unmapped later.
 */
static void release_cores(void)
{
	volatile u64 *table = (volatile u64 *)(uptr)SPIN_TABLE;

	/* The compiler may take an address in page 0 for a null pointer with an offset. */
	__asm__("" : "+r"(table));
	for (unsigned core = 1; core < CORES; core++)
		table[core] = (uptr)aarch64_secondary_entry;
	aarch64_clean((const void *)(uptr)table, CORES * sizeof *table);
	__asm__ volatile("sev" ::: "memory");
}

void board_early_init(void *boot)
{
	struct fdt f;
	bool tree = fdt_open(&f, boot, FDT_BYTES_MAX) == 0;
	const char *args =
		tree ? fdt_string(&f, fdt_find(&f, "/chosen"), "bootargs") : atags_cmdline(boot);

	soc = soc_this();
	board_name_set(soc->board);
	(void)strlcpy(cmdline, args ? args : "", sizeof cmdline);
	semihosting = boot_given(BOOT_SEMIHOSTING);
	firmware_init(soc->peripherals);
	console_init();
	find_memory(tree ? &f : NULL);
	release_cores();
}

const char *board_cmdline(void)
{
	return cmdline;
}

const struct board_memory *board_memory(void)
{
	return &memory;
}

void board_init(void)
{
	clock_init(SYSREG_READ(cntfrq_el0));
	if (soc->gicd)
		gicv2_init(soc->gicd, soc->gicc, GIC_VIRTUAL_TIMER);
	else
		bcm2836_init(soc->local, soc->peripherals + INTERRUPTS);
	if (console.listen(console.base, console.irq) != 0)
		panic("the console's interrupt is taken");
}

void board_cpu_init(void)
{
	irqchip->cpu_init();
}

unsigned board_cpus(void)
{
	return CORES;
}

int board_cpu_start(unsigned cpu, void *stack_top)
{
	aarch64_release(cpu, cpu, stack_top);
	return 0;
}

void board_putc(char c)
{
	if (console.base)
		console.putc(console.base, c);
}

/* The watchdog's shortest time, and a full reset when it ends. */
static _Noreturn void reset(void)
{
	uptr pm = soc->peripherals + PM;
	u32 rstc = mmio_read32(pm + PM_RSTC) & ~PM_RSTC_CONFIG_MASK;

	mmio_write32(pm + PM_WDOG, PM_PASSWORD | 10);
	mmio_write32(pm + PM_RSTC, PM_PASSWORD | rstc | PM_RSTC_FULL_RESET);
	for (;;)
		__asm__ volatile("msr daifset, #15\n\twfi");
}

void board_exit(int status)
{
	if (semihosting)
		aarch64_semihosting_exit(status);

	uptr rsts = soc->peripherals + PM + PM_RSTS;

	mmio_write32(rsts, PM_PASSWORD | mmio_read32(rsts) | PM_RSTS_HALT);
	reset();
}

void board_reboot(void)
{
	uptr rsts = soc->peripherals + PM + PM_RSTS;

	mmio_write32(rsts, PM_PASSWORD | (mmio_read32(rsts) & ~PM_RSTS_HALT));
	reset();
}
