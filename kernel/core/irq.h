/*
 * irq.h: from the architecture's vector to a handler and out again.
 *
 * The architecture's entry code saves the registers that a C call may clobber on the interrupted
 * stack, with interrupts masked, and then, in this order:
 *
 *   irq_enter(pc);                        pc: the interrupted instruction
 *   one of irq_timer(), irq_hint(), irq_device(n), for each interrupt acknowledged
 *   (end of interrupt at the controller; takes no lock)
 *   irq_exit();                           may switch to another stack and come back much later,
 *                                         on another CPU; then returns to be unwound
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

#define IRQS_MAX 1024 /* GIC INTIDs 0 to 1019; x86 GSIs */

/** The interrupt controllers' contract, filled by one of drivers/irqchip/. All any-context,
 *  lock-free unless said. */
struct irqchip {
	const char *name;
	void (*cpu_init)(void);		 /* this CPU's part; interrupts masked */
	void (*send_hint)(unsigned cpu); /* the one inter-processor interrupt */
	void (*unmask)(u32 irq);	 /* lets device interrupt irq through, to the boot CPU */
	void (*mask)(u32 irq);
};
extern const struct irqchip *irqchip; /* set by board_init */

void irq_enter(uptr pc);
void irq_timer(void);
void irq_hint(void);
void irq_device(u32 irq);
void irq_exit(void);

/**
 * Calls executor_preempt() when @p c, this CPU, runs a task that may be preempted and a hint is
 * pending or the quantum over. May return on another CPU. Context: interrupts masked.
 */
struct cpu;
void irq_look(struct cpu *c);

/**
 * Registers @p fn(@p arg) for device interrupt @p irq and unmasks it. The handler runs with
 * interrupts masked, must quiet its device, and may wake tasks. @p name must outlive it.
 * Errors: ERR_INVAL (number), ERR_BUSY (taken). Context: task or start-up.
 */
int irq_register(u32 irq, const char *name, void (*fn)(void *arg), void *arg) MUST_CHECK;

/** One line for each registered interrupt, for the shell: calls @p row(name, irq, count). */
void irq_for_each(void (*row)(const char *name, u32 irq, u64 count));
