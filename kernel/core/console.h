/*
 * console.h: the console's input side: a ring of bytes from the UART's receive interrupt, and
 * whom to tell when it fills.
 */
#pragma once

#include "base/types.h"

/**
 * Adds received bytes; those that do not fit are counted and dropped. Context: interrupt, from
 * the one UART that is the console.
 */
void console_input(const char *bytes, usize n);

/** Takes one byte; false when there is none. Context: one reader, a task. */
bool console_take(char *byte);

/** @p fn(@p arg) is called in interrupt context whenever bytes arrived. Set once. */
void console_on_input(void (*fn)(void *arg), void *arg);
