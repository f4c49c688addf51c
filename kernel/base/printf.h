/*
 * printf.h: formatted text. Conversions: %d %i %u %x %X %c %s %p %% with flags '-' and '0',
 * width and, for %s, precision (each also '*'), and length l, ll, z. No floating point.
 */
#pragma once

#include "base/types.h"
#include <stdarg.h>

/**
 * Formats into @p buf, always terminated when @p bytes > 0. Returns the length that the whole
 * text would have. Context: any. No locks.
 */
int kvsnprintf(char *buf, usize bytes, const char *fmt, va_list ap);
int ksnprintf(char *buf, usize bytes, const char *fmt, ...) PRINTF_LIKE(3, 4);

/**
 * Formats and hands each character to @p put(@p to). Returns how many. Context: put's.
 */
int kvprintf(void (*put)(void *to, char c), void *to, const char *fmt, va_list ap);

/**
 * Prints on the console; lines of different CPUs do not mix. Context: any; takes the console's
 * lock with interrupts masked. Implemented in core/log.c.
 */
void kprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
