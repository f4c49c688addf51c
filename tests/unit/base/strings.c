/*
 * Memory and string functions against models that go byte by byte.
 * cpus: 1
 */
#include "../test.h"
#include "base/error.h"

#define AREA 192

static u8 area[AREA + 64], model[AREA + 64];

static void fill(u64 *seed)
{
	for (usize i = 0; i < sizeof area; i++)
		area[i] = model[i] = (u8)test_random(seed);
}

static bool same(void)
{
	for (usize i = 0; i < sizeof area; i++) {
		if (area[i] != model[i])
			return false;
	}
	return true;
}

static void copies_are_exact(void)
{
	u64 seed = 1;
	static u8 from[AREA + 64];

	for (usize i = 0; i < sizeof from; i++)
		from[i] = (u8)test_random(&seed);
	for (unsigned n = 0; n < 4000; n++) {
		usize bytes = test_below(&seed, AREA), at = test_below(&seed, 32);
		usize start = test_below(&seed, 32);

		fill(&seed);
		for (usize i = 0; i < bytes; i++)
			model[at + i] = from[start + i];
		CHECK(memcpy(area + at, from + start, bytes) == area + at);
		CHECK(same());
	}
}

static void overlapping_moves_are_exact(void)
{
	static u8 before[AREA + 64];
	u64 seed = 2;

	for (unsigned n = 0; n < 4000; n++) {
		usize bytes = test_below(&seed, AREA), from = test_below(&seed, 64);
		usize to = test_below(&seed, 64);

		fill(&seed);
		for (usize i = 0; i < sizeof area; i++)
			before[i] = area[i];
		for (usize i = 0; i < bytes; i++)
			model[to + i] = before[from + i];
		CHECK(memmove(area + to, area + from, bytes) == area + to);
		CHECK(same());
	}
}

static void fills_are_exact(void)
{
	u64 seed = 3;

	for (unsigned n = 0; n < 4000; n++) {
		usize bytes = test_below(&seed, AREA), at = test_below(&seed, 32);
		int byte = (int)test_below(&seed, 512) - 128;

		fill(&seed);
		for (usize i = 0; i < bytes; i++)
			model[at + i] = (u8)byte;
		CHECK(memset(area + at, byte, bytes) == area + at);
		CHECK(same());
	}
}

static void memcmp_finds_the_first_difference(void)
{
	u64 seed = 4;

	CHECK_EQ(memcmp("a", "b", 0), 0);
	for (unsigned n = 0; n < 200; n++) {
		usize bytes = 1 + test_below(&seed, 64), at = test_below(&seed, bytes);

		fill(&seed);
		CHECK_EQ(memcmp(area, model, bytes), 0);
		area[at] ^= 0x80;
		CHECK((memcmp(area, model, bytes) > 0) == (area[at] > model[at]));
		CHECK_EQ(memcmp(area, model, at), 0);
	}
}

static void strings_compare_as_unsigned(void)
{
	CHECK_EQ(strcmp("", ""), 0);
	CHECK_EQ(strcmp("abc", "abc"), 0);
	CHECK(strcmp("abc", "abd") < 0);
	CHECK(strcmp("abc", "ab") > 0);
	CHECK(strcmp("ab", "abc") < 0);
	CHECK(strcmp("\xff", "a") > 0);
	CHECK_EQ(strncmp("abc", "abd", 2), 0);
	CHECK(strncmp("abc", "abd", 3) < 0);
	CHECK(strncmp("ab", "abc", 3) < 0);
	CHECK_EQ(strncmp("ab", "ab", 9), 0);
	CHECK_EQ(strncmp("x", "y", 0), 0);
}

static void strings_are_searched(void)
{
	static const char s[] = "needle in a haystack";

	CHECK_EQ(strlen(""), 0);
	CHECK_EQ(strlen(s), sizeof s - 1);
	CHECK(strchr(s, 'n') == s);
	CHECK(strchr(s, 'k') == s + sizeof s - 2);
	CHECK(strchr(s, 'z') == NULL);
	CHECK(strchr(s, '\0') == s + sizeof s - 1);
	CHECK(strstr(s, "needle") == s);
	CHECK(strstr(s, "stack") == s + 15);
	CHECK(strstr(s, "stacks") == NULL);
	CHECK(strstr(s, "") == s);
	CHECK(strstr("", "x") == NULL);
	CHECK_STR(strstr("", ""), "");
	CHECK_STR(strstr("aab", "ab"), "ab");
}

static void strlcpy_cuts_and_terminates(void)
{
	char to[5] = "####";

	CHECK_EQ(strlcpy(to, "abc", sizeof to), 3);
	CHECK_STR(to, "abc");
	CHECK_EQ(strlcpy(to, "abcdefgh", sizeof to), 8);
	CHECK_STR(to, "abcd");
	CHECK_EQ(strlcpy(to, "xyz", 1), 3);
	CHECK_STR(to, "");
	to[0] = '#';
	CHECK_EQ(strlcpy(to, "xyz", 0), 3);
	CHECK_EQ(to[0], '#');
}

static void numbers_are_read_whole_or_not_at_all(void)
{
	static const struct {
		const char *text;
		u64 value;
	} good[] = {
		{"0", 0},
		{"007", 7},
		{"18446744073709551615", UINT64_MAX},
		{"0x0", 0},
		{"0xfFfFfFfFfFfFfFfF", UINT64_MAX},
		{"0X1a", 26},
		{"0x00000000000000000001", 1},
	};
	static const char *const bad[] = {"",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "12a",
					  "0x",
					  "0xg",
					  "x1",
					  "18446744073709551616",
					  "0x10000000000000000",
					  "99999999999999999999"};
	u64 value;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		value = 99;
		CHECK_EQ(parse_u64(good[i].text, &value), 0);
		CHECK_EQ(value, good[i].value);
	}
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(parse_u64(bad[i], &value), ERR_INVAL);
}

static void errors_have_names(void)
{
	CHECK_STR(err_name(0), "ok");
	CHECK_STR(err_name(1), "unknown error");
	CHECK_STR(err_name(ERR_POISONED - 1), "unknown error");
	CHECK_STR(err_name(INT32_MIN), "unknown error");
	for (int err = 0; err >= ERR_POISONED; err--) {
		for (int other = 1; other > err; other--)
			CHECK(strcmp(err_name(err), err_name(other)));
	}
}

TESTS_MAIN(PLAIN(copies_are_exact), PLAIN(overlapping_moves_are_exact), PLAIN(fills_are_exact),
	   PLAIN(memcmp_finds_the_first_difference), PLAIN(strings_compare_as_unsigned),
	   PLAIN(strings_are_searched), PLAIN(strlcpy_cuts_and_terminates),
	   PLAIN(numbers_are_read_whole_or_not_at_all), PLAIN(errors_have_names));
