/*
 * panic.h: what the layers above contribute to a panic, and how the other CPUs take part in it.
 * panic() itself is declared in base/panic.h.
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
