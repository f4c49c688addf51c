/*
 * accept.h: a trace as operations, for the acceptor.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "sched_world.h"

#define OP_EVENTS 8

/* The events of one operation of the scheduler, or one event that belongs to none. */
struct op {
	struct trace_event event[OP_EVENTS];
	struct op *next; /* with a seq, of the same CPU */
	unsigned n;      /* 0: behind the last */
	unsigned cpu;
	u32 seq;
	bool has_seq, dropped;
};

struct slot {
	i32 tid;
	u32 stack; /* on which its poll is suspended, 0 none */
};

/* All of a trace, in order; payloads may be written. Exits when there is none, or not all of it. */
struct op *read_trace(const char *dir);

/* Changes it in the place of that number; exits with 2 when there is none. */
void doctor(struct op *ops, const char *kind, unsigned number);

_Noreturn void unknown(const char *what);
