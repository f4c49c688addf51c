/*
 * apic.h: the PC's interrupt controllers as core/irq.h wants them: local APICs for hints and
 * for starting CPUs, I/O APICs (ioapic.h) for devices. A device interrupt's number is its global
 * system interrupt (ACPI 6.5, 5.2.13).
 */
#pragma once

#include "base/types.h"
#include "core/irq.h"

extern const struct irqchip apic;

/** Says which local APIC @p cpu has. Start-up, before hints to it. */
void apic_set_id(unsigned cpu, u32 id);

/** Resets @p cpu, which then waits for apic_start. Any context; takes no lock. */
void apic_reset(unsigned cpu);

/** Makes @p cpu, reset at least 10 ms ago, run in real mode from @p page, a 4 KiB page below
 *  1 MiB. A CPU that runs already ignores it. Any context; takes no lock. */
void apic_start(unsigned cpu, uptr page);

/** Masks the two 8259 controllers of old PCs for good. Start-up. */
void pic_disable(void);
