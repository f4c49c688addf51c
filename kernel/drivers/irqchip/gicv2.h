/*
 * gicv2.h: Arm Generic Interrupt Controller, version 2 (IHI 0048B), and GIC-400. Up to 8 CPUs.
 * Device interrupts go to the CPU that calls gicv2_init. Interrupt numbers are INTIDs.
 */
#pragma once

#include "base/types.h"

/** Sets `irqchip` and aarch64_irq_dispatch, and prepares distributor and this CPU's interface.
 *  @p timer_irq: INTID of the CPUs' timer, 16 to 31. Context: start-up, interrupts masked. */
void gicv2_init(uptr distributor, uptr cpu_interface, u32 timer_irq);
