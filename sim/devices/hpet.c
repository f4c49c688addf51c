/*
 * hpet.c: see hpet.h. Section 2.3 of the specification.
 */
#include "sim/devices/hpet.h"

#define TIMERS 3

enum {
	CAPABILITIES = 0x00,
	CONFIGURATION = 0x10,
	STATUS = 0x20,
	COUNTER = 0xf0,
	TIMER0 = 0x100,
	TIMER_BYTES = 0x20,
};
enum { ENABLE = 1 };
enum {
	CONF_LEVEL = 1 << 1,
	CONF_ENABLE = 1 << 2,
	CONF_PERIODIC = 1 << 3,
	CONF_CAN_PERIODIC = 1 << 4,
	CONF_CAN_64 = 1 << 5,
	CONF_SET = 1 << 6,
	CONF_32 = 1 << 8,
	CONF_ROUTE = 31 << 9,
	CONF_WRITABLE = CONF_LEVEL | CONF_ENABLE | CONF_PERIODIC | CONF_SET | CONF_32 | CONF_ROUTE,
};
#define CONF_INPUTS (1ull << 32) /* the inputs that the interrupt can be routed to: the first */
#define VENDOR	    0x8086ull
#define REVISION    1ull
#define COUNTER_IS_64 (1ull << 13)

struct hpet {
	struct device d;
	uint64_t count, since_ns; /* what the counter was, and when */
	bool counting;
	uint64_t match[TIMERS], period[TIMERS];
};

static struct hpet *of(struct device *d)
{
	return (struct hpet *)d;
}

static uint64_t now_of(struct hpet *h)
{
	return h->d.host->now_ns(&h->d);
}

static uint64_t *conf(struct hpet *h, unsigned n)
{
	return device_value(&h->d, TIMER0 + n * TIMER_BYTES);
}

static uint64_t counter(struct hpet *h)
{
	return h->counting ? h->count + (now_of(h) - h->since_ns) / HPET_PERIOD_NS : h->count;
}

/* Counts until the counter equals the comparator, or did: 2.3.9.2.2. A comparator that it has passed
 * waits for it to come round. */
static uint64_t counts_left(struct hpet *h, unsigned n)
{
	uint64_t left = h->match[n] - counter(h);

	return *conf(h, n) & CONF_32 ? (uint32_t)left : left;
}

/* The interrupt's level, and the next time that a comparator is met. */
static void settle(struct hpet *h)
{
	uint64_t due = DEVICE_NEVER, now = now_of(h);

	for (unsigned n = 0; n < TIMERS && h->counting; n++) {
		uint64_t left = counts_left(h, n), ns = DEVICE_NEVER;

		if (left && left < DEVICE_NEVER / 4 / HPET_PERIOD_NS)
			ns = now + left * HPET_PERIOD_NS - (now - h->since_ns) % HPET_PERIOD_NS;
		due = ns < due ? ns : due;
	}
	device_line(&h->d, *device_value(&h->d, STATUS));
	device_wake(&h->d, due);
}

static void run(struct device *d)
{
	struct hpet *h = of(d);

	for (unsigned n = 0; n < TIMERS; n++) {
		uint64_t c = *conf(h, n);

		if (counts_left(h, n))
			continue;
		if (c & CONF_PERIODIC)
			h->match[n] += h->period[n];
		if (c & CONF_LEVEL && c & CONF_ENABLE)
			*device_value(d, STATUS) |= 1ull << n;
		else if (c & CONF_ENABLE)
			d->host->pulse(d);
	}
	settle(h);
}

static uint64_t counter_read(struct device *d, unsigned i)
{
	(void)i;
	return counter(of(d));
}

static void counter_write(struct device *d, unsigned i, uint64_t value)
{
	struct hpet *h = of(d);

	(void)i;
	if (h->counting)
		device_misuse(d, "writes the counter while it counts");
	h->count = value;
	h->since_ns = now_of(h);
	settle(h);
}

static void configuration_write(struct device *d, unsigned i, uint64_t value)
{
	struct hpet *h = of(d);

	(void)i;
	h->count = counter(h);
	h->since_ns = now_of(h);
	h->counting = value & ENABLE;
	settle(h);
}

static void settle_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i, (void)value;
	settle(of(d));
}

static uint64_t comparator_read(struct device *d, unsigned n)
{
	return of(d)->match[n];
}

/* 2.3.9.2.2: a periodic one takes the time of the first interrupt with CONF_SET, which clears itself, and
 * the period without it. */
static void comparator_write(struct device *d, unsigned n, uint64_t value)
{
	struct hpet *h = of(d);

	if (*conf(h, n) & CONF_PERIODIC && !(*conf(h, n) & CONF_SET))
		h->period[n] = value;
	else
		h->match[n] = value;
	*conf(h, n) &= ~(uint64_t)CONF_SET;
	settle(h);
}

#define HALVES REG_PARTS, .bytes = 8, .least = 4

/* Table 3: each register may be accessed as 32 or 64 bits. */
static const struct reg regs[] = {
	{"GCAP_ID", CAPABILITIES, .access = REG_R | HALVES,
	 .reset = HPET_PERIOD_FS << 32 | VENDOR << 16 | COUNTER_IS_64 | (TIMERS - 1) << 8 | REVISION},
	{"GEN_CONF", CONFIGURATION, .access = REG_RW | HALVES, .reserved = ~3ull, .constant = 2,
	 .write = configuration_write},
	{"GINTR_STA", STATUS, .access = REG_RW | HALVES, .reserved = ~7ull, .w1c = 7, .write = settle_write},
	{"MAIN_CNT", COUNTER, .access = REG_RW | HALVES, .read = counter_read, .write = counter_write},
	{"TIMn_CONF", TIMER0, .access = REG_RW | HALVES, .count = TIMERS, .stride = TIMER_BYTES,
	 .reset = CONF_INPUTS | CONF_CAN_PERIODIC | CONF_CAN_64, .constant = ~(uint64_t)CONF_WRITABLE,
	 .write = settle_write},
	{"TIMn_COMP", TIMER0 + 8, .access = REG_RW | HALVES, .count = TIMERS, .stride = TIMER_BYTES,
	 .reset = UINT64_MAX, .read = comparator_read, .write = comparator_write},
};

static void reset(struct device *d)
{
	for (unsigned n = 0; n < TIMERS; n++)
		of(d)->match[n] = UINT64_MAX;
}

const struct device_class hpet_class = {
	.name = "hpet",
	.regs = regs,
	.reg_count = sizeof regs / sizeof *regs,
	.window_bytes = 0x400,
	.bytes = sizeof(struct hpet),
	.reset = reset,
	.run = run,
};
