/*
 * irq.c: from the vector to the interrupt controller's driver.
 */
#include "aarch64.h"

void (*aarch64_irq_dispatch)(uptr pc);
