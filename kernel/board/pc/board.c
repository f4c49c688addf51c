/*
 * board.c: a PC with ACPI: QEMU's q35 and real ones.
 */
#include "board/board.h"
#include "arch/arch.h"
#include "calibrate.h"
#include "core/irq.h"
#include "core/log.h"
#include "drivers/irqchip/apic.h"
#include "drivers/irqchip/ioapic.h"
#include "drivers/uart/uart16550.h"
#include "firmware.h"
#include "lapic.h"
#include "loader.h"
#include "memory.h"
#include "smp.h"
#include "trace/trace.h"
#include "x86.h"

#define COM1_PORT            0x3f8 /* where PCs have it, with ISA interrupt 4 */
#define COM1_ISA_IRQ         4
#define QEMU_DEBUG_EXIT_PORT 0x501 /* as tools/run gives it to isa-debug-exit */
#define KEYBOARD_PORT        0x64  /* Intel 8042: command 0xfe pulses the reset line */
#define KEYBOARD_INPUT_FULL  0x02
#define KEYBOARD_RESET       0xfe
#define KEYBOARD_SPINS       100000

/* ACPI 6.5, 4.8.3.2: SLP_EN; QEMU's type for S5 is 0 (its DSDT says so, which we do not read). */
#define PM1_SLEEP_S5_QEMU      0x2000
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

const char board_name[] = "pc";

void board_early_init(void *boot)
{
	uart16550_init(COM1_PORT);
	loader_read(boot);
	firmware_read();
	lapic_init();
	memory_init();
}

const char *board_cmdline(void)
{
	return loader.cmdline;
}

void board_putc(char c)
{
	uart16550_putc(c);
}

/* The global number of an ISA interrupt: the same, unless the tables say otherwise. */
static u32 isa_gsi(u8 isa)
{
	for (unsigned i = 0; i < firmware.madt.overrides; i++) {
		if (firmware.madt.override[i].isa == isa)
			return firmware.madt.override[i].gsi;
	}
	return isa;
}

static void ioapics_init(void)
{
	const struct acpi_madt *m = &firmware.madt;

	for (unsigned i = 0; i < m->ioapics; i++)
		ioapic_add(m->ioapic[i].address, m->ioapic[i].first_gsi, lapic_id());
	for (unsigned i = 0; i < m->overrides; i++)
		ioapic_set_mode(m->override[i].gsi, m->override[i].level, m->override[i].low);
}

static void console_init(void)
{
	u32 gsi = isa_gsi(COM1_ISA_IRQ);
	int err = ioapic_has(gsi) ? uart16550_receive(gsi) : ERR_NODEV;

	if (err)
		klog("console: no input: %s", err_name(err));
}

void board_init(void)
{
	pic_disable();
	irqchip = &apic;
	irqchip->cpu_init();
	smp_init();
	ioapics_init();
	calibrate();
	console_init();
}

void board_cpu_init(void)
{
	irqchip->cpu_init();
}

/* On a real machine nobody listens at QEMU's ports, and something else might. */
void board_exit(int status)
{
	arch_irq_disable();
	/* QEMU stops some time after it was told to, when its host's threads say. What the CPUs do until
	 * then would differ from run to run, and is no part of the run. */
	trace_set_level(TRACE_OFF);
	if (cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR) {
		outb(QEMU_DEBUG_EXIT_PORT, (u8)status);
		if (firmware.fadt.pm1a_control_port)
			outw(firmware.fadt.pm1a_control_port, PM1_SLEEP_S5_QEMU);
	}
	halt();
}

void board_reboot(void)
{
	const struct acpi_register *reset = &firmware.fadt.reset;

	arch_irq_disable();
	if (reset->address && reset->io)
		outb((u16)reset->address, firmware.fadt.reset_value);
	else if (reset->address)
		mmio_write8(reset->address, firmware.fadt.reset_value);
	for (unsigned n = KEYBOARD_SPINS; n && inb(KEYBOARD_PORT) & KEYBOARD_INPUT_FULL; n--)
		arch_relax();
	outb(KEYBOARD_PORT, KEYBOARD_RESET);
	halt();
}
