/*
 * The console's input ring, and the ring of log lines.
 * cpus: 1
 */
#include "core/console.h"
#include "../test.h"
#include "core/log.h"

static unsigned told;

static void tell(void *arg)
{
	CHECK(arg == &told);
	told++;
}

/* In the UART's place; its interrupt has no input meanwhile. */
static void input(const char *bytes, usize n)
{
	bool irqs = arch_irq_save();

	console_input(bytes, n);
	arch_irq_restore(irqs);
}

static void bytes_come_out_as_they_went_in(void)
{
	u64 seed = 1;
	u8 next_in = 0, next_out = 0;
	usize inside = 0;
	char byte;

	console_on_input(tell, &told);
	told = 0;
	CHECK(!console_take(&byte));
	for (unsigned n = 0; n < 2000; n++) {
		char bytes[16];
		usize in = test_below(&seed, sizeof bytes), out = test_below(&seed, 20);

		for (usize i = 0; i < in; i++)
			bytes[i] = (char)next_in++;
		input(bytes, in);
		inside += in;
		for (; inside && out; inside--, out--) {
			CHECK(console_take(&byte));
			CHECK_EQ((u8)byte, next_out);
			next_out++;
		}
	}
	while (inside--)
		CHECK(console_take(&byte));
	CHECK(!console_take(&byte));
	CHECK_EQ(told, 2000);
}

static void what_does_not_fit_is_dropped_from_the_end(void)
{
	static char many[3000];
	usize kept = 0;
	char byte;

	for (usize i = 0; i < sizeof many; i++)
		many[i] = (char)(i % 251);
	input(many, sizeof many);
	for (; console_take(&byte); kept++)
		CHECK_EQ((u8)byte, kept % 251);
	CHECK(kept >= 256 && kept < sizeof many);
	input("x", 1);
	CHECK(console_take(&byte) && byte == 'x');
}

/* Lines begin "[seconds CPU] "; returns what is behind that, or NULL. */
static const char *behind_time(const char *line)
{
	const char *p = line[0] == '[' ? strchr(line, ']') : NULL;

	return p && p[1] == ' ' ? p + 2 : NULL;
}

static void log_lines_are_kept(void)
{
	char text[512];
	usize n;
	const char *p;

	klog("first %d", 1);
	klog("second %s", "two");
	n = log_copy(text, sizeof text);
	CHECK_EQ(n, strlen(text));
	CHECK(n && text[n - 1] == '\n');
	p = strstr(text, "first 1\n");
	CHECK(p && strstr(p, "second two\n"));
	/* Room for less than both: whole lines only, the newest. */
	n = log_copy(text, 48);
	CHECK(n > 0 && n < 48);
	p = behind_time(text);
	CHECK(p != NULL);
	if (p)
		CHECK_STR(p, "second two\n");
	CHECK_EQ(log_copy(text, 1), 0);
	CHECK_STR(text, "");
	text[0] = '#';
	CHECK_EQ(log_copy(text, 0), 0);
	CHECK_EQ(text[0], '#');
}

static void the_log_forgets_the_oldest_lines(void)
{
	static char text[KIB(20)];
	usize n;

	for (unsigned i = 0; i < 600; i++)
		klog("line %u of many", i);
	n = log_copy(text, sizeof text);
	CHECK(n > KIB(15) && n <= KIB(16));
	CHECK(behind_time(text) != NULL);
	CHECK(strstr(text, "line 0 of many") == NULL);
	CHECK(strstr(text, "line 599 of many\n") == text + n - strlen("line 599 of many\n"));
}

static void a_long_line_is_cut_and_still_ends(void)
{
	char text[512];
	usize n;

	klog("%300d", 7);
	n = log_copy(text, sizeof text);
	CHECK(n && text[n - 1] == '\n');
	klog("after");
	n = log_copy(text, sizeof text);
	CHECK(strstr(text, "after\n") == text + n - strlen("after\n"));
}

TESTS_MAIN(PLAIN(bytes_come_out_as_they_went_in), PLAIN(what_does_not_fit_is_dropped_from_the_end),
	   PLAIN(log_lines_are_kept), PLAIN(the_log_forgets_the_oldest_lines),
	   PLAIN(a_long_line_is_cut_and_still_ends));
