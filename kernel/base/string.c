#include "base/string.h"
#include "base/error.h"

/*
 * Compilers recognise a copying or filling loop and put a call to memcpy or memset in its place,
 * which here would call itself. A value that passes through an empty asm statement in each turn
 * is opaque to that pass in gcc and clang alike, and costs no instruction.
 */
#define OPAQUE(x) __asm__("" : "+r"(x))

#define WORD sizeof(u64)
#define WORD_ALIGNED(p) ((uptr)(p) % WORD == 0)
typedef u64 __attribute__((may_alias)) word;
struct loose_word {
	u64 value;
} __attribute__((packed, may_alias));

static void *copy_up(void *to, const void *from, usize bytes)
{
	u8 *t = to;
	const u8 *f = from;

	for (; bytes && !WORD_ALIGNED(t); bytes--) {
		*t++ = *f++;
		OPAQUE(t);
	}
	if (WORD_ALIGNED(f)) {
		for (; bytes >= 4 * WORD; bytes -= 4 * WORD, t += 4 * WORD, f += 4 * WORD) {
			u64 a = ((const word *)f)[0], b = ((const word *)f)[1];
			u64 c = ((const word *)f)[2], d = ((const word *)f)[3];

			((word *)t)[0] = a, ((word *)t)[1] = b;
			((word *)t)[2] = c, ((word *)t)[3] = d;
			OPAQUE(t);
		}
		for (; bytes >= WORD; bytes -= WORD, t += WORD, f += WORD) {
			*(word *)t = *(const word *)f;
			OPAQUE(t);
		}
	}
	for (; bytes >= WORD; bytes -= WORD, t += WORD, f += WORD) {
		*(word *)t = ((const struct loose_word *)f)->value;
		OPAQUE(t);
	}
	for (; bytes; bytes--) {
		*t++ = *f++;
		OPAQUE(t);
	}
	return to;
}

static void *copy_down(void *to, const void *from, usize bytes)
{
	u8 *t = (u8 *)to + bytes;
	const u8 *f = (const u8 *)from + bytes;

	for (; bytes && !WORD_ALIGNED(t); bytes--) {
		*--t = *--f;
		OPAQUE(t);
	}
	for (; bytes >= WORD; bytes -= WORD) {
		t -= WORD;
		f -= WORD;
		*(word *)t = ((const struct loose_word *)f)->value;
		OPAQUE(t);
	}
	for (; bytes; bytes--) {
		*--t = *--f;
		OPAQUE(t);
	}
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, usize bytes)
{
	return copy_up(to, from, bytes);
}

void *memmove(void *to, const void *from, usize bytes)
{
	/* One unsigned comparison: true when `to` lies below `from` or beyond its end. */
	if ((uptr)to - (uptr)from >= bytes)
		return copy_up(to, from, bytes);
	return copy_down(to, from, bytes);
}

void *memset(void *to, int byte, usize bytes)
{
	u8 *t = to;
	u64 fill = 0x0101010101010101u * (u8)byte;

	for (; bytes && !WORD_ALIGNED(t); bytes--) {
		*t++ = (u8)byte;
		OPAQUE(t);
	}
	for (; bytes >= 8 * WORD; bytes -= 8 * WORD, t += 8 * WORD) {
		((word *)t)[0] = fill, ((word *)t)[1] = fill;
		((word *)t)[2] = fill, ((word *)t)[3] = fill;
		((word *)t)[4] = fill, ((word *)t)[5] = fill;
		((word *)t)[6] = fill, ((word *)t)[7] = fill;
		OPAQUE(t);
	}
	for (; bytes >= WORD; bytes -= WORD, t += WORD) {
		*(word *)t = fill;
		OPAQUE(t);
	}
	for (; bytes; bytes--) {
		*t++ = (u8)byte;
		OPAQUE(t);
	}
	return to;
}

int memcmp(const void *a, const void *b, usize bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

usize strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		p++;
		OPAQUE(p);
	}
	return (usize)(p - s);
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, usize n)
{
	for (; n && *a && *a == *b; a++, b++, n--)
		;
	return n ? (u8)*a - (u8)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uptr)s;
}

char *strstr(const char *hay, const char *needle)
{
	usize n = strlen(needle);

	for (; *hay || !n; hay++)
		if (strncmp(hay, needle, n) == 0)
			return (char *)(uptr)hay;
	return NULL;
}

usize strlcpy(char *to, const char *from, usize bytes)
{
	const char *begin = from, *last = to + bytes - 1;

	for (; bytes && to < last && *from; to++)
		*to = *from++;
	if (bytes)
		*to = '\0';
	return (usize)(from - begin) + strlen(from);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

int parse_u64(const char *s, u64 *out)
{
	u64 base = 10, value = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return ERR_INVAL;
	for (; *s; s++) {
		u64 digit = (u64)digit_value(*s);

		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return ERR_INVAL;
		value = value * base + digit;
	}
	*out = value;
	return 0;
}
