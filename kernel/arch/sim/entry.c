/*
 * entry.c: where the simulator enters the kernel: CPUs that start, interrupts, faults.
 */
#include "base/printf.h"
#include "core/irq.h"
#include "core/panic.h"
#include "core/start.h"
#include "sim/port.h"

void sim_entry_boot(const struct sim_boot *boot)
{
	kernel_main((void *)(uptr)boot);
}

void sim_entry_cpu(unsigned cpu)
{
	cpu_start_secondary(cpu);
}

void sim_entry_irq(enum sim_irq irq, uptr pc)
{
	struct cpu *c = irq_enter(pc);

	if (irq == SIM_IRQ_TIMER)
		irq_timer(c);
	else if (irq == SIM_IRQ_HINT)
		irq_hint(c);
	else
		irq_device(c, irq);
	irq_exit();
}

void sim_entry_fault(const char *what, uptr at, uptr pc, bool irqs)
{
	char text[FAULT_TEXT_BYTES];

	if (at == pc)
		ksnprintf(text, sizeof text, "%s, pc %p", what, (void *)pc);
	else
		ksnprintf(text, sizeof text, "%s at %p, pc %p", what, (void *)at, (void *)pc);
	panic_contain(&(struct fault){.what = text,
				      .fp = (uptr)__builtin_frame_address(0),
				      .address = at == pc ? 0 : at,
				      .irqs = irqs});
	panic("%s", text);
}
