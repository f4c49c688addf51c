#include "events.h"

/* Code sets: set_<name>. */
#define VALUE(set, name, number) {#name, number},
#define VALUES(set, ...)                                                                           \
	static const struct code codes_##set[] = {__VA_ARGS__};                                    \
	static const struct code_set set_##set __attribute__((unused)) = {#set, codes_##set, ARRAY_LEN(codes_##set)};
#include "trace/events.def"

#define SIGNED_u8 false
#define SIGNED_u16 false
#define SIGNED_u32 false
#define SIGNED_u64 false
#define SIGNED_i16 true
#define SIGNED_i32 true

#define FIELD(type_, name_, meaning_)                                                              \
	{.name = #name_, .type = #type_, .meaning = meaning_, .kind = FIELD_INT,                   \
	 .is_signed = SIGNED_##type_, .bytes = sizeof(type_)},
#define CODE(type_, name_, codes_, meaning_)                                                       \
	{.name = #name_, .type = #type_, .meaning = meaning_, .kind = FIELD_INT,                   \
	 .is_signed = SIGNED_##type_, .bytes = sizeof(type_), .set = &set_##codes_},
#define TEXT(name_, bytes_, meaning_)                                                              \
	{.name = #name_, .type = "u8", .meaning = meaning_, .kind = FIELD_TEXT, .bytes = bytes_},
#define ITEMS(layout_, name_, count_, meaning_)                                                    \
	{.name = #name_, .type = #layout_, .meaning = meaning_, .kind = FIELD_ITEMS,                 \
	 .item = &item_##layout_, .count = #count_},

#define ITEM(name, ...)                                                                            \
	static struct field item_fields_##name[] = {__VA_ARGS__};                                  \
	static struct item_layout item_##name = {#name, item_fields_##name,                        \
						 ARRAY_LEN(item_fields_##name),                    \
						 sizeof(struct trace_##name)};
#define EVENT(ID, number, name, meaning, ...) static struct field fields_##name[] = {__VA_ARGS__};
#include "trace/events.def"

#define EVENT(ID, number, name_, meaning_, ...)                                                    \
	[number] = {.name = #name_, .meaning = meaning_, .fields = fields_##name_,                 \
		    .n = ARRAY_LEN(fields_##name_), .bytes = sizeof(struct trace_##name_)},
static struct event_layout layouts[TRACE_EVENTS_END] = {
#include "trace/events.def"
};

static bool ready;

/* Fields are naturally aligned and the compiler adds nothing else (a rule of events.def). */
static void place_fields(struct field *fields, unsigned n)
{
	u16 at = 0;

	for (unsigned i = 0; i < n; i++) {
		struct field *f = &fields[i];

		if (f->kind == FIELD_INT)
			at = ALIGN_UP(at, f->bytes);
		f->offset = at;
		if (f->kind != FIELD_ITEMS)
			at += f->bytes;
	}
}

/* strcmp() == 0; a program without a C library can link this file. */
static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static const struct field *field_named(const struct event_layout *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (same(l->fields[i].name, name))
			return &l->fields[i];
	return NULL;
}

#define CLASSES_MAX 32u

static u8 urgency[CLASSES_MAX];

static const struct code *code_named(const struct code_set *set, const char *name)
{
	for (unsigned i = 0; i < set->n; i++)
		if (same(set->codes[i].name, name))
			return &set->codes[i];
	return NULL;
}

const char *class_name(unsigned class)
{
	for (unsigned i = 0; i < set_sched_class.n; i++)
		if (set_sched_class.codes[i].number == class)
			return set_sched_class.codes[i].name;
	return "?";
}

unsigned class_urgency(unsigned class)
{
	return class < CLASSES_MAX ? urgency[class] : CLASSES_MAX;
}

/* A class is as urgent as sched_urgency says of its name. */
static void rank_classes(void)
{
	for (unsigned i = 0; i < CLASSES_MAX; i++) {
		const struct code *c = code_named(&set_sched_urgency, class_name(i));

		urgency[i] = (u8)(c ? c->number : CLASSES_MAX);
	}
}

void events_init(void)
{
	if (ready)
		return;
	ready = true;
	rank_classes();
	for (unsigned id = 0; id < TRACE_EVENTS_END; id++) {
		struct event_layout *l = &layouts[id];
		const struct field *last;

		l->seq_offset = l->items_count = -1;
		if (!l->name)
			continue;
		place_fields(l->fields, l->n);
		if (field_named(l, "seq"))
			l->seq_offset = (i16)field_named(l, "seq")->offset;
		last = &l->fields[l->n - 1];
		if (last->kind == FIELD_ITEMS) {
			place_fields(last->item->fields, last->item->n);
			l->items_count = (i16)field_named(l, last->count)->offset;
			l->item_bytes = last->item->bytes;
		}
	}
}

const struct event_layout *event_layout(unsigned id)
{
	return id < TRACE_EVENTS_END && layouts[id].name ? &layouts[id] : NULL;
}

const struct event_layout *event_by_name(const char *name, unsigned *id)
{
	for (unsigned i = 0; i < TRACE_EVENTS_END; i++) {
		if (layouts[i].name && same(layouts[i].name, name)) {
			if (id)
				*id = i;
			return &layouts[i];
		}
	}
	return NULL;
}

bool event_fits(unsigned id, const void *payload, usize bytes)
{
	const struct event_layout *l = event_layout(id);
	usize want;

	if (!l || bytes < l->bytes)
		return false;
	want = l->bytes;
	if (l->items_count >= 0)
		want += (usize)((const u8 *)payload)[l->items_count] * l->item_bytes;
	return bytes == want;
}

bool event_seq(const struct trace_event *e, u32 *seq)
{
	const struct event_layout *l = event_layout(e->id);

	if (!l || l->seq_offset < 0)
		return false;
	__builtin_memcpy(seq, e->payload + l->seq_offset, sizeof *seq);
	return true;
}

i64 field_value(const struct field *f, const u8 *base)
{
	u64 value = 0;

	for (unsigned i = f->bytes; i-- > 0;)
		value = value << 8 | base[f->offset + i];
	if (f->is_signed && f->bytes < 8 && value >> (8 * f->bytes - 1))
		value |= ~0ull << 8 * f->bytes;
	return (i64)value;
}

const char *field_code(const struct field *f, i64 value)
{
	for (unsigned i = 0; f->set && i < f->set->n; i++)
		if (f->set->codes[i].number == value)
			return f->set->codes[i].name;
	return NULL;
}
