/*
 * Formatted text: each conversion, and what happens when there is no room.
 * cpus: 1
 */
#include "../test.h"

#define FORMATS(expected, ...)                                                                     \
	do {                                                                                       \
		char text_[64];                                                                    \
		int len_ = ksnprintf(text_, sizeof text_, __VA_ARGS__);                            \
                                                                                                   \
		CHECK_STR(text_, expected);                                                        \
		CHECK_EQ(len_, strlen(expected));                                                  \
	} while (0)

static void numbers(void)
{
	FORMATS("0", "%d", 0);
	FORMATS("-1", "%i", -1);
	FORMATS("-2147483648", "%d", INT32_MIN);
	FORMATS("4294967295", "%u", UINT32_MAX);
	FORMATS("-9223372036854775808", "%ld", (long)INT64_MIN);
	FORMATS("18446744073709551615", "%llu", (unsigned long long)UINT64_MAX);
	FORMATS("12345678901", "%zu", (usize)12345678901);
	FORMATS("dead-BEEF", "%x-%X", 0xdeadu, 0xbeefu);
	FORMATS("ffffffffffffffff", "%lx", (unsigned long)UINT64_MAX);
	FORMATS("0x1f00", "%p", (void *)0x1f00);
	FORMATS("0x0", "%p", NULL);
}

static void fields(void)
{
	FORMATS("   42|42   |00042", "%5d|%-5d|%05d", 42, 42, 42);
	FORMATS("  -42|-42  |-0042", "%5d|%-5d|%05d", -42, -42, -42);
	FORMATS("12345", "%3d", 12345);
	FORMATS("  7|7  |", "%*d|%*d|", 3, 7, -3, 7);
	FORMATS("007f", "%04x", 0x7fu);
}

static void texts(void)
{
	FORMATS("[abc]", "[%s]", "abc");
	FORMATS("[  abc|abc  ]", "[%5s|%-5s]", "abc", "abc");
	FORMATS("[ab|a|]", "[%.2s|%.*s|%.0s]", "abc", 1, "abc", "abc");
	FORMATS("[   ab]", "[%5.2s]", "abc");
	FORMATS("x% 1", "%c%% %d", 'x', 1);
	FORMATS("    x", "%5c", 'x');
	/* Precision also says how far the text may be read. */
	const char unterminated[2] = {'o', 'k'};
	FORMATS("ok", "%.2s", unterminated);
}

static void too_little_room(void)
{
	char text[4] = "###";

	CHECK_EQ(ksnprintf(text, sizeof text, "%s", "abcdef"), 6);
	CHECK_STR(text, "abc");
	CHECK_EQ(ksnprintf(text, 1, "%d", 12345), 5);
	CHECK_STR(text, "");
	text[0] = '#';
	CHECK_EQ(ksnprintf(text, 0, "%d", 12345), 5);
	CHECK_EQ(text[0], '#');
	CHECK_EQ(ksnprintf(NULL, 0, "%d", -7), 2);
}

/* Any number, in any field, equals what is put together digit by digit. */
static void random_numbers(void)
{
	u64 seed = 1;
	char digits[24], text[40];

	for (unsigned n = 0; n < 3000; n++) {
		u64 value = test_random(&seed) >> test_below(&seed, 64), rest = value;
		int width = (int)test_below(&seed, 30), at = (int)sizeof digits - 1;

		digits[at] = '\0';
		do {
			digits[--at] = (char)('0' + rest % 10);
			rest /= 10;
		} while (rest);

		int len = (int)sizeof digits - 1 - at, full = MAX(len, width);

		CHECK_EQ(ksnprintf(text, sizeof text, "%*llu", width, (unsigned long long)value),
			 full);
		CHECK_STR(text + full - len, digits + at);
		for (int i = 0; i < full - len; i++)
			CHECK_EQ(text[i], ' ');
	}
}

TESTS_MAIN(PLAIN(numbers), PLAIN(fields), PLAIN(texts), PLAIN(too_little_room),
	   PLAIN(random_numbers));
