#include "core/log.h"
#include "base/string.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/time.h"
#include "sync/spin.h"

#define LOG_BYTES  KIB(16)
#define LINE_BYTES 256

static struct spin console_lock = SPIN_INIT;
static char ring[LOG_BYTES] VAR_GUARDED_BY(console_lock);
static u64 ring_end VAR_GUARDED_BY(console_lock); /* characters ever written to the ring */

/* Set once, by the CPU that panics, while the others stop: relaxed is enough. */
static _Atomic bool panicking;

/* The console's lock, which a panic does not wait for: its holder may be the one that panicked. */
static bool console_acquire(void) ACQUIRE(console_lock) NO_THREAD_SAFETY_ANALYSIS
{
	if (atomic_load_explicit(&panicking, memory_order_relaxed))
		return arch_irq_save();
	return spin_lock(&console_lock);
}

static void console_release(bool irqs) RELEASE(console_lock) NO_THREAD_SAFETY_ANALYSIS
{
	if (atomic_load_explicit(&panicking, memory_order_relaxed))
		arch_irq_restore(irqs);
	else
		spin_unlock(&console_lock, irqs);
}

void console_panic_mode(void)
{
	atomic_store_explicit(&panicking, true, memory_order_relaxed);
}

static void put_console(void *to, char c)
{
	(void)to;
	if (c == '\n')
		board_putc('\r');
	board_putc(c);
}

void console_write(const char *text, usize bytes)
{
	bool irqs = console_acquire();

	for (; bytes; bytes--)
		put_console(NULL, *text++);
	console_release(irqs);
}

void console_vprintf(const char *fmt, va_list ap)
{
	bool irqs = console_acquire();

	(void)kvprintf(put_console, NULL, fmt, ap);
	console_release(irqs);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	console_vprintf(fmt, ap);
	va_end(ap);
}

static void put_ring(const char *text) REQUIRES(console_lock)
{
	for (; *text; text++)
		ring[ring_end++ % LOG_BYTES] = *text;
}

void klog(const char *fmt, ...)
{
	char line[LINE_BYTES];
	u64 us = clock_ns() / NS_PER_US;
	va_list ap;
	bool on = arch_irq_save();
	unsigned cpu = cpu_id();

	arch_irq_restore(on);

	/* Room for the newline stays free behind a text that had to be cut. */
	int n = ksnprintf(line, sizeof(line) - 1, "[%5llu.%06llu %u] ",
			  (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000),
			  cpu);

	va_start(ap, fmt);
	(void)kvsnprintf(line + n, sizeof(line) - 1 - (usize)n, fmt, ap);
	va_end(ap);

	usize len = strlen(line);

	line[len++] = '\n';
	line[len] = '\0';

	bool irqs = console_acquire();

	put_ring(line);
	for (const char *p = line; *p; p++)
		put_console(NULL, *p);
	console_release(irqs);
}

usize log_copy(char *buf, usize bytes)
{
	usize n = 0;

	if (!bytes)
		return 0;

	bool irqs = console_acquire();
	u64 kept = MIN(ring_end, LOG_BYTES - 1); /* the character before is still there, too */
	u64 at = ring_end - MIN(kept, bytes - 1);

	/* Begin with a whole line, unless nothing was cut. */
	while (at && at < ring_end && ring[(at - 1) % LOG_BYTES] != '\n')
		at++;
	while (at < ring_end)
		buf[n++] = ring[at++ % LOG_BYTES];
	console_release(irqs);
	buf[n] = '\0';
	return n;
}
