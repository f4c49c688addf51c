/*
 * protobuf.h: the wire format of protocol buffers, as much of it as Perfetto's traces need
 * (protobuf.dev/programming-guides/encoding). Failures stick in the buffer.
 */
#pragma once

#include "buffer.h"

void pb_int(struct buffer *b, unsigned field, u64 value);
void pb_text(struct buffer *b, unsigned field, const char *text);

/** Begins a message in field @p field; give what it returns to pb_end. */
usize pb_begin(struct buffer *b, unsigned field);
void pb_end(struct buffer *b, usize begun);
