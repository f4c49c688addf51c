/*
 * hpet.h: model of the High Precision Event Timer (Intel, IA-PC HPET specification 1.0a): a counter of 64 bits
 * and three comparators, periodic ones if asked. All three share one interrupt, as if
 * routed to the same input. Not here: the legacy replacement route and messages on the bus, which the
 * capabilities do not announce.
 */
#pragma once

#include "sim/devices/device.h"

#define HPET_PERIOD_FS 10000000ull /* 100 MHz */
#define HPET_PERIOD_NS 10u

extern const struct device_class hpet_class;
