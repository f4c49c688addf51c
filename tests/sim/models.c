/*
 * The models of devices on their own, without the simulator: a host of a few lines, whose clock the tests move.
 * What is expected stands in the data sheets that the models name. A program of the host's; says "not ok" and
 * where, and leaves with 1, when something is not as it should be.
 */
#include "models_host.h"
#include "models_virtio.h"

/*
 * Any model's registers.
 */

static uint64_t legal(const struct reg *r)
{
	return ~r->reserved & (r->bytes == 8 ? UINT64_MAX : (1ull << 8 * r->bytes) - 1);
}

/* What a table says of each register holds: reset value, size, alignment, direction, reserved bits. */
static void registers_of(const struct device_class *class)
{
	for (unsigned k = 0; k < class->reg_count; k++) {
		const struct reg *r = &class->regs[k];

		begin(class);
		if (r->access & REG_R && !r->read)
			CHECK(device_read(d, r->offset, r->bytes) == r->reset && misuses == 0);
		if (!(r->access & REG_R))
			MISUSE((void)device_read(d, r->offset, r->bytes), "which is written only");
		if (!(r->access & REG_W))
			MISUSE(device_write(d, r->offset, 0, r->bytes), "which is read only");
		if (r->bytes == 4)
			MISUSE((void)device_read(d, r->offset + 1, 1), "which is accessed as 4 bytes");
		if (r->bytes == 4)
			MISUSE(device_write(d, r->offset, 0, 2), "which is accessed as 4 bytes");
		if (r->access & REG_W && r->reserved & legal(&(struct reg){.bytes = r->bytes}) && !r->write)
			MISUSE(device_write(d, r->offset, r->reserved, r->bytes), "are reserved");
		if ((r->access & REG_RW) == REG_RW && !r->read && !r->write && !r->w1c && !r->constant) {
			begin(class);
			device_write(d, r->offset, legal(r), r->bytes);
			CHECK(device_read(d, r->offset, r->bytes) == legal(r));
		}
	}
	begin(class);
	MISUSE((void)device_read(d, class->window_bytes - 4, 4), class == &pl011_class ? "" : "no register");
}

static void registers(void)
{
	registers_of(&hpet_class);
	registers_of(&bcm2835_gpio_class);
	registers_of(&virtio_blk_class);
	registers_of(&virtio_net_class);
}

/*
 * PL011: DDI 0183G.
 */

enum { DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38 };
enum { RIS = 0x3c, MIS = 0x40, ICR = 0x44, PERIPH_ID = 0xfe0, CELL_ID = 0xff0 };
enum { FR_BUSY = 8, FR_RXFE = 16, FR_TXFF = 32, FR_RXFF = 64, FR_TXFE = 128 };
enum { INT_RX = 16, INT_TX = 32, INT_RT = 64, INT_OE = 1024 };

#define CHAR_NS 86875 /* 10 bits of 16 * (26 + 3/64) periods of 48 MHz, rounded up: 115200 baud */

static void uart_on(unsigned lcr)
{
	begin(&pl011_class);
	put(IBRD, 26);
	put(FBRD, 3);
	put(LCR_H, 0x60 | lcr);
	put(CR, 0x301);
}

static void uart_resets(void)
{
	static const uint8_t periph[] = {0x11, 0x10, 0x34, 0x00}, cell[] = {0x0d, 0xf0, 0x05, 0xb1};

	begin(&pl011_class);
	CHECK(get(FR) == (FR_TXFE | FR_RXFE));
	CHECK(get(CR) == 0x300 && get(IFLS) == 0x12 && get(RIS) == 0 && get(IMSC) == 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK(get(PERIPH_ID + 4 * i) == periph[i] && get(CELL_ID + 4 * i) == cell[i]);
	CHECK(misuses == 0);
	MISUSE(put(IMSC, 1 << 11), "are reserved");
	CHECK(get(IMSC) == 0);
	MISUSE(put(CR, 1 << 3), "are reserved");
	MISUSE(put(IFLS, 5), "no level");
	MISUSE(put(FR, 0), "which is read only");
	MISUSE((void)get(ICR), "which is written only");
	MISUSE((void)device_read(d, DR, 1), "which is accessed as 4 bytes");
	MISUSE((void)get(0x08), "no register");
	MISUSE((void)get(DR), "while its FIFO is empty");
}

static void uart_sends(void)
{
	uart_on(0x10);
	for (unsigned i = 0; i < 33; i++) /* 32 in the FIFO, one in the shift register */
		put(DR, 'a' + i);
	CHECK(get(FR) == (FR_BUSY | FR_TXFF | FR_RXFE) && misuses == 0);
	MISUSE(put(DR, 'x'), "while its FIFO is full");
	pass(CHAR_NS - 200);
	CHECK(sent_bytes == 0);
	pass(300);
	CHECK(sent_bytes == 1 && sent[0] == 'a' && !(get(FR) & FR_TXFF));
	pass(33 * CHAR_NS);
	CHECK(sent_bytes == 33 && sent[32] == 'a' + 32 && get(FR) == (FR_TXFE | FR_RXFE));
}

/* 3.3.11: with IFLS at a half the transmit interrupt comes as the 17th of 32 leaves the FIFO. */
static void uart_transmit_mark(void)
{
	uart_on(0x10);
	put(IFLS, 2);
	put(IMSC, INT_TX);
	for (unsigned i = 0; i < 33; i++)
		put(DR, i);
	put(ICR, INT_TX);
	CHECK(!high && get(RIS) == 0);
	pass(15 * CHAR_NS + 1000);
	CHECK(get(RIS) == 0);
	pass(CHAR_NS);
	CHECK(high && get(RIS) == INT_TX && get(MIS) == INT_TX);
	put(IMSC, 0);
	CHECK(!high && get(RIS) == INT_TX && get(MIS) == 0);
	put(DR, 0);
	CHECK(get(RIS) == 0);
}

static void receive(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)(0x80 + i);

		d->class->in(d, &byte, 1);
		pass(CHAR_NS);
	}
}

static void uart_receives(void)
{
	uart_on(0x10);
	put(IFLS, 1 << 3); /* receive at a quarter: 8 */
	put(IMSC, INT_RX | INT_RT);
	receive(7);
	CHECK(!high && get(RIS) == 0 && !(get(FR) & FR_RXFE));
	pass(32 * CHAR_NS / 10 - CHAR_NS - 2000);
	CHECK(!high);
	pass(4000);
	CHECK(high && get(MIS) == INT_RT);
	put(ICR, INT_RT);
	CHECK(!high);
	receive(1);
	CHECK(high && get(MIS) == INT_RX);
	CHECK(get(DR) == 0x80 && !high);
	for (unsigned i = 1; i < 7; i++)
		CHECK(get(DR) == 0x80 + i);
	CHECK(get(DR) == 0x80 && get(FR) & FR_RXFE && misuses == 0);
}

static void uart_overruns(void)
{
	uart_on(0x10);
	receive(32);
	CHECK(get(FR) & FR_RXFF && !(get(RIS) & INT_OE));
	receive(1);
	CHECK(get(RIS) & INT_OE && get(RSR) == 8);
	put(RSR, 0);
	CHECK(get(RSR) == 0);
	CHECK(get(DR) == 0x80);
	receive(1);
	for (unsigned i = 1; i < 32; i++)
		CHECK(get(DR) == 0x80 + i);
	CHECK(get(DR) == (0x80 | 1 << 11));
	uart_on(0); /* without FIFOs there is room for one */
	receive(1);
	CHECK(get(FR) & FR_RXFF && get(RIS) & INT_RX);
}

static void uart_rates(void)
{
	uart_on(0x10);
	MISUSE(put(LCR_H, 0x70), "while the UART is enabled");
	put(DR, 'a');
	put(CR, 0);
	MISUSE(put(IBRD, 1), "while a character is under way");
	begin(&pl011_class);
	put(IBRD, 26);
	put(FBRD, 3);
	put(CR, 0x301); /* LCR_H was not written: the divisor does not count yet */
	put(DR, 'a');
	pass(8680 * 7 + 100);
	CHECK(sent_bytes == 1);
}

/*
 * HPET: IA-PC HPET specification 1.0a.
 */

enum { GCAP = 0x00, GCONF = 0x10, GSTATUS = 0x20, MAIN = 0xf0, T0_CONF = 0x100, T0_COMP = 0x108 };

static uint64_t get64(uint64_t offset)
{
	return device_read(d, offset, 8);
}

static void hpet_counts(void)
{
	begin(&hpet_class);
	CHECK(get(GCAP + 4) == 10000000 && (get(GCAP) & 0xff) == 1);
	pass(1000);
	CHECK(get64(MAIN) == 0);
	put(GCONF, 1);
	pass(1000);
	CHECK(get64(MAIN) == 100 && get(MAIN) == 100 && get(MAIN + 4) == 0);
	MISUSE(device_write(d, MAIN, 0, 8), "while it counts");
	put(GCONF, 0);
	device_write(d, MAIN, 0xffffffff0, 8);
	CHECK(get(MAIN + 4) == 0xf && misuses == 0);
	MISUSE(put(GCONF, 4), "are reserved");
	MISUSE((void)device_read(d, MAIN, 2), "which is accessed as 8 bytes");
	MISUSE((void)device_read(d, MAIN + 4, 8), "which is accessed as 8 bytes");
}

static void hpet_fires(void)
{
	begin(&hpet_class);
	put(T0_CONF, 1 << 1 | 1 << 2);
	device_write(d, T0_COMP, 50, 8);
	put(GCONF, 1);
	pass(499);
	CHECK(!high && get(GSTATUS) == 0);
	pass(1);
	CHECK(high && get(GSTATUS) == 1);
	put(GSTATUS, 0);
	CHECK(high);
	put(GSTATUS, 2);
	CHECK(high);
	put(GSTATUS, 1);
	CHECK(!high && get(GSTATUS) == 0);
	device_write(d, T0_COMP, 20, 8); /* has passed */
	pass(100000);
	CHECK(!high);
	put(T0_CONF, 1 << 2);
	device_write(d, T0_COMP, get64(MAIN) + 10, 8);
	pass(100);
	CHECK(!high && pulses == 1);
}

static void hpet_repeats(void)
{
	begin(&hpet_class);
	put(GCONF, 1);
	put(T0_CONF, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6);
	device_write(d, T0_COMP, 100, 8);
	CHECK(!(get(T0_CONF) & 1 << 6));
	device_write(d, T0_COMP, 30, 8);
	pass(999);
	CHECK(!high);
	for (unsigned i = 0; i < 5; i++) {
		pass(1);
		CHECK(high);
		put(GSTATUS, 1);
		pass(299);
		CHECK(!high);
	}
	CHECK(get64(T0_COMP) == 100 + 30 * 5);
}

/*
 * GPIO: BCM2835 ARM Peripherals, chapter 6.
 */

enum { FSEL1 = 0x04, SET = 0x1c, CLR = 0x28, LEV = 0x34, EDS = 0x40, REN = 0x4c, FEN = 0x58, HEN = 0x64, LEN = 0x70 };
enum { PUD = 0x94, PUDCLK = 0x98 };

static void drive(unsigned pin, bool level)
{
	struct gpio_levels l = {.levels = (uint64_t)level << pin, .driven = 1ull << pin};

	d->class->in(d, &l, sizeof l);
}

static void gpio_outputs(void)
{
	begin(&bcm2835_gpio_class);
	put(SET, 1 << 10);
	CHECK(get(LEV) == 0 && shown.driven == 0);
	put(FSEL1, 1); /* pin 10: what was set before shows now */
	CHECK(get(LEV) == 1 << 10 && shown.driven == 1 << 10 && shown.levels == 1 << 10);
	put(SET, 0);
	CHECK(get(LEV) == 1 << 10);
	put(CLR, 1 << 10);
	CHECK(get(LEV) == 0 && shown.levels == 0);
	MISUSE(put(FSEL1, 1u << 30), "are reserved");
	MISUSE(put(SET + 4, 1 << 22), "which has pins 32 to 53");
}

static void gpio_events(void)
{
	begin(&bcm2835_gpio_class);
	put(REN, 1 << 5);
	put(FEN + 4, 1 << 1);
	drive(5, true);
	CHECK(high && get(EDS) == 1 << 5);
	put(EDS, 1 << 4);
	CHECK(high && get(EDS) == 1 << 5);
	put(EDS, 1 << 5);
	CHECK(!high && get(EDS) == 0);
	drive(5, false);
	CHECK(!high);
	drive(33, true);
	CHECK(!high);
	drive(33, false);
	CHECK(high && get(EDS + 4) == 1 << 1 && get(EDS) == 0);
	put(EDS + 4, 1 << 1);
	put(HEN, 1 << 6);
	drive(6, true);
	put(EDS, 1 << 6);
	CHECK(high && get(EDS) == 1 << 6); /* the level is still there */
	drive(6, false);
	put(EDS, 1 << 6);
	CHECK(!high);
	put(LEN, 1 << 7);
	CHECK(high);
}

static void gpio_pulls(void)
{
	begin(&bcm2835_gpio_class);
	put(PUD, 2);
	pass(600);
	put(PUDCLK, 1 << 9);
	pass(600);
	put(PUD, 0);
	put(PUDCLK, 0);
	CHECK(misuses == 0 && get(LEV) == 1 << 9);
	drive(9, false);
	CHECK(get(LEV) == 0);
	MISUSE(put(PUD, 3), "reserved");
	put(PUD, 1);
	MISUSE(put(PUDCLK, 1 << 9), "not 150 cycles");
	MISUSE(put(PUDCLK, 0), "not 150 cycles");
}

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{"registers", registers},
	{"uart_resets", uart_resets},
	{"uart_sends", uart_sends},
	{"uart_transmit_mark", uart_transmit_mark},
	{"uart_receives", uart_receives},
	{"uart_overruns", uart_overruns},
	{"uart_rates", uart_rates},
	{"hpet_counts", hpet_counts},
	{"hpet_fires", hpet_fires},
	{"hpet_repeats", hpet_repeats},
	{"gpio_outputs", gpio_outputs},
	{"gpio_events", gpio_events},
	{"gpio_pulls", gpio_pulls},
	{"virtio_negotiates", virtio_negotiates},
	{"virtio_requests", virtio_requests},
	{"virtio_breaks", virtio_breaks},
	{"virtio_fails", virtio_fails},
	{"net_frames", net_frames},
};

int main(void)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
		failures = 0;
		tests[i].fn();
		printf("%s %s\n", failures ? "not ok" : "ok", tests[i].name);
		failed += failures > 0;
	}
	printf("tests: %zu ran, %u failed\n", sizeof tests / sizeof *tests, failed);
	return failed > 0;
}
