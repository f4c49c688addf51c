/*
 * console.c: the simulated console. Output goes to standard output. Input that is no terminal
 * is read to its end before the run and arrives at times drawn from RNG_CONSOLE, so it is part
 * of the seeded execution; input from a terminal arrives when the person types, and such a run
 * cannot be repeated from its seed alone.
 */
#define _GNU_SOURCE
#include "sim/sim.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NS 1u
#define US (1000u * NS)
#define MS (1000u * US)
#define FIRST_BYTE_NS (5u * MS)
#define BYTE_NS (87u * US) /* 10 bits at 115200 baud */
#define BYTE_JITTER_NS (100u * US)
#define LINE_JITTER_NS (10u * MS) /* more time behind the end of a line */
#define POLL_NS (1u * MS)
#define CTRL_A 1

static struct {
	char *bytes; /* from at on: not taken yet */
	size_t at, end, room;
	uint64_t next_ns; /* when bytes[at] arrives */
	uint64_t polled_ns;
	bool masked, interactive, raw;
	bool given; /* the command line gave the input */
	bool escape; /* Ctrl-A was typed */
	struct termios before;
	char out[4096];
	size_t outs;
} con = {.masked = true};

/* Of what a person typed, from n on, takes out what is meant for the simulator: Ctrl-A x ends it,
 * Ctrl-A twice is one Ctrl-A; as in QEMU. */
static void take_commands(size_t n)
{
	size_t to = n;

	for (; n < con.end; n++) {
		char c = con.bytes[n];

		if (!con.escape && c == CTRL_A) {
			con.escape = true;
			continue;
		}
		if (con.escape && c == 'x')
			sim.interrupted = 1;
		con.escape = false;
		con.bytes[to++] = c;
	}
	con.end = to;
}

/* Appends what a read gives; its result. */
static ssize_t take(void)
{
	ssize_t n;

	if (con.at == con.end)
		con.at = con.end = 0;
	if (con.end == con.room) {
		con.room = con.room ? 2 * con.room : 4096;
		con.bytes = realloc(con.bytes, con.room);
		if (!con.bytes) {
			fprintf(stderr, "sim: no host memory for the input\n");
			exit(EXIT_BROKEN);
		}
	}
	do
		n = read(STDIN_FILENO, con.bytes + con.end, con.room - con.end);
	while (n < 0 && errno == EINTR && !sim.interrupted);
	if (n > 0) {
		con.end += (size_t)n;
		if (con.interactive)
			take_commands(con.end - (size_t)n);
	}
	return n;
}

void console_open(void)
{
	struct termios t;

	if (con.given) {
		con.next_ns = FIRST_BYTE_NS;
		return;
	}
	con.interactive = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &con.before) == 0;
	if (!con.interactive) {
		while (take() > 0)
			;
		con.next_ns = FIRST_BYTE_NS;
		return;
	}
	t = con.before;
	t.c_lflag &= (tcflag_t) ~(ICANON | ECHO | IEXTEN | ISIG); /* Ctrl-C is the kernel's */
	t.c_iflag &= (tcflag_t) ~(ICRNL | IXON);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	con.raw = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
}

void console_close(void)
{
	if (con.raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &con.before);
	con.raw = false;
}

const char *console_input(size_t *n)
{
	*n = con.end;
	return con.bytes;
}

const char *console_set_input(const char *hex)
{
	con.given = true;
	con.bytes = malloc(strlen(hex) / 2 + 1);
	if (!con.bytes)
		return "is too long";
	for (con.end = 0; hex[2 * con.end]; con.end++)
		if (sscanf(hex + 2 * con.end, "%2hhx", (unsigned char *)&con.bytes[con.end]) != 1 ||
		    !hex[2 * con.end + 1])
			return "wants pairs of hexadecimal digits";
	con.room = con.end;
	return NULL;
}

void console_reset(void)
{
	con.at = con.outs = 0;
	con.next_ns = FIRST_BYTE_NS;
	con.masked = true;
}

void console_keep(bool save)
{
	static bool masked;

	if (save)
		masked = con.masked;
	else
		con.masked = masked;
}

void console_close_input(void)
{
	con.given = true;
	con.next_ns = FIRST_BYTE_NS;
}

bool console_interactive(void)
{
	return con.interactive;
}

bool console_masked(void)
{
	return con.masked;
}

uint64_t console_due(void)
{
	return con.at < con.end ? con.next_ns : SIM_NEVER;
}

uint64_t console_wait(uint64_t ns)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	struct timespec limit = {.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
	struct timespec a, b;
	int64_t took;

	if (!con.interactive || sim.interrupted)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (ppoll(&p, 1, ns == SIM_NEVER ? NULL : &limit, NULL) > 0) {
		if (con.at == con.end)
			con.next_ns = sim_now_ns();
		if (take() <= 0)
			con.interactive = false; /* the terminal is gone */
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	took = (b.tv_sec - a.tv_sec) * 1000000000ll + (b.tv_nsec - a.tv_nsec);
	return took > 0 ? (uint64_t)took : 0;
}

void console_poll(void)
{
	uint64_t now = sim_now_ns();

	if (!con.interactive || now - con.polled_ns < POLL_NS)
		return;
	con.polled_ns = now;
	console_wait(0);
}

void console_flush(void)
{
	size_t done = sim.cfg.batch ? fwrite(con.out, 1, con.outs, stderr) : 0;
	ssize_t n;

	while (done < con.outs) {
		n = write(STDOUT_FILENO, con.out + done, con.outs - done);
		if (n < 0 && errno != EINTR)
			break; /* nobody reads any more; the run goes on */
		done += n > 0 ? (size_t)n : 0;
	}
	con.outs = 0;
}

void console_mask(bool masked)
{
	con.masked = masked;
}

void console_drop(void)
{
	con.outs = 0;
}

/*
 * The port.
 */

void sim_console_write(char c)
{
	if (bound.on)
		return;
	con.out[con.outs++] = c;
	if (con.outs == sizeof con.out || (c == '\n' && !sim.cfg.batch) || con.interactive)
		console_flush();
}

size_t sim_console_read(char *bytes, size_t max)
{
	uint64_t now = sim_now_ns();
	struct rng *r = &sim.rng[RNG_CONSOLE];
	size_t n = 0;

	while (n < max && con.at < con.end && con.next_ns <= now) {
		bytes[n] = con.bytes[con.at++];
		if (!con.interactive)
			con.next_ns += BYTE_NS + rng_below(r, BYTE_JITTER_NS) +
				       (bytes[n] == '\n' ? rng_below(r, LINE_JITTER_NS) : 0);
		n++;
	}
	sim_memory_usable(bytes, n);
	return n;
}
