/*
 * pl011.c: see pl011.h. Chapter 3 of DDI 0183G.
 */
#include "sim/devices/pl011.h"
#include <string.h>

enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
};
enum { DR_OE = 1 << 11, RSR_OE = 1 << 3 };
enum { FR_BUSY = 1 << 3, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7 };
enum { LCR_PEN = 1 << 1, LCR_STP2 = 1 << 3, LCR_FEN = 1 << 4 };
enum { CR_UARTEN = 1 << 0, CR_LBE = 1 << 7, CR_TXE = 1 << 8, CR_RXE = 1 << 9 };
enum { INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6, INT_OE = 1 << 10 };

#define FIRMWARE_BIT_NS 8680 /* 115200 baud, where nobody sets a divisor */
#define TIMEOUT_BITS	32   /* 3.4.4: of the receive timeout interrupt */
#define DATA_BITS_MIN	5

struct fifo {
	uint16_t all[PL011_FIFO];
	unsigned first, n;
};

struct pl011 {
	struct device d;
	struct fifo rx, tx;
	bool shifting, overrun;
	uint8_t shifter;
	uint64_t shifted_ns, timeout_ns; /* DEVICE_NEVER: not under way */
	uint32_t divisor, lcr;		 /* as of the last write of LCR_H, which makes all three count */
	uint32_t ris;
};

static struct pl011 *of(struct device *d)
{
	return (struct pl011 *)d;
}

static uint64_t reg(struct pl011 *u, uint64_t offset)
{
	return *device_value(&u->d, offset);
}

static unsigned depth(const struct pl011 *u)
{
	return u->lcr & LCR_FEN ? PL011_FIFO : 1;
}

static void put(struct fifo *f, uint16_t x)
{
	f->all[(f->first + f->n++) % PL011_FIFO] = x;
}

static uint16_t take(struct fifo *f)
{
	uint16_t x = f->all[f->first];

	f->first = (f->first + 1) % PL011_FIFO;
	f->n--;
	return x;
}

static uint64_t bit_ns(const struct pl011 *u)
{
	/* 3.3.5: the divisor is the clock / (16 * baud), in units of 1/64. */
	return u->divisor ? (uint64_t)u->divisor * 16 * DEVICE_NS_PER_S / 64 / PL011_CLOCK_HZ
			  : FIRMWARE_BIT_NS;
}

static uint64_t char_ns(const struct pl011 *u)
{
	unsigned bits = 1 + DATA_BITS_MIN + (u->lcr >> 5 & 3) + !!(u->lcr & LCR_PEN) + 1 +
			!!(u->lcr & LCR_STP2);

	return bits * bit_ns(u);
}

/* IFLS: an eighth, a quarter, a half, three quarters, seven eighths; without FIFOs one character. */
static unsigned mark(struct pl011 *u, unsigned shift)
{
	static const unsigned eighths[] = {1, 2, 4, 6, 7, 7, 7, 7};

	return depth(u) == 1 ? 1 : eighths[reg(u, IFLS) >> shift & 7] * PL011_FIFO / 8;
}

static bool tx_low(struct pl011 *u)
{
	return depth(u) == 1 ? u->tx.n == 0 : u->tx.n <= mark(u, 0);
}

/* What follows from the state: the interrupt's level, and when to look again. */
static void settle(struct pl011 *u)
{
	uint64_t due = u->shifted_ns < u->timeout_ns ? u->shifted_ns : u->timeout_ns;

	device_line(&u->d, u->ris & reg(u, IMSC));
	device_wake(&u->d, due);
}

static void shift_next(struct pl011 *u)
{
	bool on = (reg(u, CR) & (CR_UARTEN | CR_TXE)) == (CR_UARTEN | CR_TXE);
	bool was_low;

	if (u->shifting || !u->tx.n || !on)
		return;
	was_low = tx_low(u);
	u->shifter = (uint8_t)take(&u->tx);
	u->shifting = true;
	u->shifted_ns = u->d.host->now_ns(&u->d) + char_ns(u);
	if (tx_low(u) && (!was_low || depth(u) == 1))
		u->ris |= INT_TX;
}

static void receive(struct pl011 *u, uint8_t byte)
{
	if ((reg(u, CR) & (CR_UARTEN | CR_RXE)) != (CR_UARTEN | CR_RXE))
		return;
	u->timeout_ns = u->d.host->now_ns(&u->d) + TIMEOUT_BITS * bit_ns(u);
	if (u->rx.n == depth(u)) {
		u->overrun = true;
		*device_value(&u->d, RSR) |= RSR_OE;
		u->ris |= INT_OE;
		return;
	}
	put(&u->rx, (uint16_t)(byte | (u->overrun ? DR_OE : 0)));
	u->overrun = false;
	if (u->rx.n >= mark(u, 3))
		u->ris |= INT_RX;
}

static void run(struct device *d)
{
	struct pl011 *u = of(d);
	uint64_t now = d->host->now_ns(d);

	if (u->shifted_ns <= now) {
		uint8_t byte = u->shifter;

		u->shifting = false;
		u->shifted_ns = DEVICE_NEVER;
		if (reg(u, CR) & CR_LBE)
			receive(u, byte);
		else
			d->host->out(d, &byte, 1);
		shift_next(u);
	}
	if (u->timeout_ns <= now) {
		u->timeout_ns = DEVICE_NEVER;
		if (u->rx.n)
			u->ris |= INT_RT;
	}
	settle(u);
}

static void in(struct device *d, const void *data, size_t bytes)
{
	for (size_t i = 0; i < bytes && !(reg(of(d), CR) & CR_LBE); i++)
		receive(of(d), ((const uint8_t *)data)[i]);
	settle(of(d));
}

static uint64_t dr_read(struct device *d, unsigned i)
{
	struct pl011 *u = of(d);
	uint16_t x;

	(void)i;
	if (!u->rx.n) {
		device_misuse(d, "reads DR while its FIFO is empty");
		return 0;
	}
	x = take(&u->rx);
	if (u->rx.n < mark(u, 3))
		u->ris &= ~(uint32_t)INT_RX;
	if (!u->rx.n)
		u->ris &= ~(uint32_t)INT_RT;
	settle(u);
	return x;
}

static void dr_write(struct device *d, unsigned i, uint64_t value)
{
	struct pl011 *u = of(d);

	(void)i;
	if (u->tx.n == depth(u)) {
		device_misuse(d, "writes DR while its FIFO is full");
		return;
	}
	put(&u->tx, (uint8_t)value);
	if (!tx_low(u))
		u->ris &= ~(uint32_t)INT_TX;
	shift_next(u);
	settle(u);
}

static void rsr_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i, (void)value;
	*device_value(d, RSR) = 0;
}

static uint64_t fr_read(struct device *d, unsigned i)
{
	struct pl011 *u = of(d);

	(void)i;
	return (u->shifting || u->tx.n ? FR_BUSY : 0u) | (u->rx.n ? 0u : FR_RXFE) |
	       (u->tx.n == depth(u) ? FR_TXFF : 0u) | (u->rx.n == depth(u) ? FR_RXFF : 0u) |
	       (u->tx.n ? 0u : FR_TXFE);
}

/* 3.3.7: not while it is enabled, nor before what was under way when it was disabled has ended. */
static void rate_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i, (void)value;
	if (reg(of(d), CR) & CR_UARTEN)
		device_misuse(d, "changes the rate or the format while the UART is enabled");
	else if (of(d)->shifting)
		device_misuse(d, "changes the rate or the format while a character is under way");
}

static void lcr_write(struct device *d, unsigned i, uint64_t value)
{
	struct pl011 *u = of(d);

	rate_write(d, i, value);
	u->lcr = (uint32_t)value;
	u->divisor = (uint32_t)(reg(u, IBRD) << 6 | reg(u, FBRD));
	if (!(u->lcr & LCR_FEN))
		u->rx.n = u->tx.n = 0;
	settle(u);
}

static void cr_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i, (void)value;
	shift_next(of(d));
	settle(of(d));
}

static void ifls_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i;
	if ((value & 7) > 4 || (value >> 3 & 7) > 4)
		device_misuse(d, "writes %#llx to IFLS, which is no level", (unsigned long long)value);
}

static void imsc_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i, (void)value;
	settle(of(d));
}

static uint64_t ris_read(struct device *d, unsigned i)
{
	(void)i;
	return of(d)->ris;
}

static uint64_t mis_read(struct device *d, unsigned i)
{
	(void)i;
	return of(d)->ris & reg(of(d), IMSC);
}

static void icr_write(struct device *d, unsigned i, uint64_t value)
{
	(void)i;
	of(d)->ris &= ~(uint32_t)value;
	settle(of(d));
}

#define HIGH(bits) (UINT32_MAX << (bits)) /* what lies above so many bits is reserved */
#define ID(n, o, v)                                                                                \
	{                                                                                          \
		.name = n, .offset = o, .bytes = 4, .access = REG_R, .reset = v                    \
	}

/* Table 3-1. */
static const struct reg regs[] = {
	{"DR", DR, 4, REG_RW, .reserved = HIGH(8), .read = dr_read, .write = dr_write},
	{"RSR/ECR", RSR, 4, REG_RW, .constant = 0xf, .write = rsr_write},
	{"FR", FR, 4, REG_R, .read = fr_read},
	{"ILPR", 0x20, 4, REG_RW, .reserved = HIGH(8)},
	{"IBRD", IBRD, 4, REG_RW, .reserved = HIGH(16), .write = rate_write},
	{"FBRD", FBRD, 4, REG_RW, .reserved = HIGH(6), .write = rate_write},
	{"LCR_H", LCR_H, 4, REG_RW, .reserved = HIGH(8), .write = lcr_write},
	{"CR", CR, 4, REG_RW, .reset = 0x300, .reserved = HIGH(16) | 0x78, .write = cr_write},
	{"IFLS", IFLS, 4, REG_RW, .reset = 0x12, .reserved = HIGH(6), .write = ifls_write},
	{"IMSC", IMSC, 4, REG_RW, .reserved = HIGH(11), .write = imsc_write},
	{"RIS", 0x3c, 4, REG_R, .read = ris_read},
	{"MIS", 0x40, 4, REG_R, .read = mis_read},
	{"ICR", 0x44, 4, REG_W, .reserved = HIGH(11), .write = icr_write},
	{"DMACR", 0x48, 4, REG_RW, .reserved = HIGH(3)},
	ID("PeriphID0", 0xfe0, 0x11),
	ID("PeriphID1", 0xfe4, 0x10),
	ID("PeriphID2", 0xfe8, 0x34),
	ID("PeriphID3", 0xfec, 0x00),
	ID("PCellID0", 0xff0, 0x0d),
	ID("PCellID1", 0xff4, 0xf0),
	ID("PCellID2", 0xff8, 0x05),
	ID("PCellID3", 0xffc, 0xb1),
};

static void reset(struct device *d)
{
	of(d)->shifted_ns = of(d)->timeout_ns = DEVICE_NEVER;
}

const struct device_class pl011_class = {
	.name = "pl011",
	.regs = regs,
	.reg_count = sizeof regs / sizeof *regs,
	.window_bytes = 0x1000,
	.bytes = sizeof(struct pl011),
	.reset = reset,
	.run = run,
	.in = in,
};
