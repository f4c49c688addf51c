/*
 * packet.h: looking inside one packet (kernel/trace/trace.h) in host memory, 8-byte aligned.
 * Pure; never reads behind the bytes it is given.
 */
#pragma once

#include <string.h>

#include "trace/trace.h"

/* A record's first word. */
static inline u64 record_head(const u8 *record)
{
	u64 head;

	memcpy(&head, record, sizeof head);
	return head;
}

static inline unsigned record_id(u64 head)
{
	return (head >> 32) & 0xffff;
}

static inline usize record_bytes(u64 head)
{
	return (usize)(head >> 48) * 8;
}

static inline bool packet_is_ours(const struct trace_packet *p)
{
	static const u8 uuid[16] = {TRACE_UUID_BYTES};

	return p->magic == TRACE_CTF_MAGIC && !memcmp(p->uuid, uuid, sizeof uuid) &&
	       !p->stream_id;
}

/** The time of a record in the packet @p p: the writer opens another when the high half turns. */
static inline u64 record_ticks(const struct trace_packet *p, u64 head)
{
	return (p->timestamp_begin & ~(u64)UINT32_MAX) | (u32)head;
}

/**
 * Where the whole records end, by their lengths. @p content: where the packet says it ends, 0
 * when it is open; then the records end at the first zero word.
 */
static inline usize packet_records_end(const u8 *packet, usize bytes, usize content)
{
	usize end = content && content < bytes ? content : bytes;
	usize at = sizeof(struct trace_packet);

	while (at + 8 <= end) {
		u64 head = record_head(packet + at);
		usize n = record_bytes(head);

		if (!head || !n || n > end - at)
			break;
		at += n;
	}
	return at;
}

/** The time of the last record before @p end; the packet's begin when there is none. */
static inline u64 packet_last_ticks(const u8 *packet, usize end)
{
	const struct trace_packet *p = (const void *)packet;
	u64 last = p->timestamp_begin;

	for (usize at = sizeof *p; at < end; at += record_bytes(record_head(packet + at)))
		last = record_ticks(p, record_head(packet + at));
	return last;
}
