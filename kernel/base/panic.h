/*
 * panic.h: the end of the machine. Implemented in core/panic.c; declared here so that every
 * layer may use it. Context: any, interrupts in any state, any locks held.
 */
#pragma once

#include "base/types.h"

/**
 * Stops all CPUs, prints the message, a symbolised back trace and each CPU's last trace events
 * on the polled console, and leaves with PANIC_STATUS.
 */
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Exit status of a kernel that panicked, as `make run` reports it. */
#define PANIC_STATUS 101

/** Panics with the expression, file and line unless @p cond holds. Never compiled out. */
#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			panic("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__);          \
	} while (0)
