/*
 * fiber.h: stacks of the host's, between which a program switches by itself. fiber_*.S and fiber.c.
 */
#pragma once

#include "sim/asan.h"
#include <stddef.h>
#include <stdint.h>

/** Saves the callee-saved registers on this stack and its pointer in *@p save, and continues where
 *  @p load was saved. */
void fiber_switch(void **save, void *load);

#if SIM_ASAN
#define fiber_switch(save, load) (asan_stack(load), (fiber_switch)(save, load))
#endif

/** A stack below @p top that calls @p fn when switched to; @p fn must not return. */
void *fiber_prepare(void *top, void (*fn)(uintptr_t), uintptr_t arg);

/** Registers of the code that a saved stack goes on with, but for its pc and stack pointer: the first of them, 64 bits each, and how
 *  many are known on each host. */
void *fiber_registers(void *saved);
#define FIBER_REGISTERS 6

/** How many bytes fiber_switch saves. */
extern const size_t fiber_saved_bytes;
