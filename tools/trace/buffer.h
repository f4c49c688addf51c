/*
 * buffer.h: bytes that grow. Every function may fail for want of memory; the failure sticks in
 * @c failed and later calls do nothing, so a writer checks once, at its end.
 */
#pragma once

#include "base/types.h"

struct buffer {
	u8 *data;
	usize bytes, room;
	bool failed;
};

void buffer_add(struct buffer *b, const void *data, usize bytes);
void buffer_text(struct buffer *b, const char *text);
void buffer_printf(struct buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Little-endian integer of @p bytes bytes. */
void buffer_int(struct buffer *b, u64 value, unsigned bytes);

/** Adds zeros until the size is a multiple of @p align. */
void buffer_align(struct buffer *b, usize align);
void buffer_free(struct buffer *b);

/** Writes the whole buffer to the file; 0, or -1 with the reason in @p err. */
int buffer_save(const struct buffer *b, const char *path, char *err, usize err_bytes) MUST_CHECK;

/** Reads a whole file into the empty @p b; 0, or -1 with the reason in @p err. */
int buffer_load(struct buffer *b, const char *path, char *err, usize err_bytes) MUST_CHECK;
