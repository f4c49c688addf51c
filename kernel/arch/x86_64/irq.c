/*
 * irq.c: from a vector to what core does about it.
 */
#include "core/irq.h"
#include "fault.h"
#include "lapic.h"
#include "vectors.h"

void x86_timer(uptr pc)
{
	irq_timer(irq_enter(pc));
	lapic_eoi();
	irq_exit();
}

void x86_interrupt(u64 vector, uptr pc)
{
	struct cpu *c = irq_enter(pc);

	if (vector == VECTOR_HINT)
		irq_hint(c);
	else if (vector - VECTOR_DEVICE < VECTOR_DEVICES)
		irq_device(c, (u32)vector - VECTOR_DEVICE);
	/* Spurious interrupts, of the local APIC and of the old controllers, end by themselves. */
	if (vector >= VECTOR_DEVICE && vector != VECTOR_SPURIOUS)
		lapic_eoi();
	irq_exit();
}
