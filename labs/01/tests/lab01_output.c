/* The console's output: kernel/core/log.c, with interrupts that print in the midst of a text. */
#define _GNU_SOURCE /* memmem */
#include "../../common/host.h"
#include "arch/arch.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/time.h"

#define SHOWN_BYTES 200000u
#define NESTED_MAX  3u

struct clock_scale clock_scale;

static struct cpu cpu0;
static char shown[SHOWN_BYTES];
static usize shown_bytes, said_bytes;
static bool masked, locked, quiet; /* quiet: nothing strikes */
static unsigned nested, next_text, spins;
static u64 strikes_state; /* how often the lock is taken must not change what the tests draw */

static void say(usize bytes);

static unsigned strikes_below(unsigned n)
{
	strikes_state = strikes_state * 6364136223846793005ull + 1442695040888963407ull; /* Knuth */
	return (unsigned)(strikes_state >> 33) % n;
}

void board_putc(char c)
{
	EXPECT(masked,
	       "a character is sent while interrupts are on: one of them could send its own "
	       "in between");
	if (shown_bytes < SHOWN_BYTES)
		shown[shown_bytes++] = c;
}

void *sim_cpu_local(void)
{
	return &cpu0;
}

uint64_t sim_clock_ns(void)
{
	return 0;
}

bool sim_irq_save(void)
{
	bool were_on = !masked;

	masked = true;
	return were_on;
}

/* Where interrupts come on again, one may strike at once, and print. */
void sim_irq_restore(bool enabled)
{
	masked = !enabled;
	if (masked || quiet || nested == NESTED_MAX || strikes_below(12))
		return;
	nested++;
	masked = true;
	say(1 + strikes_below(400));
	masked = false;
	nested--;
}

void sim_relax(void)
{
	if (++spins < 1000)
		return;
	EXPECT(false,
	       "the lock is waited for by the only CPU: whoever holds it was interrupted, or "
	       "has not given it back");
	host_ran++;
	host_failed++;
	exit(host_end());
}

void sim_lock_wanted(const void *lock, bool shared)
{
	(void)lock;
	(void)shared;
	EXPECT(masked, "the lock is taken while interrupts are on");
}

void sim_lock_taken(const void *lock, bool shared)
{
	(void)lock;
	(void)shared;
	locked = true;
}

void sim_lock_given(const void *lock)
{
	(void)lock;
	EXPECT(locked, "the lock is given back twice");
	locked = false;
}

static usize times_shown(const char *text, usize bytes)
{
	usize n = 0;

	for (const char *p = shown; (p = memmem(p, (usize)(shown + shown_bytes - p), text, bytes));
	     p++)
		n++;
	return n;
}

/* A text that is unlike all others: its number, and letters. */
static void say(usize bytes)
{
	char *text = malloc(bytes + 16);
	usize n = (usize)sprintf(text, "<%u:", next_text++);

	while (n < bytes)
		text[n++] = (char)('a' + strikes_below(26));
	text[n++] = '>';
	said_bytes += n;
	console_write(text, n);
	if (n < 2048)
		EXPECT(times_shown(text, n) == 1,
		       "\"%.12s...\", %zu characters, stands in the output %zu times in one piece "
		       "when "
		       "console_write returns",
		       text, n, times_shown(text, n));
	if (!nested)
		host_note(bytes);
	free(text);
}

static void begin(bool without_interrupts)
{
	shown_bytes = said_bytes = 0;
	quiet = without_interrupts;
	strikes_state = host_below(UINT64_MAX);
}

static void one_text(void)
{
	begin(true);
	console_write("hello\n", 6);
	EXPECT(shown_bytes == 7 && !memcmp(shown, "hello\r\n", 7),
	       "of \"hello\\n\" the terminal got \"%.*s\", %zu characters", (int)shown_bytes, shown,
	       shown_bytes);
}

static void many_texts(void)
{
	begin(true);
	for (unsigned i = 0; i < 60 && !host_failures; i++)
		say(1 + host_below(600));
	EXPECT(shown_bytes == said_bytes, "%zu characters were written, and %zu sent", said_bytes,
	       shown_bytes);
}

static void texts_that_are_longer_than_the_ring(void)
{
	begin(true);
	for (unsigned i = 0; i < 4 && !host_failures; i++)
		say(3900 + host_below(9000));
	EXPECT(shown_bytes == said_bytes, "%zu characters were written, and %zu sent", said_bytes,
	       shown_bytes);
}

static void interrupts_print_too(void)
{
	begin(false);
	for (unsigned i = 0; i < 30 && !host_failures && shown_bytes < SHOWN_BYTES / 2; i++)
		say(1 + host_below(300));
	EXPECT(shown_bytes == said_bytes, "%zu characters were written, and %zu sent", said_bytes,
	       shown_bytes);
}

TESTS(TEST(one_text), TEST(many_texts), TEST(texts_that_are_longer_than_the_ring),
      TEST(interrupts_print_too));
