/*
 * lapic.h: the local APIC, each CPU's own interrupt controller and timer, through memory (xAPIC)
 * or through registers (x2APIC, used where the CPU has it). Sources: Intel SDM vol. 3, chapter
 * 10; x2APIC 10.12.
 *
 * Context: any, on this CPU's own local APIC; no locks.
 */
#pragma once

#include "arch/arch.h"
#include "base/types.h"
#include "x86.h"

/** Chooses the mode. Once, on the boot CPU, before the other functions. */
void lapic_init(void);

/** Physical address of the memory-mapped registers, 4 KiB. */
u64 lapic_base(void);

/** Enables this CPU's local APIC in the chosen mode, timer stopped. Interrupts masked. */
void lapic_cpu_init(void);

/** This CPU's ID. */
u32 lapic_id(void);

/* Offsets in the memory-mapped page; the x2APIC register is 0x800 + offset / 16. */
enum {
	LAPIC_EOI = 0xb0,
	LAPIC_TIMER_INITIAL = 0x380,
};

/* How this machine's are reached; constant after lapic_init. */
extern struct lapic {
	uptr base;
	bool x2apic;
} lapic;

static inline void lapic_write(u32 reg, u32 value)
{
	if (lapic.x2apic)
		wrmsr(0x800 + reg / 16, value);
	else
		mmio_write32(lapic.base + reg, value);
}

/** Ends the interrupt in service of the highest priority. */
static inline void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

/** The largest ID that lapic_send can address. */
u32 lapic_id_max(void);

/* The kind of message, with what goes with it (SDM vol. 3, 10.6.1). */
#define LAPIC_FIXED(vector) (0x4000u | (vector))
#define LAPIC_INIT          0x4500u
#define LAPIC_STARTUP(page) (0x4600u | (page)) /* page: number of a 4 KiB page below 1 MiB */

/** Sends a message to the CPU with the ID @p dest. What was stored before is visible there. */
void lapic_send(u32 dest, u32 message);

/** Starts the one-shot timer for @p ticks, which must not be 0, or stops it with 0. */
static inline void lapic_timer_start(u32 ticks)
{
	lapic_write(LAPIC_TIMER_INITIAL, ticks);
}

/** Ticks left. */
u32 lapic_timer_left(void);

/** Lets the timer interrupt, through VECTOR_TIMER, or not. */
void lapic_timer_mask(bool masked);
