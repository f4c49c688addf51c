/* Formatted text: kernel/base/printf.c against the C library's. */
#include "../../common/host.h"
#include "base/printf.h"

#define TEXT_BYTES 128

/* Formats one argument by both. A macro: the argument's type is the caller's. */
#define SAME(format, ...)                                                                          \
	do {                                                                                       \
		char mine_[TEXT_BYTES] = "", right_[TEXT_BYTES];                                   \
		int n_ = ksnprintf(mine_, sizeof mine_, format, __VA_ARGS__);                      \
		int right_n_ = snprintf(right_, sizeof right_, format, __VA_ARGS__);               \
                                                                                                   \
		EXPECT(!strcmp(mine_, right_), "\"%s\" gives \"%s\", and should give \"%s\"",      \
		       format, mine_, right_);                                                     \
		EXPECT(n_ == right_n_, "\"%s\" gives \"%s\" and says that its length is %d",       \
		       format, mine_, n_);                                                         \
		host_note((u64)n_);                                                                \
	} while (0)

static void numbers(void)
{
	SAME("%d", 0);
	SAME("%d", -1);
	SAME("%u", 4294967295u);
	SAME("%x", 0xc0ffee);
	SAME("%X", 0xc0ffee);
	SAME("%lu", 18446744073709551615ul);
	SAME("%ld", -9223372036854775807l - 1);
	SAME("%p", (void *)0x1234);
}

static void padding(void)
{
	SAME("%8d|", -42);
	SAME("%08d|", -42);
	SAME("%-8d|", -42);
	SAME("%2d|", 12345);
	SAME("%*d|", -8, 7);
	SAME("%20p|", (void *)0xbeef);
	SAME("%3c|", 'x');
}

static void strings(void)
{
	SAME("%s", "");
	SAME("%10s|", "text");
	SAME("%-10s|", "text");
	SAME("%.2s|", "text");
	SAME("%.*s|", 3, "text");
	SAME("%6.9s|", "text");

	/* A precision is also a promise: nothing behind it is read. */
	char *no_end = malloc(3);

	memcpy(no_end, "abc", 3);
	SAME("%.3s|", no_end);
	free(no_end);
}

static u64 some_number(void)
{
	u64 number = host_below(UINT64_MAX);

	return number >> host_below(64);
}

/* A format such as %-08lx for the conversion @p c. */
static void some_format(char *format, const char *length, char c)
{
	char width[8] = "";
	const char *flags[] = {"", "-", "0", "-0"};

	if (host_below(3))
		snprintf(width, sizeof width, "%u", 1 + (unsigned)host_below(24));
	snprintf(format, 16, "%%%s%s%s%c", flags[host_below(4)], width, length, c);
}

static void against_the_library(void)
{
	static const char signs[] = "di", others[] = "uxX";
	char format[16];

	for (unsigned i = 0; i < 4000 && !host_failures; i++) {
		u64 number = some_number();

		some_format(format, "", signs[host_below(2)]);
		SAME(format, (int)number);
		some_format(format, "l", signs[host_below(2)]);
		SAME(format, (long)number);
		some_format(format, "", others[host_below(3)]);
		SAME(format, (unsigned)number);
		some_format(format, "z", others[host_below(3)]);
		SAME(format, (usize)number);
	}
}

static void short_buffers(void)
{
	for (usize bytes = 0; bytes < 12; bytes++) {
		char *buffer = malloc(bytes ? bytes : 1); /* the checker guards its end */
		int n = ksnprintf(buffer, bytes, "%s-%d", "text", 77);

		EXPECT(n == 7, "into %zu bytes: the whole text has 7 characters, not %d", bytes, n);
		EXPECT(!bytes || strlen(buffer) == MIN(bytes - 1, 7u),
		       "into %zu bytes went %zu characters", bytes, strlen(buffer));
		free(buffer);
	}
}

TESTS(TEST(numbers), TEST(padding), TEST(strings), TEST(against_the_library), TEST(short_buffers));
