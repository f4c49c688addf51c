/*
 * irq.c: from the vector to the interrupt controller's driver.
 */
#include "core/irq.h"
#include "aarch64.h"

void (*aarch64_irq_dispatch)(void);

void aarch64_irq(uptr pc);

/* Called by irq_entry. Nothing that belongs to this CPU may be kept across irq_exit. */
void aarch64_irq(uptr pc)
{
	irq_enter(pc);
	aarch64_irq_dispatch();
	irq_exit();
}
