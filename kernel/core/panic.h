/*
 * panic.h: what the layers above contribute to a panic, and how the other CPUs take part in it.
 * panic() itself is declared in base/panic.h.
 */
#pragma once

#include "base/panic.h"

#define FAULT_TEXT_BYTES 128

/**
 * Set by the task layer: prints a line on the task that runs on this CPU, if any. Context: a
 * panic; it must take no lock and trust no pointer that it need not.
 */
extern void (*panic_describe)(void);

/* What went wrong, and where. */
struct fault {
	const char *what;
	uptr pc, fp;  /* the instruction, and the frame pointer there; pc 0: the back trace has it */
	uptr address; /* that could not be used, or 0 */
	bool irqs;    /* interrupts were enabled: then no spin lock was held */
};

/**
 * Set by the task layer: ends the task whose poll faulted, and does not return, if the fault can be
 * that task's alone; else returns, and the machine panics. Context: interrupts masked, on the
 * stack of the fault or on another of the CPU.
 */
extern void (*panic_contain)(const struct fault *f);

/** Stops this CPU for ever when another one panics, else returns. Context: interrupts masked. */
void panic_join(void);
