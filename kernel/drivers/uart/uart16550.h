/*
 * uart16550.h: the PC's serial port as the console. Source: National Semiconductor PC16550D data
 * sheet, 8 (registers).
 */
#pragma once

#include "base/types.h"

/** Sets the port at @p port to 115200 baud, 8 data bits, no parity, FIFOs on, interrupts off.
 *  Where there is no such device nothing is sent later. Start-up. */
void uart16550_init(u16 port);

/** Sends one byte, polling. Any context, no lock. */
void uart16550_putc(char c);

/** Registers device interrupt @p irq, which hands received bytes to console_input(). Start-up,
 *  after uart16550_init. Errors: as irq_register; ERR_NODEV. */
int uart16550_receive(u32 irq) MUST_CHECK;
