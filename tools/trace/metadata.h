/*
 * metadata.h: the text that tells Common Trace Format readers what the packets mean, made from
 * events.def (CTF specification v1.8.3, section 7; what Trace Compass asks for beyond it is its
 * LttngKernelTrace: env.domain and tracer_name).
 */
#pragma once

#include "buffer.h"
#include "trace/trace.h"

/* What a trace says about its machine. */
struct trace_about {
	u64 clock_hz, seed;
	char board[16];
	char build[48];
	u32 version;
};

/** Appends the metadata to @p out. */
void metadata_write(struct buffer *out, const struct trace_about *about);

/** Reads back what metadata_write wrote; false when it is not that, @p why says what is wrong. */
bool metadata_read(const char *text, struct trace_about *about, const char **why);
