/*
 * trace.h: the recorder. One ring of packets for each CPU, written only by that CPU with
 * interrupts masked, so recording needs no atomic and is safe in every context. A packet is at
 * the same time a CTF 1.8 packet (Common Trace Format specification v1.8.3), so the host copies
 * rings to files without looking inside. When a ring is full its oldest packet is overwritten:
 * the trace keeps the newest events, and packet_seq shows the gap.
 *
 * A record: u32 low half of the clock, u16 event number, u16 length in 8-byte words (in what is
 * padding to CTF; this first word counts), payload. The word behind the last record of an open
 * packet is 0. Within a packet the clock's high half does not change.
 */
#pragma once

#include "arch/arch.h"
#include "base/types.h"
#include "sync/annotate.h"
#include <stdatomic.h>

#define TRACE_PACKET_BYTES KIB(64)
#define TRACE_CTF_MAGIC 0xC1FC1FC1u
#define TRACE_MAGIC 0x3141544d52454624ull /* "$FERMTA1" in memory order */
#define TRACE_VERSION 1u
#define TRACE_CANDIDATES_MAX 8
#define TRACE_NO_CPU 255
/* The trace's UUID in each packet and in the metadata: 6665726d-6174-6100-8000-000000000000. */
#define TRACE_UUID_BYTES 0x66, 0x65, 0x72, 0x6d, 0x61, 0x74, 0x61, 0, 0x80, 0, 0, 0, 0, 0, 0, 0

/* Codes: TRACE_<set>_<name>. */
#define VALUE(set, name, number) TRACE_##set##_##name = number,
#define VALUES(set, ...) enum { __VA_ARGS__ };
#include "trace/events.def"

/* Payloads: struct trace_<event>; and the elements of their sequences. */
#define FIELD(type, name, meaning) type name;
#define CODE(type, name, set, meaning) type name;
#define TEXT(name, bytes, meaning) char name[bytes];
#define ITEMS(item, name, count, meaning)
#define ITEM(name, ...) struct trace_##name { __VA_ARGS__ };
#define EVENT(ID, number, name, meaning, ...) struct trace_##name { __VA_ARGS__ };
#include "trace/events.def"

/* Numbers: TRACE_EV_<ID>. */
#define EVENT(ID, number, name, ...) TRACE_EV_##ID = number,
enum {
#include "trace/events.def"
	TRACE_EVENTS_END
};

struct trace_packet {
	u32 magic;
	u8 uuid[16];
	u32 stream_id;
	u64 timestamp_begin, timestamp_end; /* clock ticks */
	u64 content_bits;		    /* 0 while the packet is open */
	u64 packet_bits;
	u64 packet_seq; /* per CPU, from 0 */
	u64 events_discarded;
	u32 cpu;
	u32 pad;
};
_Static_assert(sizeof(struct trace_packet) == 80, "CTF packet header and context");

/* Where the rings are, for whoever reads the machine's memory: the host after the run, a
 * debugger, the UART dump. Found by its symbol, or by its magic at a page boundary. */
struct trace_descriptor {
	u64 magic;
	u32 version;
	u32 cpus;
	u64 clock_hz;
	u32 packet_bytes;
	u32 packets;	    /* in each ring; packet i of CPU c is at ring[c] + i * packet_bytes */
	u64 ring[CPUS_MAX]; /* physical addresses, 0 when there is none */
	u64 seed;	    /* the simulator's; 0 elsewhere */
	char board[16];
	char build[48]; /* compiler and source identity */
};
extern struct trace_descriptor trace_descriptor;

enum trace_level {
	TRACE_OFF = 0,
	TRACE_BRIEF = 1, /* decisions without candidates */
	TRACE_FULL = 2,
};
extern _Atomic u8 trace_level; /* written by trace_set_level */

/** What is recorded; read at each event. Context: any. */
static inline enum trace_level trace_level_now(void)
{
	/* relaxed: an event more or less beside the change is as good */
	return atomic_load_explicit(&trace_level, memory_order_relaxed);
}

/** Makes a ring for each CPU. Once, when the page allocator and clock are ready; events before
 *  are not recorded. @p cpus: 1 to CPUS_MAX. */
void trace_init(unsigned cpus);

/** Context: any. */
void trace_set_level(enum trace_level level);

/**
 * Records event @p id: @p bytes of payload, followed by @p more_bytes of sequence elements; both
 * multiples of 8. Use TRACE. Context: any, also before trace_init and in a panic.
 */
void trace_record(unsigned id, const void *payload NO_ESCAPE, usize bytes,
		  const void *more NO_ESCAPE, usize more_bytes);

/** Events recorded and packets overwritten by all CPUs so far; approximate while CPUs run. */
void trace_counts(u64 *events, u64 *packets_lost);

/** Calls @p row for the last @p n events of @p cpu, oldest first: for panics and debuggers. */
void trace_last(unsigned cpu, unsigned n,
		void (*row)(u64 ticks, unsigned id, const void *payload, usize bytes));

/** The name of event @p id; "?" when there is none. */
const char *trace_event_name(unsigned id);

/** The fields of event @p id in order, as "i32 prev_tid;u8 why;t16 child_comm;": type (u or i
 *  with its bits, t with its bytes of text), a space, name. Sequence elements are left out. */
const char *trace_event_layout(unsigned id);

/** TRACE(SCHED_LOOK, sched_look, .seq = n): off, it costs one load and one branch. */
#define TRACE(ID, event, ...)                                                                      \
	do {                                                                                       \
		if (unlikely(trace_level_now() != TRACE_OFF)) {                                        \
			struct trace_##event payload_ = {__VA_ARGS__};                             \
			trace_record(TRACE_EV_##ID, &payload_, sizeof payload_, NULL, 0);          \
		}                                                                                  \
	} while (0)
