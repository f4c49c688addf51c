/*
 * board.c: the simulated machine: RAM and CPUs as the simulator's command line has them, an
 * interrupt controller and a console that the simulator models above the level of registers.
 */
#include "board/board.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "core/console.h"
#include "core/irq.h"
#include "core/time.h"
#include "trace/trace.h"

const char board_name[] = "sim";

static const struct sim_boot *machine;
static struct board_memory memory;

void board_early_init(void *boot)
{
	machine = boot;
	ranges_add(&memory.ram, machine->ram_base, machine->ram_bytes, UINT64_MAX);
	memory.free = memory.ram;
}

const char *board_cmdline(void)
{
	return machine->cmdline;
}

const struct board_memory *board_memory(void)
{
	return &memory;
}

unsigned board_cpus(void)
{
	return machine->cpus;
}

int board_cpu_start(unsigned cpu, void *stack_top)
{
	return sim_cpu_start(cpu, stack_top) == 0 ? 0 : ERR_NODEV;
}

/* The virtual interrupt controller needs no setting up on any CPU. */
static void irqchip_cpu_init(void)
{
}

static void irqchip_mask(u32 irq)
{
	sim_irq_mask(irq, true);
}

static void irqchip_unmask(u32 irq)
{
	sim_irq_mask(irq, false);
}

static const struct irqchip sim_irqchip = {
	.name = "virtual",
	.cpu_init = irqchip_cpu_init,
	.send_hint = sim_hint,
	.unmask = irqchip_unmask,
	.mask = irqchip_mask,
};

static void console_interrupt(void *arg)
{
	char bytes[64];
	usize n;

	(void)arg;
	while ((n = sim_console_read(bytes, sizeof bytes)) > 0)
		console_input(bytes, n);
}

void board_init(void)
{
	int err;

	irqchip = &sim_irqchip;
	clock_init(NS_PER_S);
	trace_descriptor.seed = machine->seed;
	err = irq_register(SIM_IRQ_CONSOLE, "console", console_interrupt, NULL);
	if (err)
		panic("console: %s", err_name(err));
}

void board_cpu_init(void)
{
}

void board_putc(char c)
{
	sim_console_write(c);
}

void board_exit(int status)
{
	sim_exit(status);
}

/* A reset would begin the same execution again: one run is one boot. */
void board_reboot(void)
{
	sim_exit(0);
}
