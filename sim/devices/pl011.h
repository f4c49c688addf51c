/*
 * pl011.h: model of the Arm PrimeCell UART PL011 (DDI 0183G, r1p5: FIFOs of 32). What arrives are bytes, each
 * when its stop bit has come; what leaves are bytes. Not here: modem lines, IrDA, DMA requests, errors
 * of framing and parity.
 */
#pragma once

#include "sim/devices/device.h"

#define PL011_CLOCK_HZ 48000000u
#define PL011_FIFO 32

extern const struct device_class pl011_class;
