/*
 * Lines of words: finding word=value, and cutting a line.
 * cpus: 1
 */
#include "../test.h"

static void find_takes_whole_words_only(void)
{
	char value[8];

	CHECK(words_find("demo", "demo", NULL, 0));
	CHECK(words_find("a demo b", "demo", value, sizeof value));
	CHECK_STR(value, "");
	CHECK(!words_find("demos", "demo", NULL, 0));
	CHECK(!words_find("mydemo", "demo", NULL, 0));
	CHECK(!words_find("", "demo", NULL, 0));
	CHECK(!words_find("dem", "demo", NULL, 0));
	CHECK(words_find("demos demo", "demo", NULL, 0));
}

static void find_gives_the_value(void)
{
	char value[8];

	CHECK(words_find("x demo=300 y=1", "demo", value, sizeof value));
	CHECK_STR(value, "300");
	CHECK(words_find("demo= y", "demo", value, sizeof value));
	CHECK_STR(value, "");
	CHECK(words_find("demo=a=b", "demo", value, sizeof value));
	CHECK_STR(value, "a=b");
	CHECK(words_find("demo=123456789", "demo", value, sizeof value));
	CHECK_STR(value, "1234567");
}

static void split_at_blanks(void)
{
	char line[] = "  one\ttwo   three ";
	char *words[3];

	CHECK_EQ(words_split(line, words, 3), 3);
	CHECK_STR(words[0], "one");
	CHECK_STR(words[1], "two");
	CHECK_STR(words[2], "three");
}

static void split_empty_and_too_many(void)
{
	char empty[] = "", blank[] = "   ", four[] = "a b c d", three[] = "a b c";
	char *words[3];

	CHECK_EQ(words_split(empty, words, 3), 0);
	CHECK_EQ(words_split(blank, words, 3), 0);
	CHECK_EQ(words_split(four, words, 3), ERR_INVAL);
	CHECK_EQ(words_split(three, words, 3), 3);
}

/* Cutting a line of random words gives those words back. */
static void split_random_lines(void)
{
	u64 seed = 7;

	for (unsigned round = 0; round < 200; round++) {
		char line[256], copy[256];
		char *words[16];
		unsigned n = (unsigned)test_below(&seed, 16), at = 0;
		unsigned begin[16], bytes[16];

		for (unsigned i = 0; i < n; i++) {
			for (u64 b = test_below(&seed, 3) + (i > 0); b; b--)
				line[at++] = test_below(&seed, 2) ? ' ' : '\t';
			begin[i] = at;
			bytes[i] = (unsigned)test_below(&seed, 9) + 1;
			for (unsigned k = 0; k < bytes[i]; k++)
				line[at++] = (char)('!' + test_below(&seed, 90));
		}
		line[at] = '\0';
		memcpy(copy, line, sizeof copy);
		CHECK_EQ(words_split(line, words, 16), n);
		for (unsigned i = 0; i < n; i++) {
			CHECK_EQ(words[i] - line, begin[i]);
			CHECK_EQ(strlen(words[i]), bytes[i]);
			CHECK(!memcmp(words[i], copy + begin[i], bytes[i]));
		}
	}
}

TESTS_MAIN(PLAIN(find_takes_whole_words_only), PLAIN(find_gives_the_value),
	   PLAIN(split_at_blanks), PLAIN(split_empty_and_too_many), PLAIN(split_random_lines));
