/* cut and repair: intact records, in packets of their own, to another folder. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"

/* One CPU's stream on its way out. */
struct out {
	struct buffer file;
	usize header; /* where the open packet begins */
	const void *from; /* the packet its records come from, NULL when none is open */
	u64 shift; /* added to packet numbers: one for each place where something is missing */
	u64 last_ticks, last_seq;
};

static struct trace_packet *header_of(struct out *o)
{
	return (void *)(o->file.data + o->header);
}

static void close_packet(struct out *o)
{
	struct trace_packet *p;

	if (!o->from || o->file.failed)
		return;
	p = header_of(o);
	p->timestamp_end = o->last_ticks;
	p->content_bits = p->packet_bits = (u64)(o->file.bytes - o->header) * 8;
	o->last_seq = p->packet_seq;
	o->from = NULL;
}

static void open_packet(struct out *o, const struct trace_packet *from, u64 ticks)
{
	struct trace_packet p = *from;

	close_packet(o);
	p.timestamp_begin = ticks;
	p.packet_seq += o->shift;
	o->header = o->file.bytes;
	o->from = from;
	buffer_add(&o->file, &p, sizeof p);
}

static void add(struct out *o, const struct trace_event *e)
{
	if (o->from != e->packet)
		open_packet(o, e->packet, e->ticks);
	buffer_add(&o->file, e->payload - 8, e->bytes + 8);
	o->last_ticks = e->ticks;
	o->shift += e->loss_follows;
}

/* What is missing at a stream's end shows as an empty packet behind a missing number. */
static void end(struct out *o, const struct trace_event *last)
{
	if (last->loss_follows && o->from) {
		open_packet(o, last->packet, last->ticks);
		if (!o->file.failed)
			header_of(o)->packet_seq++;
	}
	close_packet(o);
}

static int save(const struct trace *t, struct out *outs, const char *dir)
{
	char path[4096], err[512];

	if (mkdir(dir, 0777) && errno != EEXIST)
		return fail("%s: %s", dir, strerror(errno));
	for (unsigned i = 0; i < t->n; i++) {
		if (!outs[i].file.bytes && !outs[i].file.failed)
			continue; /* readers take an empty stream for a damaged one */
		snprintf(path, sizeof path, "%s/channel0_%u", dir, t->streams[i].cpu);
		if (buffer_save(&outs[i].file, path, err, sizeof err))
			return fail("%s", err);
	}
	snprintf(path, sizeof path, "%s/metadata", dir);
	if (buffer_save(&t->metadata, path, err, sizeof err))
		return fail("%s", err);
	return EXIT_CLEAN;
}

static unsigned stream_index(const struct trace *t, unsigned cpu)
{
	unsigned i = 0;

	while (t->streams[i].cpu != cpu)
		i++;
	return i;
}

/* The range in merged order, so that it is one piece of the scheduler's history. */
static void find_range(const struct trace *t, u64 from_ns, u64 to_ns, u64 *first, u64 *behind)
{
	struct trace_event e;
	struct merge m;

	*first = UINT64_MAX;
	*behind = 0;
	merge_begin(&m, t);
	while (merge_next(&m, &e)) {
		u64 ns = trace_ns(t, e.ticks);

		if (ns >= from_ns && *first == UINT64_MAX)
			*first = m.number - 1;
		if (ns <= to_ns)
			*behind = m.number;
	}
}

static int write_range(const struct trace *t, const char *dir, u64 first, u64 behind)
{
	static struct out outs[CPUS_MAX];
	static struct trace_event last[CPUS_MAX];
	struct trace_event e;
	struct merge m;
	int status;

	merge_begin(&m, t);
	while (m.number < behind && merge_next(&m, &e)) {
		unsigned i = stream_index(t, e.cpu);

		/* Records dropped in front make the next number a gap behind them. */
		if (m.number <= first) {
			outs[i].shift = 1;
			continue;
		}
		add(&outs[i], &e);
		last[i] = e;
	}
	for (unsigned i = 0; i < t->n; i++)
		end(&outs[i], &last[i]);
	status = save(t, outs, dir);
	for (unsigned i = 0; i < t->n; i++)
		buffer_free(&outs[i].file);
	return status;
}

static int same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int cmd_cut(int argc, char **argv)
{
	const char *dirs[2], *from = NULL, *to = NULL;
	const struct option options[] = {{"from", &from, NULL}, {"to", &to, NULL}, {NULL, NULL, NULL}};
	u64 from_ns = 0, to_ns = UINT64_MAX, first, behind;
	struct trace t;
	int status;

	if (!options_parse(argc, argv, options, dirs, 2) ||
	    (from && !parse_time("--from", from, &from_ns)) || (to && !parse_time("--to", to, &to_ns)))
		return EXIT_UNUSABLE;
	if (same_folder(dirs[0], dirs[1]))
		return fail("%s cannot be replaced by a part of itself", dirs[0]);
	if (!open_trace(&t, dirs[0], true))
		return EXIT_UNUSABLE;
	find_range(&t, from_ns, to_ns, &first, &behind);
	if (first < behind)
		status = write_range(&t, dirs[1], first, behind);
	else
		status = fail("no event is in that range; the trace lasts from " TIME_FMT " to " TIME_FMT,
			      TIME_ARG(trace_ns(&t, t.first_ticks)), TIME_ARG(trace_ns(&t, t.last_ticks)));
	if (!status)
		printf("%llu of %llu events written to %s\n", (unsigned long long)(behind - first),
		       (unsigned long long)t.events, dirs[1]);
	trace_unload(&t);
	return status;
}

int cmd_repair(int argc, char **argv)
{
	const struct option options[] = {{NULL, NULL, NULL}};
	const char *dirs[2];
	struct trace t;
	int status;

	if (!options_parse(argc, argv, options, dirs, 2))
		return EXIT_UNUSABLE;
	if (same_folder(dirs[0], dirs[1]))
		return fail("repair does not overwrite the damaged trace; name another folder");
	if (!open_trace(&t, dirs[0], false))
		return EXIT_UNUSABLE;
	status = write_range(&t, dirs[1], 0, UINT64_MAX);
	if (!status) {
		for (usize i = 0; i < t.faults_n; i++)
			printf("%s\n", t.faults[i].text);
		printf("%llu events saved in %s; %llu faults\n", (unsigned long long)t.events, dirs[1],
		       (unsigned long long)(t.faults_n + t.faults_more));
	}
	trace_unload(&t);
	return status;
}
