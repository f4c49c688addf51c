/*
 * bcm2835.h: the device interrupt controller of the BCM2835 (BCM2835 ARM Peripherals, chapter 7).
 * On later SoCs it lies behind the controller of bcm2836.h. Context: interrupt and start-up; no
 * locks: each register write changes only the bits that are set.
 */
#pragma once

#include "base/types.h"

enum { BCM2835_IRQS = 64 };

/** Masks everything. */
void bcm2835_init(uptr base);
void bcm2835_unmask(u32 irq);
void bcm2835_mask(u32 irq);

/** Calls irq_device() for each pending interrupt. */
struct cpu;
void bcm2835_dispatch(struct cpu *c);
