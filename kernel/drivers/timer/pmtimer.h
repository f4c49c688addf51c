/*
 * pmtimer.h: the ACPI power management timer, 3.579545 MHz. Source: ACPI 6.5, 4.8.3.3.
 */
#pragma once

#include "drivers/timer/reference.h"

/** Uses the timer at I/O port @p port, of 32 bits when @p wide, else 24. Returns NULL when it
 *  does not count. Once, at start-up. */
const struct reference *pmtimer_init(u16 port, bool wide);
