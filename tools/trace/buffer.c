#include "buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct buffer *b, usize bytes)
{
	usize room = b->room ? b->room : 256;
	u8 *data;

	if (b->failed)
		return false;
	if (bytes <= b->room - b->bytes)
		return true;
	while (room - b->bytes < bytes && room < SIZE_MAX / 2)
		room *= 2;
	data = realloc(b->data, room);
	if (!data || room - b->bytes < bytes) {
		b->failed = true;
		b->data = data ? data : b->data;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

void buffer_add(struct buffer *b, const void *data, usize bytes)
{
	if (!bytes || !reserve(b, bytes))
		return;
	memcpy(b->data + b->bytes, data, bytes);
	b->bytes += bytes;
}

void buffer_text(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0 || !reserve(b, (usize)n + 1))
		return;
	va_start(args, fmt);
	vsnprintf((char *)b->data + b->bytes, (usize)n + 1, fmt, args);
	va_end(args);
	b->bytes += (usize)n;
}

void buffer_int(struct buffer *b, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		u8 byte = (u8)(value >> 8 * i);

		buffer_add(b, &byte, 1);
	}
}

void buffer_align(struct buffer *b, usize align)
{
	static const u8 zeros[8];

	while (!b->failed && b->bytes % align)
		buffer_add(b, zeros, MIN(sizeof zeros, align - b->bytes % align));
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}

int buffer_save(const struct buffer *b, const char *path, char *err, usize err_bytes)
{
	FILE *f;
	bool ok;

	if (b->failed) {
		snprintf(err, err_bytes, "%s: out of memory", path);
		return -1;
	}
	f = fopen(path, "wb");
	ok = f && fwrite(b->data, 1, b->bytes, f) == b->bytes;
	if (f && fclose(f))
		ok = false;
	if (!ok)
		snprintf(err, err_bytes, "%s: %s", path, strerror(errno));
	return ok ? 0 : -1;
}

int buffer_load(struct buffer *b, const char *path, char *err, usize err_bytes)
{
	FILE *f = fopen(path, "rb");
	bool ok = f != NULL;

	while (ok && !feof(f)) {
		usize n;

		if (!reserve(b, KIB(64))) {
			errno = ENOMEM;
			ok = false;
			break;
		}
		n = fread(b->data + b->bytes, 1, b->room - b->bytes, f);
		b->bytes += n;
		ok = !ferror(f);
	}
	if (!ok)
		snprintf(err, err_bytes, "%s: %s", path, strerror(errno));
	if (f)
		fclose(f);
	return ok ? 0 : -1;
}
