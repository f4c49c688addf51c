/*
 * carrier MODEL [SEED]: one model of a device, carried by a program that is no simulator:
 *registers, memory and time come as lines from standard input, as they would from a machine
 *emulator at the other end of a pipe. It links the models and nothing else of sim/.
 *
 *	r OFFSET BYTES		reads a register		= VALUE
 *	w OFFSET BYTES VALUE	writes one
 *	p NS			time passes, and the device does what is due
 *	i HEX			a byte, a frame, levels arrive
 *	s AT HEX		stores in the memory that the device can reach, 64 KiB from 0
 *	l AT BYTES		loads from there		= HEX
 *
 * What the device does in between is told in lines of its own: `irq 0|1`, `pulse`, `out HEX`,
 *`refused AT BYTES`, `wrong TEXT`. Numbers are C's. Status 2: a line that is none of these.
 */
#include "sim/devices/bcm2835_gpio.h"
#include "sim/devices/hpet.h"
#include "sim/devices/pl011.h"
#include "sim/devices/virtio_blk.h"
#include "sim/devices/virtio_net.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES 0x10000
#define DATA_MAX     2048

static const struct device_class *const classes[] = {&pl011_class, &hpet_class, &bcm2835_gpio_class,
						     &virtio_blk_class, &virtio_net_class};
static uint64_t clock_ns, state = 1;
static uint8_t memory[MEMORY_BYTES];

static void print_hex(const char *word, const void *data, size_t bytes)
{
	printf("%s ", word);
	for (size_t i = 0; i < bytes; i++)
		printf("%02x", ((const uint8_t *)data)[i]);
	putchar('\n');
}

static uint64_t now_ns(struct device *d)
{
	(void)d;
	return clock_ns;
}

static void line(struct device *d, bool high)
{
	(void)d;
	printf("irq %d\n", high);
}

static void pulse(struct device *d)
{
	(void)d;
	puts("pulse");
}

/* Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003. */
static uint64_t below(struct device *d, uint64_t n)
{
	(void)d;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static bool dma(struct device *d, unsigned how, uint64_t at, void *data, size_t bytes,
		const char *what)
{
	(void)d, (void)what;
	if (at > MEMORY_BYTES || bytes > MEMORY_BYTES - at) {
		printf("refused %#" PRIx64 " %zu\n", at, bytes);
		return false;
	}
	if (how & DMA_WRITE)
		memcpy(memory + at, data, bytes);
	else
		memcpy(data, memory + at, bytes);
	return true;
}

static bool fault(struct device *d, enum device_fault kind, uint64_t *ns)
{
	(void)d, (void)kind, (void)ns;
	return false;
}

static void misuse(struct device *d, const char *text)
{
	(void)d;
	printf("wrong %s\n", text);
}

static void out(struct device *d, const void *data, size_t bytes)
{
	(void)d;
	print_hex("out", data, bytes);
}

static const struct device_host host = {now_ns, line, pulse, below, dma, fault, misuse, out};

static void pass(struct device *d, uint64_t ns)
{
	uint64_t end = clock_ns + ns;

	while (d->due_ns <= end) {
		clock_ns = d->due_ns > clock_ns ? d->due_ns : clock_ns;
		device_run(d);
	}
	clock_ns = end;
}

/* Bytes of @p text into @p data; how many. */
static size_t unhex(const char *text, uint8_t *data)
{
	size_t n = 0;
	unsigned byte;

	for (; n < DATA_MAX && sscanf(text, "%2x", &byte) == 1 && text[1]; text += 2)
		data[n++] = (uint8_t)byte;
	return n;
}

static bool obey(struct device *d, const char *text)
{
	uint64_t a = 0, b = 0, c = 0;
	char word = 0, hex[2 * DATA_MAX + 1] = "";
	uint8_t data[DATA_MAX];
	size_t bytes;

	sscanf(text, " %c %" SCNi64 " %" SCNi64 " %" SCNi64, &word, &a, &b, &c);
	switch (word) {
	case 'r':
		printf("= %#" PRIx64 "\n", device_read(d, a, (unsigned)b));
		return true;
	case 'w':
		device_write(d, a, c, (unsigned)b);
		return true;
	case 'p':
		pass(d, a);
		return true;
	case 'i':
		if (!d->class->in || sscanf(text, " i %4096s", hex) != 1)
			return false;
		bytes = unhex(hex, data);
		d->class->in(d, data, bytes);
		return true;
	case 's':
		if (sscanf(text, " s %" SCNi64 " %4096s", &a, hex) != 2)
			return false;
		bytes = unhex(hex, data);
		return dma(d, DMA_WRITE, a, data, bytes, "");
	case 'l':
		if (b > sizeof data || !dma(d, DMA_READ, a, data, b, ""))
			return false;
		print_hex("=", data, b);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	const struct device_class *class = NULL;
	struct device *d;
	char text[2 * DATA_MAX + 64];

	for (unsigned i = 0; argc > 1 && i < sizeof classes / sizeof *classes; i++)
		if (strcmp(argv[1], classes[i]->name) == 0)
			class = classes[i];
	if (argc > 2)
		state = strtoull(argv[2], NULL, 0) | 1ull << 63;
	d = class ? malloc(class->bytes) : NULL;
	if (!d) {
		fputs("usage: carrier MODEL [SEED]; models are", stderr);
		for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++)
			fprintf(stderr, " %s", classes[i]->name);
		fputs("\n", stderr);
		return 2;
	}
	device_begin(d, class, &host, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(text, sizeof text, stdin)) {
		if (!obey(d, text)) {
			fprintf(stderr,
				"carrier: %s: this is no line that %s understands; see the head of "
				"tests/sim/carrier.c\n",
				strtok(text, "\n"), class->name);
			return 2;
		}
		puts(".");
	}
	free(d);
	return 0;
}
