/*
 * panic.h: whom a fault ends, what the layers above contribute to a panic, and how the other CPUs
 * take part in it. panic() itself is declared in base/panic.h.
 */
#pragma once

#include "base/panic.h"

/**
 * Set by the task layer: prints a line on the task that runs on this CPU, if any. Context: a
 * panic; it must take no lock and trust no pointer that it need not.
 */
extern void (*panic_describe)(void);

/** Stops this CPU for ever when another one panics, else returns. Context: interrupts masked. */
void panic_join(void);

/*
 * A fault is the running task's when it could have been preempted there: interrupts enabled, in no
 * interrupt handler, preemption on. Then it holds no spin lock and is in no part of the scheduler,
 * because those mask interrupts; whatever state it leaves half done is its own, or that of objects
 * which know how to be released. Any other fault is the machine's.
 */
#define FAULT_TEXT_BYTES 112

struct fault {
	u8 kind; /* TRACE_fault_kind_* */
	uptr pc, fp; /* where, and the frame pointer there; pc 0: where fp leads */
	uptr address; /* of the access that faulted, else 0 */
	const char *text;
};

/** False: every fault is the machine's, so that a debugger or a test sees the first one. */
extern bool faults_contained;

/** Whether a fault now is the task's; @p irqs: interrupts were enabled where it struck. Context:
 *  interrupts masked. */
bool fault_of_task(bool irqs) MUST_CHECK;

/** Set by the task layer: ends the running task, for which fault_of_task was true, and goes on with
 *  another one; returns only if the machine cannot do without the task. Context: interrupts
 *  masked, on the task's stack or on one of the CPU's own. */
extern void (*fault_end_task)(const struct fault *f);
