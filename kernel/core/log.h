/*
 * log.h: the console's output side, and a ring of recent lines for the shell's `log`.
 */
#pragma once

#include "base/printf.h"
#include "base/types.h"

/** Writes text as it is; when it returns, all of it was sent. Context: any; interrupts are masked for
 *  a character at a time. Up to 4 KiB stay in one piece. */
void console_write(const char *text, usize bytes);

/** kprintf with a va_list. */
void console_vprintf(const char *fmt, va_list ap);

/** From here on the console is polled and takes no lock: for panics. */
void console_panic_mode(void);

/** A line with the time and CPU in front, on the console and in the ring. */
void klog(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Copies the last lines, oldest first, at most @p bytes - 1 characters; terminated. */
usize log_copy(char *buf, usize bytes);
