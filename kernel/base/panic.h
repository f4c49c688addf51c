/*
 * panic.h: the end of a task, or of the machine. Implemented in core/panic.c; declared here so that
 * every layer may use it. Context: any, interrupts in any state, any locks held.
 */
#pragma once

#include "base/types.h"

/**
 * Called by a task that could be preempted here, ends that task alone, with everything that it
 * owns (task/fault.h). Called by anybody else: stops all CPUs, prints the message, a symbolised back
 * trace and each CPU's last trace events on the polled console, and leaves with PANIC_STATUS.
 */
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Panics because there is no memory for @p bytes. */
_Noreturn void panic_no_memory(usize bytes);

/** Panics because @p cond, at @p file and @p line, does not hold. */
_Noreturn void panic_assertion(const char *cond, const char *file, int line);

/** Exit status of a kernel that panicked, as `make run` reports it. */
#define PANIC_STATUS 101

/** Panics with the expression, file and line unless @p cond holds. Never compiled out. */
#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			panic_assertion(#cond, __FILE__, __LINE__);                                \
	} while (0)
