#include "core/log.h"
#include "base/string.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/time.h"
#include "sync/spin.h"

#define LOG_BYTES  KIB(16)
#define LINE_BYTES 256
#define OUT_BYTES  KIB(4)
#define COPY_BYTES 64u /* in one go, with interrupts masked */

/*
 * The console is slow: a character takes 87 us at 115200 baud. So text goes into `out`, and whoever
 * put it there, or finds it there, takes it out again, one character under the lock at a time: interrupts
 * are masked for one character, texts stay whole, and an interrupt that prints something finishes
 * first what it interrupted. Who sees `out` empty under the lock knows that all of it is sent.
 */
static struct spin console_lock = SPIN_INIT;

static struct {
	char text[OUT_BYTES];
	u64 begin, end; /* characters ever sent, and ever put */
} out VAR_GUARDED_BY(console_lock);

static struct {
	char text[LOG_BYTES];
	u64 end; /* characters ever put */
} lines VAR_GUARDED_BY(console_lock);

/* Set once, by the CPU that panics, while the others stop: relaxed is enough. */
static _Atomic bool panicking;

static bool in_panic(void)
{
	return atomic_load_explicit(&panicking, memory_order_relaxed);
}

static void send(char c)
{
	if (c == '\n')
		board_putc('\r');
	board_putc(c);
}

/* Sends a character that is waiting; false when none is. A panic does not wait for the lock: its
 * holder may be the one that panicked. */
static bool send_one(void) NO_THREAD_SAFETY_ANALYSIS
{
	bool panic = in_panic();
	bool irqs = panic ? arch_irq_save() : spin_lock(&console_lock);
	bool any = out.begin != out.end;

	if (any)
		send(out.text[out.begin++ % OUT_BYTES]);
	if (panic)
		arch_irq_restore(irqs);
	else
		spin_unlock(&console_lock, irqs);
	return any;
}

void console_panic_mode(void)
{
	atomic_store_explicit(&panicking, true, memory_order_relaxed);
}

/* Copies to place @p at of a ring of @p size bytes. */
static void ring_put(char *ring, usize size, u64 at, const char *text, usize bytes)
{
	usize first = MIN(bytes, size - (usize)(at % size));

	memcpy(ring + at % size, text, first);
	memcpy(ring, text + first, bytes - first);
}

/* Puts what there is room for into `out`. Returns how much. */
static usize put(const char *text, usize bytes)
{
	bool irqs = spin_lock(&console_lock);
	usize n = MIN(bytes, OUT_BYTES - (usize)(out.end - out.begin));

	ring_put(out.text, OUT_BYTES, out.end, text, n);
	out.end += n;
	spin_unlock(&console_lock, irqs);
	return n;
}

void console_write(const char *text, usize bytes)
{
	while (bytes && !in_panic()) {
		usize n = put(text, bytes);

		text += n;
		bytes -= n;
		while (send_one())
			;
	}
	while (in_panic() && send_one())
		;
	for (; bytes; bytes--)
		send(*text++);
}

/* A text on its way to the console, in pieces of a line. */
struct piece {
	char text[LINE_BYTES];
	usize n;
};

static void flush(struct piece *p)
{
	console_write(p->text, p->n);
	p->n = 0;
}

static void collect(void *to, char c)
{
	struct piece *p = to;

	p->text[p->n++] = c;
	if (p->n == LINE_BYTES)
		flush(p);
}

void console_vprintf(const char *fmt, va_list ap)
{
	struct piece p;

	p.n = 0;
	(void)kvprintf(collect, &p, fmt, ap);
	flush(&p);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	console_vprintf(fmt, ap);
	va_end(ap);
}

static void keep(const char *line, usize bytes) NO_THREAD_SAFETY_ANALYSIS
{
	bool panic = in_panic();
	bool irqs = panic ? arch_irq_save() : spin_lock(&console_lock);

	ring_put(lines.text, LOG_BYTES, lines.end, line, bytes);
	lines.end += bytes;
	if (panic)
		arch_irq_restore(irqs);
	else
		spin_unlock(&console_lock, irqs);
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
	int n = ksnprintf(line, sizeof(line) - 1, "[%5lu.%06lu %u] ", us / 1000000,
			  us % 1000000, cpu);

	va_start(ap, fmt);
	(void)kvsnprintf(line + n, sizeof(line) - 1 - (usize)n, fmt, ap);
	va_end(ap);

	usize len = strlen(line);

	line[len++] = '\n';
	keep(line, len);
	console_write(line, len);
}

/* Copies up to COPY_BYTES from place *@p at on, which moves; lines that were overwritten meanwhile are
 * passed over. Returns how many. */
static usize copy_some(char *to, usize bytes, u64 *at)
{
	bool irqs = spin_lock(&console_lock);
	u64 oldest = lines.end > LOG_BYTES ? lines.end - LOG_BYTES : 0;
	usize n;

	*at = MAX(*at, oldest);
	n = MIN(MIN(bytes, COPY_BYTES), (usize)(lines.end - *at));
	for (usize i = 0; i < n; i++)
		to[i] = lines.text[(*at)++ % LOG_BYTES];
	spin_unlock(&console_lock, irqs);
	return n;
}

usize log_copy(char *buf, usize bytes)
{
	usize n = 0, some, cut = 0;
	u64 at = 0;

	if (!bytes)
		return 0;

	bool irqs = spin_lock(&console_lock);
	/* The character before is still there, too. */
	u64 kept = MIN(MIN(lines.end, LOG_BYTES - 1), bytes - 1);
	bool whole;

	at = lines.end - kept;
	whole = !at || lines.text[(at - 1) % LOG_BYTES] == '\n';
	spin_unlock(&console_lock, irqs);
	while ((some = copy_some(buf + n, bytes - 1 - n, &at)) > 0)
		n += some;
	/* Begin with a whole line, unless nothing was cut. */
	while (!whole && cut < n && buf[cut++] != '\n')
		;
	memmove(buf, buf + cut, n - cut);
	buf[n - cut] = '\0';
	return n - cut;
}
