/*
 * hpet.h: the High Precision Event Timer's counter. Source: Intel IA-PC HPET specification 1.0a.
 */
#pragma once

#include "drivers/timer/reference.h"

/** Starts the counter of the HPET whose registers are at @p base. Returns NULL when it does not
 *  work. Once, at start-up; the registers must be mapped. */
const struct reference *hpet_init(u64 base);
