#include "services/trace_dump.h"
#include "base/printf.h"
#include "core/log.h"
#include "core/time.h"
#include "trace/trace.h"

#define RUN_BYTES 32u

static u32 crc_add(u32 crc, const u8 *bytes, usize n)
{
	/* IEEE 802.3, reflected; bit by bit: the line is slower than this. */
	for (usize i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static bool all_zero(const u8 *bytes, usize n)
{
	for (usize i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static void dump_run(const u8 *at, usize n)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * RUN_BYTES + 1];
	u64 address = (uptr)at;
	u32 crc = crc_add(UINT32_MAX, (const u8 *)&address, sizeof address);

	crc = ~crc_add(crc, at, n);
	for (usize i = 0; i < n; i++) {
		hex[2 * i] = digits[at[i] >> 4];
		hex[2 * i + 1] = digits[at[i] & 15];
	}
	hex[2 * n] = '\0';
	kprintf("@M %lx %s %08x\n", address, hex, crc);
}

/* Returns the lines printed. */
static unsigned dump(const void *from, usize bytes)
{
	const u8 *at = from;
	unsigned lines = 0;

	for (usize n; bytes; at += n, bytes -= n) {
		n = MIN(bytes, RUN_BYTES);
		if (all_zero(at, n))
			continue;
		dump_run(at, n);
		lines++;
	}
	return lines;
}

/* An open packet's end is where its records end: the word behind the last is 0. */
static usize packet_used(const struct trace_packet *p)
{
	const u8 *at = (const u8 *)(p + 1);
	u64 head;

	if (p->content_bits)
		return p->content_bits / 8;
	while ((head = *(const u64 *)at) != 0)
		at += (head >> 48) * 8;
	return (usize)(at - (const u8 *)p);
}

int trace_dump(void)
{
	const struct trace_descriptor *d = &trace_descriptor;
	enum trace_level level = trace_level_now();
	unsigned lines;

	trace_set_level(TRACE_OFF);
	kprintf("@B %lx\n", (uptr)d);
	lines = dump(d, sizeof *d);
	for (unsigned cpu = 0; cpu < d->cpus; cpu++)
		for (unsigned i = 0; i < d->packets; i++) {
			const struct trace_packet *p =
				(const void *)(uptr)(d->ring[cpu] + (u64)i * d->packet_bytes);

			if (p->magic == TRACE_CTF_MAGIC)
				lines += dump(p, packet_used(p));
		}
	kprintf("@E %u\n", lines);
	trace_set_level(level);
	return 0;
}
