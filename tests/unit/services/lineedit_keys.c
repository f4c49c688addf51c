/*
 * The line editor: keys in, text out. A screen of one line replays what it shows, so that what
 * the user sees is compared with the text that the editor holds.
 * cpus: 1
 */
#include "../test.h"
#include "services/lineedit.h"

static struct lineedit line;

/* The terminal: one row, a cursor, and the few codes that the editor uses. */
static char row[512];
static unsigned cursor, bells;
static const char *pending; /* inside an escape sequence */

static void put(char c)
{
	static char sequence[8];
	static unsigned n;

	if (pending) {
		sequence[n++] = c;
		sequence[n] = '\0';
		if (n == 1 || (c >= '0' && c <= '9'))
			return;
		if (!strcmp(sequence, "[K"))
			memset(row + cursor, 0, sizeof row - cursor);
		else if (!strcmp(sequence, "[H") || !strcmp(sequence, "[J"))
			memset(row, 0, sizeof row);
		else
			test_fail(__FILE__, __LINE__, "unknown code ESC %s", sequence);
		pending = NULL;
	} else if (c == 0x1b) {
		pending = "";
		n = 0;
	} else if (c == '\r') {
		cursor = 0;
	} else if (c == '\b') {
		cursor -= cursor > 0;
	} else if (c == '\a') {
		bells++;
	} else if (c == '\n') {
		memset(row, 0, sizeof row);
		cursor = 0;
	} else {
		CHECK((unsigned char)c >= ' ' && cursor + 1 < sizeof row);
		row[cursor++] = c;
	}
}

static void show(const char *text, usize bytes)
{
	while (bytes--)
		put(*text++);
}

/* What is on the screen is the prompt and the text, with the cursor where it should be. */
static void check_screen(void)
{
	char expected[LINE_BYTES + 4];

	ksnprintf(expected, sizeof expected, "> %s", line.text);
	CHECK_STR(row, expected);
	CHECK_EQ(cursor, line.cursor + 2);
	CHECK_EQ(line.length, strlen(line.text));
	CHECK(line.cursor <= line.length);
}

static enum lineedit_result type(const char *keys)
{
	enum lineedit_result r = LINE_MORE;

	while (*keys) {
		r = lineedit_key(&line, *keys++);
		if (r != LINE_MORE) {
			CHECK(!*keys);
			return r;
		}
		if (!line.escape)
			check_screen();
	}
	return r;
}

static void begin(void)
{
	lineedit_begin(&line);
	check_screen();
}

static void fresh(void)
{
	lineedit_init(&line, "> ", show);
	memset(row, 0, sizeof row);
	cursor = bells = 0;
	pending = NULL;
	begin();
}

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"
#define HOME "\x1b[H"
#define END "\x1b[F"
#define DELETE "\x1b[3~"
#define CTRL_A "\x01"
#define CTRL_B "\x02"
#define CTRL_C "\x03"
#define CTRL_D "\x04"
#define CTRL_E "\x05"
#define CTRL_F "\x06"
#define CTRL_K "\x0b"
#define CTRL_L "\x0c"
#define CTRL_N "\x0e"
#define CTRL_P "\x10"
#define CTRL_U "\x15"
#define CTRL_W "\x17"
#define BACKSPACE "\x7f"

/* Keys, and the text that they leave. */
static void each_key(void)
{
	static const struct {
		const char *keys, *text;
	} cases[] = {
		{"help", "help"},
		{"hepp" BACKSPACE BACKSPACE "lp", "help"},
		{"hepp\b\blp", "help"},
		{BACKSPACE "a", "a"},
		{"elp" CTRL_A "h", "help"},
		{"elp" HOME "h", "help"},
		{"elp\x1b[1~h", "help"},
		{"elp\x1bOHh", "help"},
		{"elp" HOME "h" END "!", "help!"},
		{"elp" HOME "h\x1b[4~!", "help!"},
		{"elp" CTRL_A "h" CTRL_E "!", "help!"},
		{"hlp" LEFT LEFT "e", "help"},
		{"hlp" CTRL_B CTRL_B "e", "help"},
		{"hlp" LEFT LEFT LEFT LEFT LEFT RIGHT "e", "help"},
		{"hlp" CTRL_A CTRL_F "e", "help"},
		{"help" RIGHT RIGHT "!", "help!"},
		{"helxp" LEFT LEFT DELETE, "help"},
		{"helxp" LEFT LEFT CTRL_D, "help"},
		{"help" DELETE CTRL_D, "help"},
		{"help me" LEFT LEFT LEFT CTRL_K, "help"},
		{"no help" LEFT LEFT LEFT LEFT CTRL_U, "help"},
		{"help me now" CTRL_W, "help me "},
		{"help me   " CTRL_W, "help "},
		{"help me" CTRL_W CTRL_W CTRL_W, ""},
		{"help" CTRL_L "!", "help!"},
		{"a\x1b[Zb\x1b[9~c", "abc"}, /* unknown sequences do nothing */
		{"a\x07" "b", "ab"},
	};

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		fresh();
		CHECK_EQ(type(cases[i].keys), LINE_MORE);
		CHECK_STR(line.text, cases[i].text);
	}
}

static void return_and_control_c_end_the_line(void)
{
	fresh();
	CHECK_EQ(type("one\r"), LINE_DONE);
	CHECK_STR(line.text, "one");
	begin();
	CHECK_STR(line.text, "");
	CHECK_EQ(type("two\n"), LINE_DONE);
	begin();
	CHECK_EQ(type("three" CTRL_C), LINE_CANCELED);
	begin();
	CHECK_EQ(type(UP), LINE_MORE);
	CHECK_STR(line.text, "two"); /* what was cancelled is not remembered */
}

static void history_goes_back_and_forth(void)
{
	fresh();
	for (const char *const *l = (const char *const[]){"one\r", "two\r", "two\r", "\r", NULL}; *l;
	     l++) {
		CHECK_EQ(type(*l), LINE_DONE);
		begin();
	}
	type(UP);
	CHECK_STR(line.text, "two"); /* twice the same is once; an empty line is none */
	type(UP);
	CHECK_STR(line.text, "one");
	type(UP CTRL_P);
	CHECK_STR(line.text, "one"); /* there is nothing before it */
	type(DOWN);
	CHECK_STR(line.text, "two");
	type(CTRL_N);
	CHECK_STR(line.text, "");
	type(DOWN);
	CHECK_STR(line.text, "");
	type(UP UP "!");
	CHECK_EQ(type("\r"), LINE_DONE);
	CHECK_STR(line.text, "one!");
	begin();
	type(UP UP UP);
	CHECK_STR(line.text, "one"); /* the old line itself is as it was */
}

static void history_keeps_the_last_lines(void)
{
	char text[8];

	fresh();
	for (unsigned i = 0; i < HISTORY_LINES + 5; i++) {
		ksnprintf(text, sizeof text, "%u\r", i);
		CHECK_EQ(type(text), LINE_DONE);
		begin();
	}
	for (unsigned i = 0; i < HISTORY_LINES + 5; i++)
		type(UP);
	CHECK_STR(line.text, "5");
}

static void a_full_line_rings_and_stays(void)
{
	fresh();
	for (unsigned i = 0; i < LINE_BYTES - 1; i++)
		type("x");
	CHECK_EQ(line.length, LINE_BYTES - 1);
	CHECK_EQ(bells, 0);
	type("yz");
	CHECK_EQ(line.length, LINE_BYTES - 1);
	CHECK_EQ(bells, 2);
	type(HOME "y" DELETE "y");
	CHECK_EQ(line.text[0], 'y');
	CHECK_EQ(line.length, LINE_BYTES - 1);
	CHECK_EQ(bells, 3);
}

/* Whatever comes in, the screen shows the text. */
static void random_keys(void)
{
	u64 seed = 11;

	for (unsigned round = 0; round < 20; round++) {
		fresh();
		for (unsigned i = 0; i < 400; i++) {
			char c = (char)test_below(&seed, test_below(&seed, 4) ? 127 : 256);

			if (test_below(&seed, 10) == 0) {
				lineedit_key(&line, 0x1b);
				lineedit_key(&line, '[');
				c = "ABCDHF3~"[test_below(&seed, 8)];
			}
			if (lineedit_key(&line, c) != LINE_MORE)
				lineedit_begin(&line);
			if (!line.escape)
				check_screen();
		}
	}
}

TESTS_MAIN(PLAIN(each_key), PLAIN(return_and_control_c_end_the_line),
	   PLAIN(history_goes_back_and_forth), PLAIN(history_keeps_the_last_lines),
	   PLAIN(a_full_line_rings_and_stays), PLAIN(random_keys));
