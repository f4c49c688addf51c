/*
 * board.c: QEMU's `virt` machine for AArch64. All that differs from one instance to another comes
 * from the device tree; the fixed part is the memory map of QEMU's hw/arm/virt.c: devices below
 * 1 GiB, RAM from there on.
 */
#include "board/board.h"
#include "aarch64.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/string.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/time.h"
#include "drivers/fdt/fdt.h"
#include "drivers/fdt/memory.h"
#include "drivers/irqchip/gicv2.h"
#include "drivers/irqchip/gicv3.h"
#include "drivers/psci/psci.h"
#include "drivers/uart/pl011.h"
#include "regs.h"

#define RAM_BASE      0x40000000ull
#define DEVICES_BASE  0x08000000ull /* below lie the flash chips */
#define ADDRESS_TOP   (1ull << VA_BITS)
#define CMDLINE_BYTES 512
#define BAUD          115200

const char board_name[] = "virt";

static char cmdline[CMDLINE_BYTES];
static bool semihosting;
static struct board_memory memory;

static u64 mpidrs[CPUS_MAX]; /* by CPU number */
static unsigned cpus_found;

static uptr uart;
static u32 uart_irq;

static struct {
	bool v3;
	u64 distributor, cpu_interface;
	struct mem_range redist[RANGES_MAX];
	unsigned redists;
	u32 timer_irq;
} gic;

extern const char kernel_start[], kernel_end[];

void aarch64_board_early_map(void)
{
	aarch64_early_map(DEVICES_BASE, RAM_BASE - DEVICES_BASE, true);
	aarch64_early_map(RAM_BASE, 1ull << 30, false);
}

/* The binding of the GIC (Linux: interrupt-controller/arm,gic.yaml): kind, number, flags. */
static bool interrupt(const struct fdt *f, int node, unsigned index, u32 *intid)
{
	u32 kind, number;

	if (!fdt_cell(f, node, "interrupts", 3 * index, &kind) ||
	    !fdt_cell(f, node, "interrupts", 3 * index + 1, &number))
		return false;
	*intid = number + (kind == 1 ? 16 : 32);
	return true;
}

static void find_uart(const struct fdt *f)
{
	int node = fdt_find_compatible(f, FDT_NONE, "arm,pl011");
	u64 base, bytes;

	if (node == FDT_NONE || !fdt_reg(f, node, 0, &base, &bytes))
		return;
	uart = base;
	if (!interrupt(f, node, 0, &uart_irq))
		uart_irq = 0;
	pl011_init(uart, 0, BAUD);
}

static void find_memory(const struct fdt *f)
{
	fdt_memory(f, &memory.ram, ADDRESS_TOP);
	ASSERT(memory.ram.n > 0);
	memory.free = memory.ram;
	fdt_cut_reserved(f, &memory.free);
	ranges_cut(&memory.free, (uptr)kernel_start, (uptr)(kernel_end - kernel_start));
	for (unsigned i = 0; i < memory.ram.n; i++)
		aarch64_early_map(memory.ram.r[i].base, memory.ram.r[i].bytes, false);

	int pcie = fdt_find_compatible(f, FDT_NONE, "pci-host-ecam-generic");
	u64 base, bytes;

	ranges_add(&memory.mmio, DEVICES_BASE, RAM_BASE - DEVICES_BASE, ADDRESS_TOP);
	if (pcie != FDT_NONE && fdt_reg(f, pcie, 0, &base, &bytes) && base > RAM_BASE)
		ranges_add(&memory.mmio, base, bytes, ADDRESS_TOP);
}

/* CPU 0 is the one that boots, the others follow in the tree's order. */
static void find_cpus(const struct fdt *f)
{
	int parent = fdt_find(f, "/cpus");
	u64 mpidr, none;

	mpidrs[0] = aarch64_mpidr();
	cpus_found = 1;
	if (parent == FDT_NONE)
		return;
	for (int n = fdt_child(f, parent, FDT_NONE); n != FDT_NONE; n = fdt_child(f, parent, n)) {
		const char *type = fdt_string(f, n, "device_type");

		if (!type || strcmp(type, "cpu") != 0 || !fdt_reg(f, n, 0, &mpidr, &none))
			continue;
		if (mpidr != mpidrs[0] && cpus_found < CPUS_MAX)
			mpidrs[cpus_found++] = mpidr;
	}
}

static void find_gic(const struct fdt *f)
{
	int timer = fdt_find_compatible(f, FDT_NONE, "arm,armv8-timer");
	int node = fdt_find_compatible(f, FDT_NONE, "arm,gic-v3");
	u64 bytes;

	gic.v3 = node != FDT_NONE;
	if (!gic.v3)
		node = fdt_find_compatible(f, FDT_NONE, "arm,cortex-a15-gic");
	if (node == FDT_NONE || !fdt_reg(f, node, 0, &gic.distributor, &bytes) ||
	    !fdt_reg(f, node, 1, &gic.cpu_interface, &bytes))
		panic("the device tree has no GIC that this kernel knows");

	u32 areas = 1;

	(void)fdt_cell(f, node, "#redistributor-regions", 0, &areas);
	for (u32 i = 0; i < MIN(areas, (u32)RANGES_MAX); i++) {
		struct mem_range *r = &gic.redist[gic.redists];

		if (fdt_reg(f, node, 1 + i, &r->base, &r->bytes) && r->base < ADDRESS_TOP)
			gic.redists++;
		if (gic.v3 && r->base > RAM_BASE)
			ranges_add(&memory.mmio, r->base, r->bytes, ADDRESS_TOP);
	}
	/* The binding's order: secure, physical, virtual, hypervisor timer. */
	if (timer == FDT_NONE || !interrupt(f, timer, 2, &gic.timer_irq))
		panic("the device tree has no virtual timer");
}

static void find_firmware(const struct fdt *f)
{
	const char *args = fdt_string(f, fdt_find(f, "/chosen"), "bootargs");
	const char *method = fdt_string(f, fdt_find(f, "/psci"), "method");

	(void)strlcpy(cmdline, args ? args : "", sizeof cmdline);
	semihosting = boot_given(BOOT_SEMIHOSTING);
	/* Without PSCI the kernel runs on the CPU it has, and cannot switch off. */
	if (!method || psci_init(method) != 0)
		cpus_found = 1;
}

void board_early_init(void *boot)
{
	struct fdt f;
	/* QEMU starts an ELF file without arguments and leaves the tree where RAM begins. */
	int err = fdt_open(&f, boot ? boot : (void *)RAM_BASE, FDT_BYTES_MAX);

	if (err)
		panic("no device tree at %p: %s", boot, err_name(err));
	find_cpus(&f);
	find_firmware(&f); /* how to leave comes before all that may fail */
	find_uart(&f);
	find_memory(&f);
	find_gic(&f);
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
	if (gic.v3)
		gicv3_init(gic.distributor, gic.redist, gic.redists, gic.timer_irq);
	else
		gicv2_init(gic.distributor, gic.cpu_interface, gic.timer_irq);
	if (uart && uart_irq && pl011_listen(uart, uart_irq) != 0)
		panic("the console's interrupt is taken");
}

void board_cpu_init(void)
{
	irqchip->cpu_init();
}

unsigned board_cpus(void)
{
	return cpus_found;
}

int board_cpu_start(unsigned cpu, void *stack_top)
{
	aarch64_release(cpu, mpidrs[cpu], stack_top);
	return psci_cpu_on(mpidrs[cpu], (uptr)aarch64_secondary_entry);
}

void board_putc(char c)
{
	if (uart)
		pl011_putc(uart, c);
}

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15\n\twfi");
}

void board_exit(int status)
{
	if (semihosting)
		aarch64_semihosting_exit(status);
	psci_off();
	halt();
}

void board_reboot(void)
{
	psci_reset();
	halt();
}
