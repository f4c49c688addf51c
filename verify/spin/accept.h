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

/* The operation's event of that kind, or NULL. */
const struct trace_event *part(const struct op *o, unsigned id);
/* Where the task is in the model; NOBODY: nowhere. */
unsigned slot_of(const struct slot *slots, i32 tid);
void print_state(const struct model *s, const struct slot *slots);
bool is_step(const struct op *o);
/* Links each CPU's operations that are steps, and names the first. */
void link_ops(struct op *ops, struct op **next_op);
