/*
 * miniuart.h: the auxiliary UART of the Broadcom SoCs (BCM2835 ARM Peripherals, chapter 2). Its
 * rate follows the core clock. Same contract as pl011.h; @p aux is the base of the AUX block,
 * whose one interrupt the UART shares with two SPI masters that stay off.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

void miniuart_init(uptr aux, u32 core_hz, u32 baud);
void miniuart_putc(uptr aux, char c);
int miniuart_listen(uptr aux, u32 irq) MUST_CHECK;
