/*
 * pl011.h: Arm PrimeCell UART PL011 (DDI 0183). One of them is the console; pl011_putc takes no
 * lock: the console's owner does.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/**
 * Turns the UART at @p base on: 8 data bits, no parity, FIFOs. @p clock_hz: its reference clock;
 * 0 leaves the rate as the firmware set it. Context: start-up.
 */
void pl011_init(uptr base, u32 clock_hz, u32 baud);

/** Waits for room and writes one byte. Context: any. */
void pl011_putc(uptr base, char c);

/** Gives received bytes to console_input() from device interrupt @p irq. Context: start-up. */
int pl011_listen(uptr base, u32 irq) MUST_CHECK;
