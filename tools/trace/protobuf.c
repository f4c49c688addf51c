#include "protobuf.h"

#include <string.h>

#define WIRE_VARINT 0
#define WIRE_BYTES 2
#define LENGTH_BYTES 4 /* a length is patched in, so it is always written this long: < 2^28 */

static void varint(struct buffer *b, u64 value)
{
	u8 bytes[10];
	unsigned n = 0;

	do {
		bytes[n] = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
		n++;
	} while (value);
	buffer_add(b, bytes, n);
}

void pb_int(struct buffer *b, unsigned field, u64 value)
{
	varint(b, field << 3 | WIRE_VARINT);
	varint(b, value);
}

void pb_text(struct buffer *b, unsigned field, const char *text)
{
	usize n = strlen(text);

	varint(b, field << 3 | WIRE_BYTES);
	varint(b, n);
	buffer_add(b, text, n);
}

usize pb_begin(struct buffer *b, unsigned field)
{
	varint(b, field << 3 | WIRE_BYTES);
	buffer_int(b, 0, LENGTH_BYTES);
	return b->bytes;
}

void pb_end(struct buffer *b, usize begun)
{
	usize n = b->bytes - begun;

	if (b->failed)
		return;
	if (n >= 1u << 7 * LENGTH_BYTES) {
		b->failed = true;
		return;
	}
	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		b->data[begun - LENGTH_BYTES + i] =
			(u8)((n >> 7 * i & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}
