/*
 * reader.h: a trace folder in memory. Loading checks the structure and keeps what is intact:
 * a damaged packet ends behind its last good record, and what is no packet is skipped, so all
 * other parts of the tool see only well-formed records, and are told where some are missing.
 */
#pragma once

#include "buffer.h"
#include "events.h"
#include "metadata.h"

struct packet {
	const u8 *data;	   /* starts with struct trace_packet */
	usize end;	   /* where its good records end */
	bool after_loss;   /* packets or records in front of it are missing */
	bool loss_follows; /* the same, behind its last good record */
};

struct stream {
	u32 cpu;
	struct buffer file;
	struct packet *packets;
	usize n, room;
	char name[32]; /* the file's */
};

/* A fault in the structure. Rule: an S rule of rules.c. */
struct fault {
	const char *rule;
	u32 cpu;
	u64 ticks;
	char text[160];
};

struct trace {
	struct trace_about about;
	struct buffer metadata;
	struct stream *streams; /* in order of CPUs */
	unsigned n;
	u64 first_ticks, last_ticks;
	u64 events, discarded, overwritten_packets;
	bool from_start; /* nothing before the first event is missing */
	struct fault *faults;
	usize faults_n, faults_room;
	u64 faults_more; /* beyond those kept */
};

/** Loads the folder; 0, or -1 with a sentence in @p err when nothing of it can be used. */
int trace_load(struct trace *t, const char *dir, char *err, usize err_bytes) MUST_CHECK;
void trace_unload(struct trace *t);

void trace_fault(struct trace *t, const char *rule, u32 cpu, u64 ticks, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* Where a walk over one stream is. */
struct stream_at {
	usize packet, offset;
};

/** Steps over one event; false at the end of the stream. Begin with a zeroed @p at. */
bool stream_next(const struct stream *s, struct stream_at *at, struct trace_event *e);

/* All streams as one: by time, but never against the order of the scheduler's seq. */
struct merge {
	const struct trace *trace;
	struct merge_stream {
		struct stream_at at, ahead; /* ahead: behind the next event with a seq */
		struct trace_event event;
		bool some;	 /* event is valid */
		bool event_has_seq;
		bool more_seq;	 /* next_seq is valid */
		u32 next_seq;	 /* of the first event at or behind `event` that has one */
	} streams[CPUS_MAX];
	u64 number; /* events returned */
};

void merge_begin(struct merge *m, const struct trace *t);
bool merge_next(struct merge *m, struct trace_event *e);

/** Ticks since the trace's clock began, in ns. */
u64 trace_ns(const struct trace *t, u64 ticks);

/** Prints seconds with nine decimals, as babeltrace2 does. */
#define TIME_FMT "%llu.%09llu"
#define TIME_ARG(ns) (unsigned long long)((ns) / NS_PER_S), (unsigned long long)((ns) % NS_PER_S)
