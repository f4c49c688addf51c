#include "metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

static const char head[] =
	"/* CTF 1.8 */\n\n"
	"typealias integer { size = 8;  align = 8;  signed = false; } := u8;\n"
	"typealias integer { size = 16; align = 16; signed = false; } := u16;\n"
	"typealias integer { size = 32; align = 32; signed = false; } := u32;\n"
	"typealias integer { size = 64; align = 64; signed = false; } := u64;\n"
	"typealias integer { size = 16; align = 16; signed = true;  } := i16;\n"
	"typealias integer { size = 32; align = 32; signed = true;  } := i32;\n"
	"typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; base = 10; } "
	":= text_char;\n\n";

static const char trace_block[] =
	"trace {\n"
	"\tmajor = 1;\n"
	"\tminor = 8;\n"
	"\tuuid = \"%s\";\n"
	"\tbyte_order = le;\n"
	"\tpacket.header := struct {\n"
	"\t\tu32 magic;\n"
	"\t\tu8  uuid[16];\n"
	"\t\tu32 stream_id;\n"
	"\t};\n"
	"};\n\n";

/* Trace Compass selects its kernel analyses by domain and tracer_name; 2.13 names the LTTng
 * release whose event layout these events follow. */
static const char env_block[] =
	"env {\n"
	"\thostname = \"%s\";\n"
	"\tdomain = \"kernel\";\n"
	"\tsysname = \"fermata\";\n"
	"\tkernel_release = \"%u\";\n"
	"\tbuild = \"%s\";\n"
	"\ttracer_name = \"lttng-modules\";\n"
	"\ttracer_major = 2;\n"
	"\ttracer_minor = 13;\n"
	"\ttracer_patchlevel = 0;\n"
	"\tseed = \"%llu\";\n"
	"};\n\n";

static const char clock_block[] =
	"clock {\n"
	"\tname = \"boot\";\n"
	"\tdescription = \"time since boot\";\n"
	"\tfreq = %llu;\n"
	"\tprecision = 1;\n"
	"\toffset_s = 0;\n"
	"\toffset = 0;\n"
	"\tabsolute = false;\n"
	"};\n\n"
	"typealias integer { size = 64; align = 64; signed = false; map = clock.boot.value; } "
	":= ts64;\n"
	"typealias integer { size = 32; align = 32; signed = false; map = clock.boot.value; } "
	":= ts32;\n\n"
	"stream {\n"
	"\tid = 0;\n"
	"\tpacket.context := struct {\n"
	"\t\tts64 timestamp_begin;\n"
	"\t\tts64 timestamp_end;\n"
	"\t\tu64  content_size;\n"
	"\t\tu64  packet_size;\n"
	"\t\tu64  packet_seq_num;\n"
	"\t\tu64  events_discarded;\n"
	"\t\tu32  cpu_id;\n"
	"\t\tu32  _pad;\n"
	"\t} align(64);\n"
	"\tevent.header := struct {\n"
	"\t\tts32 timestamp;\n"
	"\t\tu16  id;\n"
	"\t} align(64);\n"
	"};\n\n";

static void uuid_text(char out[37])
{
	static const u8 uuid[16] = {TRACE_UUID_BYTES};
	char *at = out;

	for (unsigned i = 0; i < 16; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static void write_field(struct buffer *out, const struct field *f)
{
	if (f->kind == FIELD_ITEMS) {
		buffer_printf(out, "\t\tstruct %s _%s[__%s];\n", f->item->name, f->name, f->count);
	} else if (f->kind == FIELD_TEXT) {
		buffer_printf(out, "\t\ttext_char _%s[%u];\n", f->name, f->bytes);
	} else if (f->set) {
		buffer_printf(out, "\t\tenum : %s {", f->type);
		for (unsigned i = 0; i < f->set->n; i++)
			buffer_printf(out, "%s \"%s\" = %u", i ? "," : "", f->set->codes[i].name,
				      f->set->codes[i].number);
		buffer_printf(out, " } _%s;\n", f->name);
	} else {
		buffer_printf(out, "\t\t%s _%s;\n", f->type, f->name);
	}
}

/* A field that counts items is declared with a second underscore, as readers strip one. */
static bool is_count(const struct event_layout *l, const struct field *f)
{
	const struct field *last = &l->fields[l->n - 1];

	return last->kind == FIELD_ITEMS && !strcmp(last->count, f->name);
}

static void write_event(struct buffer *out, unsigned id, const struct event_layout *l)
{
	const struct field *last = &l->fields[l->n - 1];

	if (last->kind == FIELD_ITEMS) {
		buffer_printf(out, "struct %s {\n", last->item->name);
		for (unsigned i = 0; i < last->item->n; i++)
			write_field(out, &last->item->fields[i]);
		buffer_text(out, "} align(64);\n\n");
	}
	buffer_printf(out, "/* %s */\nevent {\n\tname = \"%s\"; id = %u; stream_id = 0;\n"
		      "\tfields := struct {\n", l->meaning, l->name, id);
	for (unsigned i = 0; i < l->n; i++) {
		if (is_count(l, &l->fields[i]))
			buffer_printf(out, "\t\t%s __%s;\n", l->fields[i].type, l->fields[i].name);
		else
			write_field(out, &l->fields[i]);
	}
	buffer_text(out, "\t} align(64);\n};\n\n");
}

/* Printable and without what would end or escape the string. */
static void clean(char *out, usize out_bytes, const char *in, usize in_bytes)
{
	usize n = 0;

	for (; n < in_bytes && n + 1 < out_bytes && in[n]; n++)
		out[n] = in[n] < ' ' || in[n] > '~' || in[n] == '"' || in[n] == '\\' ? '_' : in[n];
	out[n] = '\0';
}

void metadata_write(struct buffer *out, const struct trace_about *about)
{
	char uuid[37], board[17], build[49];

	events_init();
	uuid_text(uuid);
	clean(board, sizeof board, about->board, sizeof about->board);
	clean(build, sizeof build, about->build, sizeof about->build);
	buffer_text(out, head);
	buffer_printf(out, trace_block, uuid);
	buffer_printf(out, env_block, board, about->version, build, (unsigned long long)about->seed);
	buffer_printf(out, clock_block, (unsigned long long)about->clock_hz);
	for (unsigned id = 0; id < TRACE_EVENTS_END; id++)
		if (event_layout(id))
			write_event(out, id, event_layout(id));
}

/* The value of `key = value;` as text without quotes; false when there is none. */
static bool value_of(const char *text, const char *key, char *out, usize out_bytes)
{
	char pattern[32];
	const char *at, *end;
	usize n;

	snprintf(pattern, sizeof pattern, "\t%s = ", key);
	at = strstr(text, pattern);
	if (!at)
		return false;
	at += strlen(pattern);
	end = *at == '"' ? strpbrk(++at, "\"\n") : strpbrk(at, ";\n");
	if (!end || *end == '\n')
		return false;
	n = (usize)(end - at);
	if (n >= out_bytes)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

bool metadata_read(const char *text, struct trace_about *about, const char **why)
{
	char uuid[37], value[64];

	*about = (struct trace_about){0};
	uuid_text(uuid);
	*why = "it is not the metadata of a Fermata trace (another uuid, or none)";
	if (!value_of(text, "uuid", value, sizeof value) || strcmp(value, uuid))
		return false;
	*why = "it has no clock frequency";
	if (!value_of(text, "freq", value, sizeof value))
		return false;
	about->clock_hz = strtoull(value, NULL, 10);
	if (!about->clock_hz)
		return false;
	if (value_of(text, "kernel_release", value, sizeof value))
		about->version = (u32)strtoul(value, NULL, 10);
	if (value_of(text, "seed", value, sizeof value))
		about->seed = strtoull(value, NULL, 10);
	if (value_of(text, "hostname", value, sizeof value))
		memcpy(about->board, value, strnlen(value, sizeof about->board));
	if (value_of(text, "build", value, sizeof value))
		memcpy(about->build, value, strnlen(value, sizeof about->build));
	return true;
}
