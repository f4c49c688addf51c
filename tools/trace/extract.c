#include "extract.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "metadata.h"
#include "packet.h"

#define PACKET_BYTES_MAX MIB(16)
#define PACKETS_MAX (1u << 20)
#define PATH_BYTES 4096u

struct source {
	int (*read)(void *ctx, u64 phys, void *buf, size_t bytes);
	void *ctx;
	struct trace_descriptor d;
	unsigned left_out;
};

struct slot {
	u64 seq;
	u32 index;
};

static int by_seq(const void *a, const void *b)
{
	u64 x = ((const struct slot *)a)->seq, y = ((const struct slot *)b)->seq;

	return x < y ? -1 : x > y;
}

/* Finds the packets of @p cpu that were ever used, in order; returns how many. */
static u32 find_packets(struct source *s, u32 cpu, struct slot *slots)
{
	u32 n = 0;

	for (u32 i = 0; i < s->d.packets; i++) {
		struct trace_packet p;

		if (s->read(s->ctx, s->d.ring[cpu] + (u64)i * s->d.packet_bytes, &p, sizeof p)) {
			s->left_out++;
			continue;
		}
		if (!p.magic)
			continue;
		if (!packet_is_ours(&p) || p.cpu != cpu) {
			s->left_out++;
			continue;
		}
		slots[n++] = (struct slot){p.packet_seq, i};
	}
	qsort(slots, n, sizeof *slots, by_seq);
	return n;
}

/* Adds the packet at @p data, closed and cut to its records, to @p out. */
static void add_packet(struct buffer *out, u8 *data, usize bytes)
{
	struct trace_packet *p = (void *)data;
	usize used = packet_records_end(data, bytes, p->content_bits / 8);
	u64 end = packet_last_ticks(data, used);

	if (!p->content_bits || p->timestamp_end < end)
		p->timestamp_end = end;
	p->content_bits = p->packet_bits = (u64)used * 8;
	buffer_add(out, data, used);
}

static void stream_path(char path[PATH_BYTES], const char *dir, u32 cpu)
{
	snprintf(path, PATH_BYTES, "%s/channel0_%u", dir, cpu);
}

static int write_stream(struct source *s, u32 cpu, const char *dir, char *err, size_t err_bytes)
{
	struct slot *slots = calloc(s->d.packets, sizeof *slots);
	u8 *data = malloc(s->d.packet_bytes);
	struct buffer out = {0};
	char path[PATH_BYTES];
	int result = -1;

	if (!slots || !data) {
		snprintf(err, err_bytes, "out of memory");
		goto done;
	}
	for (u32 i = 0, n = find_packets(s, cpu, slots); i < n; i++) {
		u64 at = s->d.ring[cpu] + (u64)slots[i].index * s->d.packet_bytes;

		if (s->read(s->ctx, at, data, s->d.packet_bytes))
			s->left_out++;
		else
			add_packet(&out, data, s->d.packet_bytes);
	}
	stream_path(path, dir, cpu);
	result = buffer_save(&out, path, err, err_bytes);
done:
	buffer_free(&out);
	free(data);
	free(slots);
	return result;
}

static int write_metadata(const struct trace_descriptor *d, const char *dir, char *err,
			  size_t err_bytes)
{
	struct trace_about about = {.clock_hz = d->clock_hz, .seed = d->seed, .version = d->version};
	struct buffer text = {0};
	char path[PATH_BYTES];
	int result;

	memcpy(about.board, d->board, sizeof about.board);
	memcpy(about.build, d->build, sizeof about.build);
	metadata_write(&text, &about);
	snprintf(path, sizeof path, "%s/metadata", dir);
	result = buffer_save(&text, path, err, err_bytes);
	buffer_free(&text);
	return result;
}

static const char *descriptor_fault(const struct trace_descriptor *d)
{
	if (d->magic != TRACE_MAGIC)
		return "there is no trace descriptor (the kernel did not get as far as trace_init, "
		       "or the address is another build's)";
	if (d->version != TRACE_VERSION)
		return "the trace is of another version than this tool";
	if (!d->cpus || d->cpus > CPUS_MAX || !d->clock_hz)
		return "the trace descriptor is damaged (CPUs, clock)";
	if (d->packet_bytes < sizeof(struct trace_packet) + 8 || d->packet_bytes % 8 ||
	    d->packet_bytes > PACKET_BYTES_MAX || !d->packets || d->packets > PACKETS_MAX)
		return "the trace descriptor is damaged (packets)";
	return NULL;
}

int trace_extract(const char *out_dir,
		  int (*read)(void *ctx, u64 phys, void *buf, size_t bytes), void *ctx,
		  u64 descriptor_phys, char *err, size_t err_bytes)
{
	struct source s = {.read = read, .ctx = ctx};
	const char *fault;

	if (read(ctx, descriptor_phys, &s.d, sizeof s.d)) {
		snprintf(err, err_bytes, "there is no memory at %#llx, where the trace descriptor "
			 "should be", (unsigned long long)descriptor_phys);
		return -1;
	}
	fault = descriptor_fault(&s.d);
	if (fault) {
		snprintf(err, err_bytes, "at %#llx %s", (unsigned long long)descriptor_phys, fault);
		return -1;
	}
	if (mkdir(out_dir, 0777) && errno != EEXIST) {
		snprintf(err, err_bytes, "%s: %s", out_dir, strerror(errno));
		return -1;
	}
	for (u32 cpu = 0; cpu < CPUS_MAX; cpu++) {
		char path[PATH_BYTES];

		/* An earlier trace is replaced: its streams would mix with the new ones. */
		stream_path(path, out_dir, cpu);
		if (unlink(path) && errno != ENOENT) {
			snprintf(err, err_bytes, "%s: %s", path, strerror(errno));
			return -1;
		}
		if (cpu < s.d.cpus && s.d.ring[cpu] && write_stream(&s, cpu, out_dir, err, err_bytes))
			return -1;
	}
	if (write_metadata(&s.d, out_dir, err, err_bytes))
		return -1;
	if (!s.left_out)
		return 0;
	snprintf(err, err_bytes, "%u packets could not be read or are damaged, and are left out",
		 s.left_out);
	return 1;
}
