/*
 * ioapic.h: I/O APICs, which turn device lines into messages to a local APIC. Every line goes to
 * the boot CPU with the vector VECTOR_DEVICE + its number. Source: Intel 82093AA data sheet, 3.
 *
 * Lines are numbered as global system interrupts. Context: any unless said; one spin lock, as a
 * register is reached by writing its index first.
 */
#pragma once

#include "base/types.h"

#define IOAPICS_MAX 8

/**
 * Adds the controller at @p base, whose first line is @p first, all its lines masked. Interrupts
 * go to the local APIC with the ID @p dest (0 to 255). Ignored when there are too many.
 * Context: start-up.
 */
void ioapic_add(u64 base, u32 first, u32 dest);

/** How @p gsi signals: by level or edge, active low or high. Before it is unmasked. */
void ioapic_set_mode(u32 gsi, bool level, bool low);

/** Lets @p gsi through, or not; one that no controller has is ignored. */
void ioapic_unmask(u32 gsi);
void ioapic_mask(u32 gsi);

/** True when a controller has @p gsi and a vector is left for it. */
bool ioapic_has(u32 gsi);
