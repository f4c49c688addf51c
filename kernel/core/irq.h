/*
 * irq.h: from the architecture's vector to a handler and out again.
 *
 * The architecture's entry code saves the registers that a C call may clobber on the interrupted
 * stack, with interrupts masked, and then, in this order:
 *
 *   c = irq_enter(pc);                    pc: the interrupted instruction; c: this CPU
 *   one of irq_timer(c), irq_hint(c), irq_device(c, n), for each interrupt acknowledged
 *   (end of interrupt at the controller; takes no lock)
 *   irq_exit();                           may switch to another stack and come back much later,
 *                                         on another CPU; then returns to be unwound
 */
#pragma once

#include "base/error.h"
#include "base/types.h"
#include "core/cpu.h"
#include "core/start.h"
#include "core/time.h"
#include "trace/trace.h"

#define IRQS_MAX 1024 /* GIC INTIDs 0 to 1019; x86 GSIs */

/** The interrupt controllers' contract, filled by one of drivers/irqchip/. All any-context,
 *  lock-free unless said. */
struct irqchip {
	const char *name;
	void (*cpu_init)(void);		 /* this CPU's part; interrupts masked */
	void (*send_hint)(unsigned cpu); /* the one inter-processor interrupt */
	void (*unmask)(u32 irq);	 /* lets device interrupt irq through, to the boot CPU */
	void (*mask)(u32 irq);
	void (*raise)(u32 irq); /* makes it pending, as if the device had; NULL: cannot */
};
extern const struct irqchip *irqchip; /* set by board_init */

/** For the trace: notes what the interrupt at @p pc struck. Returns this CPU. */
struct cpu *irq_note_struck(uptr pc);

static inline struct cpu *irq_enter(uptr pc)
{
	struct cpu *c = arch_cpu();

	c->irq_depth++;
	return unlikely(trace_level_now() != TRACE_OFF) ? irq_note_struck(pc) : c;
}

/** Fires the timers that are due, and sets the hardware anew, which ends its interrupt. */
void irq_timer(struct cpu *c);
void irq_hint(struct cpu *c);

/** The trace's records of both ends of a handler; @p name: TRACE_irq_name_*. */
void irq_record_entry(const struct cpu *c, i32 irq, u16 name);
void irq_record_exit(i32 irq, bool handled);
void irq_device(struct cpu *c, u32 irq);

/**
 * Calls executor_preempt() when @p c, this CPU, runs a task that may be preempted and a hint is
 * pending or the quantum over. May return on another CPU. Context: interrupts masked.
 */
static inline void irq_look(struct cpu *c)
{
	if (c->irq_depth || c->preempt_off || !c->current)
		return;
	if (cpu_hinted(c) || (c->quantum_end_ns != TIME_NEVER && clock_ns() >= c->quantum_end_ns))
		executor_preempt();
}

static inline void irq_exit(void)
{
	struct cpu *c = arch_cpu();

	c->irqs++;
	c->irq_depth--;
	irq_look(c);
}

/**
 * Registers @p fn(@p arg) for device interrupt @p irq and unmasks it. The handler runs with
 * interrupts masked, must quiet its device, and may wake tasks. @p name must outlive it.
 * Errors: ERR_INVAL (number), ERR_BUSY (taken). Context: task or start-up.
 */
int irq_register(u32 irq, const char *name, void (*fn)(void *arg), void *arg) MUST_CHECK;

/** One line for each registered interrupt, for the shell: calls @p row(name, irq, count). */
void irq_for_each(void (*row)(const char *name, u32 irq, u64 count));
