/*
 * entry.c: where the simulator enters the kernel: CPUs that start, interrupts, faults.
 */
#include "base/printf.h"
#include "base/string.h"
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

/* What the simulator says, and what it is. */
static u8 kind_of(const char *what)
{
	static const struct {
		const char *what;
		u8 kind;
	} kinds[] = {
		{"division by zero", TRACE_fault_kind_division},
		{"illegal instruction", TRACE_fault_kind_instruction},
		{"stack overflow", TRACE_fault_kind_stack},
	};

	for (usize i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].what, what))
			return kinds[i].kind;
	return TRACE_fault_kind_access;
}

void sim_entry_fault(const struct sim_fault *f)
{
	char text[FAULT_TEXT_BYTES];

	ksnprintf(text, sizeof text, "%s at %p%s, pc %p", f->what, (void *)f->at,
		  f->at < SIM_PAGE_BYTES ? " (null pointer)" : "", (void *)f->pc);
	if (fault_of_task(f->irqs))
		fault_end_task(&(struct fault){.kind = kind_of(f->what),
					       .pc = f->pc,
					       .fp = f->fp,
					       .address = f->at == f->pc ? 0 : f->at,
					       .text = text});
	panic("%s", text);
}
