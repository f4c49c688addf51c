/*
 * bcm2836.h: the interrupt controllers of the BCM2836 and BCM2837: the ARM-local block (Quad-A7
 * control, QA7 rev. 3.4) with each core's timer and mailboxes, and behind it the BCM2835's
 * controller for devices, which core 0 serves. Interrupt numbers are those of the BCM2835: 0 to
 * 63 (BCM2835 ARM Peripherals 7.5).
 */
#pragma once

#include "base/types.h"

/** Sets `irqchip` and aarch64_irq_dispatch, and prepares this core. @p local: base of the local
 *  block, @p ic: base of the BCM2835 controller. Context: start-up, interrupts masked. */
void bcm2836_init(uptr local, uptr ic);
