/*
 * gicv3.h: Arm Generic Interrupt Controller, versions 3 and 4 (IHI 0069), by system registers
 * with affinity routing. Device interrupts go to the CPU that calls gicv3_init. Interrupt numbers
 * are INTIDs; LPIs are not used.
 */
#pragma once

#include "base/types.h"

struct mem_range;

/** As gicv2_init. @p redist: the areas that hold the CPUs' redistributors; copied. */
void gicv3_init(uptr distributor, const struct mem_range *redist, unsigned redists, u32 timer_irq);
