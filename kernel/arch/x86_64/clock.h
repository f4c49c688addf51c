/*
 * clock.h: the rate of the local APIC's timer, which the board measures.
 */
#pragma once

#include "base/types.h"

/** Declares the timer's ticks a second, before arch_timer_init. Once, on the boot CPU. */
void x86_timer_set_hz(u64 hz);
