/*
 * bcm2835_gpio.c: see bcm2835_gpio.h. Registers: table 6-1.
 */
#include "sim/devices/bcm2835_gpio.h"

enum {
	FSEL = 0x00,
	SET = 0x1c,
	CLR = 0x28,
	LEV = 0x34,
	EDS = 0x40,
	REN = 0x4c,
	FEN = 0x58,
	HEN = 0x64,
	LEN = 0x70,
	AREN = 0x7c,
	AFEN = 0x88,
	PUD = 0x94,
	PUDCLK = 0x98,
};
enum { FUNCTION_INPUT = 0, FUNCTION_OUTPUT = 1 };
enum { PULL_UP = 2, PULL_RESERVED = 3 };

#define PINS_PER_FSEL 10
#define PINS_HIGH     ((1u << (GPIO_PINS - 32)) - 1) /* that the second register of each pair has */
#define CYCLES_150_NS 600			      /* GPPUDCLK's 150 cycles of a core of 250 MHz */
#define ALL	      ((1ull << GPIO_PINS) - 1)

struct gpio {
	struct device d;
	uint64_t latch;		 /* what outputs have */
	struct gpio_levels outside;
	uint64_t levels, shown; /* as they are; as they were last told outside */
	uint64_t shown_driven;
	uint64_t up; /* pins with a pull-up; those without read 0 when nobody drives them */
	uint64_t pud_ns, clock_ns; /* when PUD and PUDCLK were written last */
	uint64_t clocked;	   /* pins that PUDCLK has */
};

static struct gpio *of(struct device *d)
{
	return (struct gpio *)d;
}

static uint64_t pair(struct gpio *g, unsigned offset)
{
	return *device_value(&g->d, offset) | *device_value(&g->d, offset + 4) << 32;
}

/* The pins that have @p function. */
static uint64_t having(struct gpio *g, unsigned function)
{
	uint64_t set = 0;

	for (unsigned pin = 0; pin < GPIO_PINS; pin++) {
		uint64_t all = *device_value(&g->d, FSEL + pin / PINS_PER_FSEL * 4);

		if ((all >> pin % PINS_PER_FSEL * 3 & 7) == function)
			set |= 1ull << pin;
	}
	return set;
}

static void add_events(struct gpio *g, uint64_t pins)
{
	*device_value(&g->d, EDS) |= (uint32_t)pins;
	*device_value(&g->d, EDS + 4) |= pins >> 32;
}

/* Levels, events and the interrupt follow from the state. A level that is looked for sets its bit for as
 * long as it is there. */
static void settle(struct gpio *g)
{
	uint64_t outputs = having(g, FUNCTION_OUTPUT), old = g->levels, now;
	uint64_t outside = g->outside.driven & ~outputs;

	now = (g->latch & outputs) | (g->outside.levels & outside) | (g->up & ~outputs & ~outside);
	g->levels = now;
	add_events(g, (now & ~old & (pair(g, REN) | pair(g, AREN))) |
			      (old & ~now & (pair(g, FEN) | pair(g, AFEN))) | (now & pair(g, HEN)) |
			      (~now & pair(g, LEN)));
	device_line(&g->d, pair(g, EDS));
	if ((now & outputs) != g->shown || outputs != g->shown_driven) {
		struct gpio_levels pins = {.levels = now & outputs, .driven = outputs};

		g->shown = pins.levels;
		g->shown_driven = outputs;
		g->d.host->out(&g->d, &pins, sizeof pins);
	}
}

static void in(struct device *d, const void *data, size_t bytes)
{
	(void)bytes;
	of(d)->outside = *(const struct gpio_levels *)data;
	settle(of(d));
}

/* The pins of register @p i of a pair that @p value names. */
static uint64_t pins(struct device *d, unsigned i, uint64_t value)
{
	if (i && value & ~(uint64_t)PINS_HIGH)
		device_misuse(d, "writes %#llx to the second register of a pair, which has pins 32 to 53",
			      (unsigned long long)value);
	return i ? (value & PINS_HIGH) << 32 : value;
}

static void set_write(struct device *d, unsigned i, uint64_t value)
{
	of(d)->latch |= pins(d, i, value);
	settle(of(d));
}

static void clr_write(struct device *d, unsigned i, uint64_t value)
{
	of(d)->latch &= ~pins(d, i, value);
	settle(of(d));
}

static uint64_t lev_read(struct device *d, unsigned i)
{
	return i ? of(d)->levels >> 32 : (uint32_t)of(d)->levels;
}

static void fsel_write(struct device *d, unsigned i, uint64_t value)
{
	if (i == GPIO_PINS / PINS_PER_FSEL && value >> GPIO_PINS % PINS_PER_FSEL * 3)
		device_misuse(d, "writes %#llx to GPFSEL5, which has pins 50 to 53",
			      (unsigned long long)value);
	settle(of(d));
}

static void detect_write(struct device *d, unsigned i, uint64_t value)
{
	pins(d, i, value);
	settle(of(d));
}

static void pud_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i;
	if ((value & 3) == PULL_RESERVED)
		device_misuse(d, "writes 3 to GPPUD, which is reserved");
	of(d)->pud_ns = d->host->now_ns(d);
}

/* The sequence below table 6-28: GPPUD, 150 cycles, the pins' clock, 150 cycles, and both back to 0. */
static void pudclk_write(struct device *d, unsigned i, uint64_t value)
{
	struct gpio *g = of(d);
	uint64_t now = d->host->now_ns(d), pull = *device_value(d, PUD), set = pins(d, i, value);

	if (set) {
		g->clocked |= set;
		g->clock_ns = now;
		if (now - g->pud_ns < CYCLES_150_NS)
			device_misuse(d, "clocks a pull %llu ns after it wrote GPPUD, not 150 cycles, %u ns",
				      (unsigned long long)(now - g->pud_ns), CYCLES_150_NS);
		g->up = pull == PULL_UP ? g->up | set : g->up & ~set;
	} else if (g->clocked) {
		g->clocked = 0;
		if (now - g->clock_ns < CYCLES_150_NS)
			device_misuse(d, "takes a pull's clock away after %llu ns, not 150 cycles, %u ns",
				      (unsigned long long)(now - g->clock_ns), CYCLES_150_NS);
	}
	settle(g);
}

#define PAIR(n, o, ...)                                                                            \
	{                                                                                          \
		.name = n, .offset = o, .bytes = 4, .access = REG_RW, .count = 2, __VA_ARGS__      \
	}

static const struct reg regs[] = {
	{"GPFSEL", FSEL, 4, REG_RW, .count = 6, .reserved = 3u << 30, .write = fsel_write},
	{"GPSET", SET, 4, REG_W, .count = 2, .write = set_write},
	{"GPCLR", CLR, 4, REG_W, .count = 2, .write = clr_write},
	{"GPLEV", LEV, 4, REG_R, .count = 2, .read = lev_read},
	PAIR("GPEDS", EDS, .w1c = UINT32_MAX, .write = detect_write),
	PAIR("GPREN", REN, .write = detect_write),
	PAIR("GPFEN", FEN, .write = detect_write),
	PAIR("GPHEN", HEN, .write = detect_write),
	PAIR("GPLEN", LEN, .write = detect_write),
	PAIR("GPAREN", AREN, .write = detect_write),
	PAIR("GPAFEN", AFEN, .write = detect_write),
	{"GPPUD", PUD, 4, REG_RW, .reserved = ~3u, .write = pud_write},
	{"GPPUDCLK", PUDCLK, 4, REG_RW, .count = 2, .write = pudclk_write},
};

const struct device_class bcm2835_gpio_class = {
	.name = "bcm2835-gpio",
	.regs = regs,
	.reg_count = sizeof regs / sizeof *regs,
	.window_bytes = 0xb4,
	.bytes = sizeof(struct gpio),
	.in = in,
};
