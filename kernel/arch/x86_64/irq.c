/*
 * irq.c: from a vector to what core does about it.
 */
#include "core/irq.h"
#include "fault.h"
#include "lapic.h"
#include "vectors.h"

void x86_interrupt(u64 vector, uptr pc)
{
	irq_enter(pc);
	if (vector == VECTOR_TIMER)
		irq_timer();
	else if (vector == VECTOR_HINT)
		irq_hint();
	else if (vector - VECTOR_DEVICE < VECTOR_DEVICES)
		irq_device((u32)vector - VECTOR_DEVICE);
	/* Spurious interrupts, of the local APIC and of the old controllers, end by themselves. */
	if (vector >= VECTOR_DEVICE && vector != VECTOR_SPURIOUS)
		lapic_eoi();
	irq_exit();
}
