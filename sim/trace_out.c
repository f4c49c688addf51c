/*
 * trace_out.c: the trace rings, from the kernel's memory to files.
 */
#include "sim/watch.h"
#include "tools/trace/buffer.h"
#include "tools/trace/extract.h"
#include <stdio.h>
#include <string.h>

extern char trace_descriptor[];

/* The descriptor is in the kernel's image, the rings are in RAM; all is mapped where it says. */
static int read_memory(void *ctx, uint64_t at, void *buf, size_t bytes)
{
	uintptr_t image = (uintptr_t)trace_descriptor;

	(void)ctx;
	if (!sim_memory_ok(at, bytes) && (at < image || at + bytes > image + SIM_PAGE_BYTES))
		return -1;
	memcpy(buf, (const void *)at, bytes);
	return 0;
}

/* One word of a command line. What the metadata's strings cannot hold spoils all of it. */
static void add_word(struct buffer *out, const char *word)
{
	buffer_printf(out, !*word || strpbrk(word, " ,;&|<>()$`*?#~") ? " '%s'" : " %s", word);
	for (; *word; word++)
		out->failed |= *word < ' ' || *word > '~' || strchr("'\"\\", *word);
}

/*
 * In the metadata's env stands what makes the trace again: the program, from its build directory
 * on, and its options. Left out are files of this run.
 */
static void again_write(struct buffer *out, char **argv)
{
	static const char *const files[] = {"--trace", "--record", "--show", "--input"};
	const char *program = strstr(argv[0], "build/"), *input;
	size_t bytes;

	buffer_text(out, program ? program : argv[0]);
	for (char **a = argv + 1; *a; a++) {
		bool skip = false, two = !strchr(*a, '=') && a[1];

		for (size_t i = 0; i < sizeof files / sizeof *files; i++)
			skip |= strncmp(*a, files[i], strcspn(*a, "=")) == 0;
		if (!skip)
			add_word(out, *a);
		a += two;
		if (!skip && two)
			add_word(out, *a);
	}
	input = console_input(&bytes);
	if (bytes)
		buffer_text(out, " --input ");
	for (size_t i = 0; i < bytes; i++)
		buffer_printf(out, "%02x", (unsigned char)input[i]);
}

static void add_found(struct buffer *out, unsigned number, uint64_t ns, unsigned cpu, const char *text)
{
	buffer_printf(out, "\tfound_%u = \"%llu.%09llu CPU %u: %s\";\n", number,
		      (unsigned long long)(ns / 1000000000), (unsigned long long)(ns % 1000000000),
		      cpu, text);
}

/* And what was wrong with the run, as the checkers and its status say. */
static void found_write(struct buffer *out)
{
	unsigned n = report_count(), cpu;
	char left[64];
	uint64_t ns;

	for (unsigned i = 0; i < n; i++) {
		const char *text = report_found(i, &ns, &cpu);

		add_found(out, i, ns, cpu, text);
	}
	if (!sim.status || sim.status == EXIT_FOUND || sim.status == EXIT_INTERRUPTED || sim_was_enough())
		return;
	snprintf(left, sizeof left, "the kernel left with status %d", sim.status);
	add_found(out, n, sim.clock_ns, sim.cur, sim.message ? sim.message : left);
}

static int add_run(const char *dir, char **argv, char *err, size_t err_bytes)
{
	struct buffer text = {0}, out = {0}, again = {0};
	char path[4096], *at;
	int result = -1;

	snprintf(path, sizeof path, "%s/metadata", dir);
	again_write(&again, argv);
	buffer_int(&again, 0, 1);
	if (buffer_load(&text, path, err, err_bytes) == 0) {
		buffer_int(&text, 0, 1);
		at = text.failed ? NULL : strstr((char *)text.data, "\tseed = ");
		result = 0;
		if (at) {
			buffer_add(&out, text.data, (size_t)(at - (char *)text.data));
			if (!again.failed && !console_interactive())
				buffer_printf(&out, "\trun = \"%s\";\n", (char *)again.data);
			found_write(&out);
			buffer_printf(&out, "\tseed = \"%llu\";", (unsigned long long)sim.cfg.seed);
			buffer_text(&out, strchr(at, '\n'));
			result = buffer_save(&out, path, err, err_bytes);
		}
	}
	buffer_free(&text);
	buffer_free(&out);
	buffer_free(&again);
	return result;
}

int trace_write(const char *dir, char **argv, char *err, size_t err_bytes)
{
	int result = trace_extract(dir, read_memory, NULL, (uintptr_t)trace_descriptor, err, err_bytes);

	return result < 0 || add_run(dir, argv, err, err_bytes) == 0 ? result : -1;
}
