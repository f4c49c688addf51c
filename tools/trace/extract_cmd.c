/* extract and from-uart: where trace_extract's memory comes from. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "extract.h"

struct ram {
	int fd;
	u64 base;
};

static int ram_read(void *ctx, u64 phys, void *buf, size_t bytes)
{
	const struct ram *ram = ctx;
	u8 *to = buf;

	if (phys < ram->base)
		return -1;
	for (u64 at = phys - ram->base; bytes;) {
		ssize_t n = at <= INT64_MAX ? pread(ram->fd, to, bytes, (off_t)at) : 0;

		if (n <= 0)
			return -1;
		to += n;
		at += (u64)n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* The exit status for what trace_extract returned. */
static int report(int result, const char *err, const char *dir)
{
	if (result < 0)
		return fail("%s", err);
	if (result) {
		fail("%s: %s", dir, err);
		return EXIT_FOUND;
	}
	return EXIT_CLEAN;
}

int cmd_extract(int argc, char **argv)
{
	const char *file = NULL, *base = NULL, *descriptor = NULL, *dir;
	const struct option options[] = {{"ram", &file, NULL}, {"base", &base, NULL},
					 {"descriptor", &descriptor, NULL}, {NULL, NULL, NULL}};
	struct ram ram;
	char err[512] = "";
	u64 at;
	int result;

	if (!options_parse(argc, argv, options, &dir, 1))
		return EXIT_UNUSABLE;
	if (!file)
		return fail("extract needs --ram FILE, the machine's memory");
	if (!parse_number("--base", base, &ram.base) || !parse_number("--descriptor", descriptor, &at))
		return EXIT_UNUSABLE;
	ram.fd = open(file, O_RDONLY | O_CLOEXEC);
	if (ram.fd < 0)
		return fail("%s: %s", file, strerror(errno));
	result = trace_extract(dir, ram_read, &ram, at, err, sizeof err);
	close(ram.fd);
	return report(result, err, dir);
}

/* One line of a dump: bytes at an address. What no line gives is zero. */
struct run {
	u64 at;
	u8 bytes[64];
	u32 n, number;
};

struct dump {
	struct run *runs;
	usize n, room;
	u64 descriptor;
	u64 damaged, announced;
	bool begun, ended, no_memory;
};

/* By address; of two with one address the later one counts, so it comes last. */
static int by_address(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int dump_read(void *ctx, u64 phys, void *buf, size_t bytes)
{
	const struct dump *d = ctx;
	usize low = 0, high = d->n;

	memset(buf, 0, bytes);
	/* No run is longer than 64 bytes: earlier ones cannot reach phys. */
	while (low < high) {
		usize mid = (low + high) / 2;

		if (d->runs[mid].at + sizeof d->runs[mid].bytes <= phys)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < d->n && d->runs[low].at < phys + bytes; low++) {
		const struct run *r = &d->runs[low];
		u64 from = MAX(r->at, phys), to = MIN(r->at + r->n, phys + bytes);

		if (from < to)
			memcpy((u8 *)buf + (from - phys), r->bytes + (from - r->at), to - from);
	}
	return 0;
}

/* CRC-32 of IEEE 802.3, reflected, bit by bit as the kernel computes it. */
static u32 crc_add(u32 crc, const u8 *bytes, usize n)
{
	for (usize i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static u32 run_crc(const struct run *r)
{
	u8 address[8];

	for (unsigned i = 0; i < sizeof address; i++)
		address[i] = (u8)(r->at >> 8 * i);
	return ~crc_add(crc_add(UINT32_MAX, address, sizeof address), r->bytes, r->n);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Parses what follows "@M "; false when the line is damaged. */
static bool parse_run(const char *text, struct run *r)
{
	char *end;
	u32 crc;

	r->at = strtoull(text, &end, 16);
	if (end == text || *end++ != ' ')
		return false;
	for (r->n = 0; digit(end[0]) >= 0 && digit(end[1]) >= 0; end += 2) {
		if (r->n == sizeof r->bytes)
			return false;
		r->bytes[r->n++] = (u8)(digit(end[0]) << 4 | digit(end[1]));
	}
	if (*end++ != ' ' || !r->n || digit(*end) < 0)
		return false;
	text = end;
	crc = (u32)strtoul(text, &end, 16);
	if (r->at > UINT64_MAX - sizeof r->bytes)
		return false;
	return end == text + 8 && (!*end || *end == '\r' || *end == '\n') && crc == run_crc(r);
}

static void keep(struct dump *d, const struct run *r)
{
	if (d->n == d->room) {
		usize room = d->room ? 2 * d->room : 1024;
		struct run *more = realloc(d->runs, room * sizeof *more);

		if (!more) {
			d->no_memory = true;
			return;
		}
		d->runs = more;
		d->room = room;
	}
	d->runs[d->n] = *r;
	d->runs[d->n].number = (u32)d->n;
	d->n++;
}

/* A line of the console; the marks may stand behind other output. The last dump counts. */
static void parse_line(struct dump *d, const char *line)
{
	const char *mark = strchr(line, '@');
	struct run r;

	for (; mark && !(mark[1] && strchr("BME", mark[1]) && mark[2] == ' '); mark = strchr(mark + 1, '@'))
		;
	if (!mark)
		return;
	if (mark[1] == 'B') {
		d->n = 0;
		d->damaged = 0;
		d->ended = false;
		d->begun = true;
		d->descriptor = strtoull(mark + 3, NULL, 16);
	} else if (mark[1] == 'E') {
		d->ended = true;
		d->announced = strtoull(mark + 3, NULL, 10);
	} else if (d->begun && parse_run(mark + 3, &r)) {
		keep(d, &r);
	} else {
		d->damaged++;
	}
}

static void parse_log(struct dump *d, struct buffer *log)
{
	char *line = (char *)log->data, *all_end = line + log->bytes;

	while (line < all_end) {
		char *end = memchr(line, '\n', (usize)(all_end - line));

		if (!end)
			end = all_end - 1; /* the zero that was added */
		*end = '\0';
		parse_line(d, line);
		line = end + 1;
	}
	if (d->n)
		qsort(d->runs, d->n, sizeof *d->runs, by_address);
}

static int extract_dump(struct dump *d, const char *log, const char *dir)
{
	char err[512] = "";
	int status;

	if (d->no_memory)
		return fail("out of memory");
	if (!d->begun)
		return fail("%s: there is no dump of a trace in it (no line that begins with @B)", log);
	status = report(trace_extract(dir, dump_read, d, d->descriptor, err, sizeof err), err, dir);
	if (status == EXIT_UNUSABLE || (!d->damaged && d->ended && d->n == d->announced))
		return status;
	if (d->ended)
		fail("%s: %llu of %llu lines are missing, %llu are damaged; the rest is saved", log,
		     (unsigned long long)(d->announced > d->n ? d->announced - d->n : 0),
		     (unsigned long long)d->announced, (unsigned long long)d->damaged);
	else
		fail("%s: the dump has no end; what is there is saved", log);
	return EXIT_FOUND;
}

int cmd_from_uart(int argc, char **argv)
{
	const struct option options[] = {{NULL, NULL, NULL}};
	struct dump d = {.n = 0};
	struct buffer log = {0};
	const char *paths[2];
	char err[512];
	int status;

	if (!options_parse(argc, argv, options, paths, 2))
		return EXIT_UNUSABLE;
	if (buffer_load(&log, paths[0], err, sizeof err))
		return fail("%s", err);
	buffer_int(&log, 0, 1);
	if (log.failed)
		return fail("out of memory");
	parse_log(&d, &log);
	status = extract_dump(&d, paths[0], paths[1]);
	free(d.runs);
	buffer_free(&log);
	return status;
}
