#include "reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet.h"

#define FAULTS_KEPT 1000

void trace_fault(struct trace *t, const char *rule, u32 cpu, u64 ticks, const char *fmt, ...)
{
	struct fault *f;
	va_list args;

	if (t->faults_n == t->faults_room) {
		usize room = t->faults_room ? 2 * t->faults_room : 16;

		f = room <= 2 * FAULTS_KEPT ? realloc(t->faults, room * sizeof *f) : NULL;
		if (!f) {
			t->faults_more++;
			return;
		}
		t->faults = f;
		t->faults_room = room;
	}
	f = &t->faults[t->faults_n++];
	*f = (struct fault){.rule = rule, .cpu = cpu, .ticks = ticks};
	va_start(args, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, args);
	va_end(args);
}

/* Why the record is no good, or NULL. @p last: the time of the record before it. */
static const char *record_fault(const struct trace_packet *p, const u8 *record, u64 last)
{
	u64 head = record_head(record), ticks = record_ticks(p, head);

	if (!event_fits(record_id(head), record + 8, record_bytes(head) - 8))
		return event_layout(record_id(head)) ? "has a length that its event cannot have"
						     : "has an unknown event number";
	if (ticks < last)
		return "is earlier than the one before it";
	if (p->timestamp_end >= p->timestamp_begin && p->content_bits && ticks > p->timestamp_end)
		return "is later than the end of its packet";
	return NULL;
}

/* Returns where the good records end. Behind a bad one nothing is trusted. */
static usize good_records(struct trace *t, const u8 *data, usize content)
{
	const struct trace_packet *p = (const void *)data;
	usize at = sizeof *p;
	u64 last = p->timestamp_begin;

	while (at + 8 <= content) {
		u64 head = record_head(data + at);
		const char *fault = "has no possible length";

		if (record_bytes(head) && record_bytes(head) <= content - at)
			fault = record_fault(p, data + at, last);
		if (fault) {
			trace_fault(t, "S2", p->cpu, last,
				    "packet %llu: the record at byte %zu %s; the rest of the packet "
				    "is left out",
				    (unsigned long long)p->packet_seq, at, fault);
			break;
		}
		last = record_ticks(p, head);
		at += record_bytes(head);
		t->events++;
	}
	if (at > sizeof *p) {
		t->first_ticks = MIN(t->first_ticks, record_ticks(p, record_head(data + sizeof *p)));
		t->last_ticks = MAX(t->last_ticks, last);
	}
	return at;
}

static const struct trace_packet *last_packet(const struct stream *s)
{
	return s->n ? (const void *)s->packets[s->n - 1].data : NULL;
}

/* Why this packet cannot follow the stream's last one, or NULL. */
static const char *order_fault(const struct stream *s, const struct trace_packet *p)
{
	const struct trace_packet *last = last_packet(s);

	if (p->cpu >= CPUS_MAX)
		return "has an impossible CPU number";
	if (s->n && p->cpu != s->cpu)
		return "is of another CPU than its stream";
	if (last && p->packet_seq <= last->packet_seq)
		return "comes again or out of order";
	if (last && p->timestamp_begin < last->timestamp_begin)
		return "begins before the packet in front of it";
	return NULL;
}

static bool make_room(struct stream *s)
{
	usize room = s->room ? 2 * s->room : 16;
	struct packet *more;

	if (s->n < s->room)
		return true;
	more = realloc(s->packets, room * sizeof *more);
	if (!more)
		return false;
	s->packets = more;
	s->room = room;
	return true;
}

static void append(struct trace *t, struct stream *s, u8 *data, usize content, bool damaged)
{
	struct trace_packet *p = (void *)data;
	const struct trace_packet *last = last_packet(s);
	bool gap = last ? p->packet_seq != last->packet_seq + 1 : p->packet_seq != 0;
	usize end;

	if (!make_room(s)) {
		trace_fault(t, "S1", p->cpu, p->timestamp_begin, "out of memory");
		return;
	}
	if (last && gap)
		trace_fault(t, "S4", p->cpu, p->timestamp_begin,
			    "packets %llu to %llu are missing",
			    (unsigned long long)last->packet_seq + 1,
			    (unsigned long long)p->packet_seq - 1);
	if (last) {
		const struct packet *before = &s->packets[s->n - 1];

		gap = gap || before->loss_follows ||
		      (before->after_loss && before->end == sizeof *p);
		s->packets[s->n - 1].loss_follows = gap;
		t->discarded -= last->events_discarded;
	} else {
		s->cpu = p->cpu;
		t->overwritten_packets += p->packet_seq;
	}
	t->discarded += p->events_discarded;
	end = good_records(t, data, content);
	s->packets[s->n++] = (struct packet){
		.data = data,
		.end = end,
		.after_loss = gap,
		.loss_follows = damaged || end < content,
	};
}

/* Checks what is at byte `at` of the file and adds it; returns how many bytes to go on. */
static usize stream_add(struct trace *t, struct stream *s, usize at)
{
	u8 *data = s->file.data + at;
	struct trace_packet *p = (void *)data;
	usize left = s->file.bytes - at, bytes, content;
	const char *fault;
	bool damaged = false;

	if (left < sizeof *p || !packet_is_ours(p)) {
		usize skip = 8;

		while (skip + sizeof *p <= left && !packet_is_ours((const void *)(data + skip)))
			skip += 8;
		if (skip + sizeof *p > left)
			skip = left;
		trace_fault(t, "S1", s->cpu, 0, "%s: %zu bytes from byte %zu on are no packet",
			    s->name, skip, at);
		return skip;
	}
	bytes = p->packet_bits / 8;
	content = p->content_bits / 8;
	if (p->packet_bits % 64 || p->content_bits % 64 || content > bytes ||
	    content < sizeof *p || p->timestamp_end < p->timestamp_begin) {
		trace_fault(t, "S1", s->cpu, p->timestamp_begin,
			    "%s: the packet at byte %zu has impossible sizes or times", s->name, at);
		damaged = true;
		content = packet_records_end(data, left, 0);
		bytes = content;
	} else if (bytes > left) {
		trace_fault(t, "S1", s->cpu, p->timestamp_begin,
			    "%s: the packet at byte %zu is cut off: %zu of %zu bytes are there",
			    s->name, at, left, bytes);
		damaged = true;
		bytes = left;
		content = packet_records_end(data, left, MIN(content, left));
	}
	fault = order_fault(s, p);
	if (fault)
		trace_fault(t, "S4", s->cpu, p->timestamp_begin, "%s: the packet at byte %zu %s",
			    s->name, at, fault);
	else
		append(t, s, data, content, damaged);
	return MIN(ALIGN_UP(bytes, (usize)8), left);
}

static int load_stream(struct trace *t, const char *dir, const char *name, char *err,
		       usize err_bytes)
{
	struct stream *more = realloc(t->streams, (t->n + 1) * sizeof *more), *s;
	char path[4096];

	if (!more) {
		snprintf(err, err_bytes, "out of memory");
		return -1;
	}
	t->streams = more;
	s = &t->streams[t->n];
	*s = (struct stream){0};
	snprintf(s->name, sizeof s->name, "%.31s", name);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (buffer_load(&s->file, path, err, err_bytes)) {
		buffer_free(&s->file);
		return -1;
	}
	for (usize at = 0; at < s->file.bytes;)
		at += stream_add(t, s, at);
	for (unsigned i = 0; i < t->n && s->n; i++) {
		if (t->streams[i].cpu == s->cpu) {
			trace_fault(t, "S1", s->cpu, 0, "%s and %s are both of CPU %u",
				    t->streams[i].name, s->name, s->cpu);
			s->n = 0;
		}
	}
	if (s->n) {
		t->n++;
	} else {
		buffer_free(&s->file);
		free(s->packets);
	}
	return 0;
}

static int by_cpu(const void *a, const void *b)
{
	u32 x = ((const struct stream *)a)->cpu, y = ((const struct stream *)b)->cpu;

	return x < y ? -1 : x > y;
}

static int load_streams(struct trace *t, const char *dir, char *err, usize err_bytes)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort), result = 0;

	if (n < 0) {
		snprintf(err, err_bytes, "%s: %s", dir, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (!result && !strncmp(names[i]->d_name, "channel0_", 9))
			result = load_stream(t, dir, names[i]->d_name, err, err_bytes);
		free(names[i]);
	}
	free(names);
	if (t->n)
		qsort(t->streams, t->n, sizeof *t->streams, by_cpu);
	return result;
}

/* Nothing is missing when every stream has its packet 0 and dropped and damaged nothing. */
static bool from_start(const struct trace *t)
{
	return !t->overwritten_packets && !t->discarded && !t->faults_n;
}

int trace_load(struct trace *t, const char *dir, char *err, usize err_bytes)
{
	const char *why;
	char path[4096];

	events_init();
	*t = (struct trace){.first_ticks = UINT64_MAX};
	snprintf(path, sizeof path, "%s/metadata", dir);
	if (buffer_load(&t->metadata, path, err, err_bytes))
		return -1;
	buffer_int(&t->metadata, 0, 1);
	if (t->metadata.failed || !metadata_read((char *)t->metadata.data, &t->about, &why)) {
		snprintf(err, err_bytes, "%s: %s", path, t->metadata.failed ? "out of memory" : why);
		return -1;
	}
	t->metadata.bytes--;
	if (load_streams(t, dir, err, err_bytes))
		return -1;
	if (!t->n) {
		snprintf(err, err_bytes, "%s: there is no intact packet in it%s%s", dir,
			 t->faults_n ? "; " : "", t->faults_n ? t->faults[0].text : "");
		return -1;
	}
	if (t->first_ticks == UINT64_MAX)
		t->first_ticks = t->last_ticks;
	t->from_start = from_start(t);
	return 0;
}

void trace_unload(struct trace *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		buffer_free(&t->streams[i].file);
		free(t->streams[i].packets);
	}
	free(t->streams);
	free(t->faults);
	buffer_free(&t->metadata);
	*t = (struct trace){0};
}
