/*
 * events.h: kernel/trace/events.def as tables, and one event as all readers pass it around.
 * The tables are constant after events_init. No memory is allocated here.
 */
#pragma once

#include "trace/trace.h"

struct code {
	const char *name;
	u32 number;
};

struct code_set {
	const char *name;
	const struct code *codes;
	unsigned n;
};

enum field_kind { FIELD_INT, FIELD_TEXT, FIELD_ITEMS };

struct item_layout;

struct field {
	const char *name, *type, *meaning;
	enum field_kind kind;
	bool is_signed;
	u16 bytes;		    /* of the number or the text */
	u16 offset;		    /* from the start of the payload or item; set by events_init */
	const struct code_set *set; /* names of its numbers, or NULL */
	const struct item_layout *item;
	const char *count; /* FIELD_ITEMS: the field that holds how many */
};

struct item_layout {
	const char *name;
	struct field *fields;
	u16 n, bytes;
};

struct event_layout {
	const char *name, *meaning;
	struct field *fields;
	u16 n;
	u16 bytes;	 /* payload without items */
	i16 seq_offset;	 /* of the field seq, -1 when there is none */
	i16 items_count; /* offset of the u8 that counts the items, -1 when there are none */
	u16 item_bytes;
};

/* Payload points into the reader's buffer, 8-byte aligned, valid as long as the trace. */
struct trace_event {
	u64 ticks;
	const u8 *payload;
	const void *packet; /* struct trace_packet that holds it; NULL when there is none */
	u32 bytes;	    /* of the payload */
	u16 id, cpu;
	bool after_loss;   /* events of this CPU in front of this one are missing */
	bool loss_follows; /* and behind it */
};

/** Fills in offsets. Call first; again is harmless. */
void events_init(void);

/** NULL when no event has this number. */
const struct event_layout *event_layout(unsigned id);

/** Layout by name, or NULL; *@p id gets the number unless NULL. */
const struct event_layout *event_by_name(const char *name, unsigned *id);

/** True when a payload of @p bytes at @p payload is one that event @p id can have. */
bool event_fits(unsigned id, const void *payload, usize bytes);

/** The seq of the event; false when it has none. */
bool event_seq(const struct trace_event *e, u32 *seq);

/** The number in an integer field of the payload or item at @p base, sign-extended. */
i64 field_value(const struct field *f, const u8 *base);

/** The name of @p value in the field's set, or NULL. */
const char *field_code(const struct field *f, i64 value);

/** The name of a scheduling class; "?" when there is none. */
const char *class_name(unsigned class);

/** The place of a class among the others, 0 most urgent. */
unsigned class_urgency(unsigned class);

/* TRACE_PAYLOAD(e, sched_switch): the typed payload. The reader has checked its size. */
#define TRACE_PAYLOAD(e, name) ((const struct trace_##name *)(const void *)(e)->payload)
