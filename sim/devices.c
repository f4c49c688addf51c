/*
 * devices.c: the devices of the machine: the host of the models in sim/devices/. It gives them virtual
 * time, a generator each, interrupts and memory (dma.c), and what is behind them: the console's input
 * and output for the UART, wires between pins, and for the network a partner that sends each frame
 * back to whom it is from.
 */
#include "sim/devices/bcm2835_gpio.h"
#include "sim/devices/hpet.h"
#include "sim/devices/pl011.h"
#include "sim/devices/virtio_blk.h"
#include "sim/devices/virtio_net.h"
#include "sim/watch.h"
#include <stdlib.h>
#include <string.h>

#define ACCESS_EVENTS 100  /* that an access takes: 100 ns, about what a read over PCI Express or APB does */
#define STORM	      16   /* deliveries in a row of one interrupt that nothing quiets */
#define WIRE_NS	      50   /* at most, until a wire's other end has the level */
#define FRAMES	      32   /* under way to the partner and back */
#define ECHO_NS	      50000 /* the longest way */
#define ADDRESS_BYTES 6

static const struct {
	const struct device_class *class;
	const char *meaning;
} kinds[DEVICES] = {
	[DEVICE_PL011] = {&pl011_class, "a UART, the console's input and output"},
	[DEVICE_HPET] = {&hpet_class, "a counter with three comparators"},
	[DEVICE_GPIO] = {&bcm2835_gpio_class, "54 pins; 20, 22, 24 and 26 are wired to the next one"},
	[DEVICE_VIRTIO_BLK] = {&virtio_blk_class, "a disk of 64 sectors"},
	[DEVICE_VIRTIO_NET] = {&virtio_net_class, "a network whose partner sends each frame back"},
};

/* Of each device. */
static struct place {
	struct device *model;
	unsigned storm;	      /* deliveries since its interrupt's line rose */
	uint64_t cause;	      /* the event of the last write to its registers */
	uintptr_t pc;	      /* the access to its registers that is being made */
	uint64_t rises_ns;    /* when its interrupt, which is late, comes; 0: none is */
} places[DEVICES];

static uint64_t due_ns; /* 0: nothing is being done that was due */

static struct {
	uint64_t at_ns, levels, outputs; /* DEVICE_NEVER: nothing is under way */
} wires;

static struct frame {
	uint64_t at_ns;
	size_t bytes; /* 0: free */
	uint8_t data[VIRTIO_NET_FRAME_MAX];
} frames[FRAMES];

static unsigned number_of(const struct device *d)
{
	return (unsigned)((struct place *)d->of_host - places);
}

/*
 * What models ask for.
 */

/* When what is due is done, it is the time at which it was due, which an access to a register may have
 * gone past. */
static uint64_t present_ns(void)
{
	return due_ns ? due_ns : sim.clock_ns;
}

static uint64_t now_ns(struct device *d)
{
	(void)d;
	return present_ns();
}

static void line(struct device *d, bool high)
{
	unsigned n = number_of(d);
	uint64_t ns;

	places[n].storm = 0;
	places[n].rises_ns = 0;
	sim.lines &= ~(1u << n);
	if (!high || fault_strikes(FAULT_IRQ_LOST, &ns))
		return;
	if (fault_strikes(FAULT_IRQ_LATE, &ns))
		places[n].rises_ns = present_ns() + ns;
	else
		sim.lines |= 1u << n;
}

static void pulse(struct device *d)
{
	uint64_t unused;

	if (!fault_strikes(FAULT_IRQ_LOST, &unused))
		sim.edges |= 1u << number_of(d);
}

static uint64_t below(struct device *d, uint64_t n)
{
	return rng_below(&sim.rng[RNG_DEVICES + number_of(d)], n);
}

static bool coin(unsigned device)
{
	return rng_below(&sim.rng[RNG_DEVICES + device], 2);
}

static bool dma(struct device *d, unsigned how, uint64_t at, void *data, size_t bytes, const char *what)
{
	bool done;

	watch_act(number_of(d), d->class->name, what);
	watch_device_event();
	done = dma_move(number_of(d), d->class->name, how, at, data, bytes, what, coin);
	watch_act(0, NULL, NULL);
	return done;
}

static bool fault(struct device *d, enum device_fault kind, uint64_t *ns)
{
	(void)d;
	return fault_strikes((enum fault)(FAULT_DEVICE_STUCK + kind), ns);
}

void devices_cause(unsigned device)
{
	if (places[device].cause)
		report_later("write to a register", places[device].cause);
}

/* Tells texts apart. */
static uintptr_t sum(const char *text)
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a */

	while (*text)
		hash = (hash ^ (uint8_t)*text++) * 0x01000193;
	return hash;
}

/* Found while a CPU is at a register, or later, while the device works. */
static void misuse(struct device *d, const char *text)
{
	struct place *p = d->of_host;

	if (!(sim.cfg.watch & WATCH_DEVICES) || !report_begin(p->pc, sum(text)))
		return;
	report_line("%s: the driver %s", d->class->name, text);
	if (p->pc) {
		report_here("access", p->pc);
	} else {
		watch_act(number_of(d), d->class->name, "looks at what it was given");
		report_here("noticed", 0);
	}
	report_end();
	watch_act(0, NULL, NULL);
}

static void send_back(struct device *d, const uint8_t *data, size_t bytes)
{
	struct frame *f = frames;

	while (f < frames + FRAMES && f->bytes)
		f++;
	if (f == frames + FRAMES || bytes > sizeof f->data || bytes < 2 * ADDRESS_BYTES)
		return; /* lost, as frames are */
	memcpy(f->data, data, bytes);
	memcpy(f->data, data + ADDRESS_BYTES, ADDRESS_BYTES);
	memcpy(f->data + ADDRESS_BYTES, data, ADDRESS_BYTES);
	f->bytes = bytes;
	f->at_ns = present_ns() + 1 + below(d, ECHO_NS);
}

static void out(struct device *d, const void *data, size_t bytes)
{
	const struct gpio_levels *pins = data;

	switch (number_of(d)) {
	case DEVICE_PL011:
		for (size_t i = 0; i < bytes; i++)
			sim_console_write(((const char *)data)[i]);
		break;
	case DEVICE_GPIO:
		wires.levels = pins->levels;
		wires.outputs = pins->driven;
		wires.at_ns = present_ns() + 1 + below(d, WIRE_NS);
		break;
	case DEVICE_VIRTIO_NET:
		send_back(d, data, bytes);
		break;
	}
}

static const struct device_host host = {
	.now_ns = now_ns,
	.line = line,
	.pulse = pulse,
	.below = below,
	.dma = dma,
	.fault = fault,
	.misuse = misuse,
	.out = out,
};

/*
 * What is behind the devices.
 */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wires_run(struct device *gpio)
{
	struct gpio_levels pins = {0};

	if (wires.at_ns > due_ns)
		return;
	for (unsigned pin = WIRE_FIRST; pin <= WIRE_LAST; pin += 2)
		if (wires.outputs >> pin & 1) {
			pins.driven |= 1ull << (pin + 1);
			pins.levels |= (wires.levels >> pin & 1) << (pin + 1);
		}
	wires.at_ns = SIM_NEVER;
	gpio->class->in(gpio, &pins, sizeof pins);
}

static void frames_run(struct device *net)
{
	for (struct frame *f = frames; f < frames + FRAMES; f++) {
		if (f->bytes && f->at_ns <= due_ns) {
			size_t bytes = f->bytes;

			f->bytes = 0;
			net->class->in(net, f->data, bytes);
		}
	}
}

static void input_run(struct device *uart)
{
	char byte;

	if (console_due() <= due_ns && sim_console_read(&byte, 1))
		uart->class->in(uart, &byte, 1);
}

static const struct {
	unsigned device;
	void (*run)(struct device *d);
} behind[] = {
	{DEVICE_PL011, input_run},
	{DEVICE_GPIO, wires_run},
	{DEVICE_VIRTIO_NET, frames_run},
};

uint64_t devices_next(void)
{
	uint64_t due = least(wires.at_ns, devices_take_input() ? console_due() : SIM_NEVER);

	for (unsigned i = 0; i < DEVICES; i++)
		if (places[i].model)
			due = least(due, least(places[i].model->due_ns, places[i].rises_ns ? places[i].rises_ns : SIM_NEVER));
	for (unsigned i = 0; i < FRAMES; i++)
		if (frames[i].bytes)
			due = least(due, frames[i].at_ns);
	return due;
}

void devices_work(void)
{
	while ((due_ns = devices_next()) <= sim.clock_ns) {
		for (unsigned i = 0; i < sizeof behind / sizeof *behind; i++)
			if (places[behind[i].device].model)
				behind[i].run(places[behind[i].device].model);
		for (unsigned i = 0; i < DEVICES; i++) {
			if (!places[i].model)
				continue;
			device_run(places[i].model);
			if (places[i].rises_ns && places[i].rises_ns <= due_ns) {
				places[i].rises_ns = 0;
				sim.lines |= 1u << i;
			}
		}
	}
	due_ns = 0;
}

void devices_handled(unsigned n)
{
	if (!(sim.lines >> n & 1) || ++places[n].storm != STORM ||
	    !(sim.cfg.watch & WATCH_DEVICES) || !report_begin(sim.pc, n))
		return;
	report_line("%s: its interrupt is not acknowledged: the handler ran %u times, and nothing changed",
		    kinds[n].class->name, STORM);
	report_here("delivery", sim.pc);
	devices_cause(n);
	report_end();
}

/*
 * The machine.
 */

static const char *device_name(unsigned i)
{
	return i < DEVICES ? kinds[i].class->name : i == DEVICES ? "all" : NULL;
}

const char *devices_set(const char *value)
{
	unsigned set = strcmp(value, "all") == 0 ? (1u << DEVICES) - 1 : 0;

	for (unsigned i = 0; i < DEVICES; i++)
		if (strcmp(value, kinds[i].class->name) == 0)
			set = 1u << i;
	sim.cfg.devices |= set;
	sim.cfg.watch |= WATCH_VIEW;
	return set ? NULL : none_of("names no device", device_name);
}

void devices_help(void)
{
	for (unsigned i = 0; i < DEVICES; i++)
		printf("  %19s   %s: %s\n", "", kinds[i].class->name, kinds[i].meaning);
}

void devices_write(FILE *f)
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (sim.cfg.devices >> i & 1)
			fprintf(f, "device %s\n", kinds[i].class->name);
}

void devices_end(void)
{
	for (unsigned i = 0; i < DEVICES; i++) {
		free(places[i].model);
		places[i] = (struct place){0};
	}
	dma_begin();
}

void devices_begin(void)
{
	if (!sim.cfg.devices)
		return;
	for (unsigned i = 0; i < DEVICES; i++) {
		if (!(sim.cfg.devices >> i & 1))
			continue;
		places[i].model = malloc(kinds[i].class->bytes);
		if (!places[i].model)
			sim_stop(EXIT_BROKEN, "no host memory for a device");
		device_begin(places[i].model, kinds[i].class, &host, &places[i]);
	}
	due_ns = 0;
	wires.at_ns = SIM_NEVER;
	memset(frames, 0, sizeof frames);
	dma_begin();
}

/* The device at @p at, which is about to be accessed; a fault when there is none. */
static struct place *reach(uintptr_t at, uintptr_t pc)
{
	uintptr_t n = (at - DEVICE_FIRST) / DEVICE_WINDOW_BYTES, offset = (at - DEVICE_FIRST) % DEVICE_WINDOW_BYTES;

	if (at < DEVICE_FIRST || n >= DEVICES || !places[n].model || offset >= kinds[n].class->window_bytes)
		sim_entry_fault("no device at this register", at, pc, sim.cpu[sim.cur].irq_on);
	SIM_EVENT(pc);
	watch_show(pc);
	places[n].pc = pc;
	return &places[n];
}

/* The device may have changed its interrupt, or what it is to do next. */
static void leave(struct place *p)
{
	p->pc = 0;
	sim_spend(0);
}

void sim_irq_mask(unsigned irq, bool masked)
{
	unsigned bit = irq < SIM_IRQ_DEVICE ? 0 : 1u << (irq - SIM_IRQ_DEVICE);

	if (irq == SIM_IRQ_CONSOLE)
		console_mask(masked);
	if (!bit)
		return;
	sim.unmasked = masked ? sim.unmasked & ~bit : sim.unmasked | bit;
	sim_spend(0);
}

uint64_t sim_mmio_read(uintptr_t at, unsigned bytes)
{
	struct place *p = reach(at, SIM_PC);
	uint64_t value;

	sim_spend(ACCESS_EVENTS);
	value = device_read(p->model, (at - DEVICE_FIRST) % DEVICE_WINDOW_BYTES, bytes);
	race_register(watch_device(number_of(p->model)), false);
	leave(p);
	return value;
}

void sim_mmio_write(uintptr_t at, uint64_t value, unsigned bytes)
{
	struct place *p = reach(at, SIM_PC);
	uint64_t unused;

	p->cause = sim_event_now();
	sim_spend(ACCESS_EVENTS);
	race_register(watch_device(number_of(p->model)), true);
	device_write(p->model, (at - DEVICE_FIRST) % DEVICE_WINDOW_BYTES, value, bytes);
	if (fault_strikes(FAULT_IRQ_SPURIOUS, &unused))
		pulse(p->model);
	leave(p);
}
