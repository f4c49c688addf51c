/*
 * calibrate.h: how fast the time-stamp counter and the local APIC's timer are.
 */
#pragma once

/** Measures both against the HPET or the ACPI timer, up to 10 ms, and declares them to clock_init
 *  and x86_timer_set_hz. Panics when the machine has no reference. Start-up, interrupts masked;
 *  the local APIC is on. */
void calibrate(void);
