#include "base/printf.h"
#include "base/string.h"

/* Where the characters go, and how many went there. */
struct sink {
	void (*put)(void *to, char c);
	void *to;
	int count;
};

struct spec {
	bool left, zero;
	int width;
	int precision; /* -1: none given */
	int longs;     /* number of l; 2 for z */
};

static void emit(struct sink *out, char c)
{
	out->put(out->to, c);
	out->count++;
}

static void emit_padded(struct sink *out, const struct spec *s, const char *prefix,
			const char *text, int len)
{
	int pad = s->width - len - (int)strlen(prefix);
	bool zeros = s->zero && !s->left;

	for (; !s->left && !zeros && pad > 0; pad--)
		emit(out, ' ');
	for (; *prefix; prefix++)
		emit(out, *prefix);
	for (; zeros && pad > 0; pad--)
		emit(out, '0');
	for (; len > 0; len--)
		emit(out, *text++);
	for (; pad > 0; pad--)
		emit(out, ' ');
}

static void emit_number(struct sink *out, const struct spec *s, const char *prefix, u64 value,
			unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[20]; /* 2^64 - 1 has 20 decimal digits */
	char *p = text + sizeof(text);

	do {
		*--p = digits[value % base];
		value /= base;
	} while (value);
	emit_padded(out, s, prefix, p, (int)(text + sizeof(text) - p));
}

static void emit_string(struct sink *out, struct spec *s, const char *text)
{
	int len = 0;

	if (!text)
		text = "(null)";
	while ((s->precision < 0 || len < s->precision) && text[len])
		len++;
	s->zero = false;
	emit_padded(out, s, "", text, len);
}

/* One conversion, whose flags are in @p s. Promoted arguments are passed on to va_arg. */
static void convert(struct sink *out, struct spec *s, char conversion, va_list *ap)
{
	i64 number;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		number = s->longs ? va_arg(*ap, long) : va_arg(*ap, int);
		emit_number(out, s, number < 0 ? "-" : "",
			    number < 0 ? 0 - (u64)number : (u64)number, 10, false);
		return;
	case 'u':
	case 'x':
	case 'X':
		emit_number(out, s, "",
			    s->longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned),
			    conversion == 'u' ? 10 : 16, conversion == 'X');
		return;
	case 'p':
		emit_number(out, s, "0x", (uptr)va_arg(*ap, void *), 16, false);
		return;
	case 's':
		emit_string(out, s, va_arg(*ap, const char *));
		return;
	case 'c':
		c = (char)va_arg(*ap, int);
		s->zero = false;
		emit_padded(out, s, "", &c, 1);
		return;
	default: /* '%'; the compiler's format check lets nothing else through */
		emit(out, '%');
		if (conversion != '%')
			emit(out, conversion);
	}
}

static const char *parse_count(const char *p, int *value, va_list *ap)
{
	if (*p == '*') {
		*value = va_arg(*ap, int);
		return p + 1;
	}
	for (*value = 0; *p >= '0' && *p <= '9'; p++)
		*value = *value * 10 + (*p - '0');
	return p;
}

static const char *parse_spec(const char *p, struct spec *s, va_list *ap)
{
	*s = (struct spec){.precision = -1};
	for (; *p == '-' || *p == '0'; p++) {
		s->left |= *p == '-';
		s->zero |= *p == '0';
	}
	p = parse_count(p, &s->width, ap);
	if (s->width < 0) {
		s->left = true;
		s->width = -s->width;
	}
	if (*p == '.')
		p = parse_count(p + 1, &s->precision, ap);
	for (; *p == 'l' || *p == 'z'; p++)
		s->longs++;
	return p;
}

int kvprintf(void (*put)(void *to, char c), void *to, const char *fmt, va_list ap)
{
	struct sink out = {put, to, 0};
	struct spec spec;
	va_list args;

	va_copy(args, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			emit(&out, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &spec, &args);
		if (!*fmt)
			break;
		convert(&out, &spec, *fmt, &args);
	}
	va_end(args);
	return out.count;
}

struct buffer {
	char *next, *last; /* last: where the terminator goes at the latest */
};

static void put_buffer(void *to, char c)
{
	struct buffer *b = to;

	if (b->next < b->last)
		*b->next++ = c;
}

int kvsnprintf(char *buf, usize bytes, const char *fmt, va_list ap)
{
	struct buffer b = {buf, bytes ? buf + bytes - 1 : buf};
	int len = kvprintf(put_buffer, &b, fmt, ap);

	if (bytes)
		*b.next = '\0';
	return len;
}

int ksnprintf(char *buf, usize bytes, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int len = kvsnprintf(buf, bytes, fmt, ap);
	va_end(ap);
	return len;
}
