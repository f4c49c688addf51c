/*
 * models_host.h: for tests of the models of devices: the world around one model, whose clock the tests move.
 */
#pragma once

#include "sim/devices/bcm2835_gpio.h"
#include "sim/devices/hpet.h"
#include "sim/devices/pl011.h"
#include "sim/devices/virtio_blk.h"
#include "sim/devices/virtio_net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES 0x4000
#define SENT_MAX     4096

static struct device *d;
static uint64_t clock_ns;
static bool high;
static unsigned pulses, misuses, failures;
static char said[160];
static uint8_t memory[MEMORY_BYTES], sent[SENT_MAX];
static size_t sent_bytes;
static uint64_t forbidden_at = UINT64_MAX; /* the IOMMU refuses what touches this byte */
static int struck = -1;			   /* the fault that strikes */
static struct gpio_levels shown;

static uint64_t now_ns(struct device *of)
{
	(void)of;
	return clock_ns;
}

static void line(struct device *of, bool level)
{
	(void)of;
	high = level;
}

static void pulse(struct device *of)
{
	(void)of;
	pulses++;
}

static uint64_t below(struct device *of, uint64_t n)
{
	(void)of;
	return n / 2;
}

static bool dma(struct device *of, unsigned how, uint64_t at, void *data, size_t bytes, const char *what)
{
	(void)of, (void)what;
	if (at + bytes > MEMORY_BYTES || (forbidden_at >= at && forbidden_at < at + bytes))
		return false;
	if (how & DMA_WRITE)
		memcpy(memory + at, data, bytes);
	else
		memcpy(data, memory + at, bytes);
	return true;
}

static bool fault(struct device *of, enum device_fault kind, uint64_t *ns)
{
	(void)of;
	*ns = 1000000;
	return (int)kind == struck;
}

static void misuse(struct device *of, const char *text)
{
	(void)of;
	misuses++;
	snprintf(said, sizeof said, "%s", text);
}

static void out(struct device *of, const void *data, size_t bytes)
{
	if (of->class == &bcm2835_gpio_class)
		shown = *(const struct gpio_levels *)data;
	else if (sent_bytes + bytes <= SENT_MAX)
		memcpy(sent + sent_bytes, data, bytes);
	sent_bytes += bytes;
}

static const struct device_host host = {now_ns, line, pulse, below, dma, fault, misuse, out};

static void begin(const struct device_class *class)
{
	free(d);
	d = malloc(class->bytes);
	if (!d)
		abort();
	clock_ns = 1000;
	high = false;
	pulses = misuses = 0;
	sent_bytes = 0;
	forbidden_at = UINT64_MAX;
	struck = -1;
	memset(memory, 0, sizeof memory);
	device_begin(d, class, &host, NULL);
}

static uint32_t get(uint64_t offset)
{
	return (uint32_t)device_read(d, offset, 4);
}

static void put(uint64_t offset, uint64_t value)
{
	device_write(d, offset, value, 4);
}

/* Time passes, and the device does what is due when it is. */
static void pass(uint64_t ns)
{
	uint64_t end = clock_ns + ns;

	while (d->due_ns <= end) {
		clock_ns = d->due_ns;
		device_run(d);
	}
	clock_ns = end;
}

static void check(bool holds, int at, const char *what)
{
	if (!holds) {
		printf("  models.c:%d: %s (last misuse: %s)\n", at, what, said);
		failures++;
	}
}

#define CHECK(cond) check(cond, __LINE__, #cond)

/* Exactly one misuse, whose text has @p text. */
#define MISUSE(action, text)                                                                       \
	do {                                                                                       \
		misuses = 0;                                                                       \
		action;                                                                            \
		CHECK(misuses == 1 && strstr(said, text));                                         \
		misuses = 0;                                                                       \
	} while (0)
