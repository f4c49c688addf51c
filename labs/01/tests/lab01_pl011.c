/* The driver of Arm's serial port, on a model of the chip. */
#include "drivers/uart/pl011.h"
#include "uart.h"

#define BASE      0x9000000u
#define FIFO_MARK 2u /* an eighth of 16 */

enum {
	DR = 0,
	FR = 0x18,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	ICR = 0x44
};

static struct {
	u32 ibrd, fbrd, line, control, mark, enabled, raised;
	u32 rate; /* the divisor that counts: taken over when LCR_H is written */
	unsigned busy, full;
	unsigned more;
} chip;

static void arrives(void)
{
	uart_arrives();
	if (arrivals - taken >= FIFO_MARK)
		chip.raised |= 1 << 4;
}

static u32 flags(void)
{
	uart_polled();
	if (chip.busy)
		chip.busy--;
	if (chip.full)
		chip.full--;
	return (chip.busy ? 1 << 3 : 0) | (taken < arrivals ? 0 : 1 << 4) |
	       (chip.full ? 1 << 5 : 0);
}

uint64_t sim_mmio_read(uintptr_t at, unsigned bytes)
{
	EXPECT(bytes == 4, "register %#x is read by %u bytes at a time", (unsigned)(at - BASE),
	       bytes);
	switch (at - BASE) {
	case DR:
		if (chip.more && chip_below(2)) {
			chip.more--;
			arrives();
		}
		return (u8)uart_take("RXFE of the flags says that there is none");
	case FR:
		return flags();
	case CR:
		return chip.control;
	case IMSC:
		return chip.enabled;
	default:
		return 0;
	}
}

static void write_data(u32 value)
{
	EXPECT(!chip.full, "'%c' was written while TXFF was set: the FIFO is full, and it is lost",
	       (char)value);
	EXPECT(chip.control & 1, "a byte is sent, and the port is off");
	uart_sent((char)value);
	chip.full = chip_below(3) ? 0 : chip_below(40);
}

static void write_control(u32 value)
{
	EXPECT(value & 1 || !(chip.control & 1) || !chip.busy,
	       "the port is turned off while BUSY is set: the byte on its way, the firmware's "
	       "last, "
	       "is cut off");
	chip.control = value;
}

/* A byte arrives in the moment before; it was not seen yet. */
static void clear(u32 value)
{
	if (chip.more && chip_below(3) == 0) {
		chip.more--;
		arrives();
	}
	chip.raised &= ~value;
}

void sim_mmio_write(uintptr_t at, uint64_t value, unsigned bytes)
{
	u32 v = (u32)value;

	EXPECT(bytes == 4, "register %#x is written by %u bytes at a time", (unsigned)(at - BASE),
	       bytes);
	EXPECT(!(chip.control & 1) ||
		       (at - BASE != LCR_H && at - BASE != IBRD && at - BASE != FBRD),
	       "register %#x must not change while the port is on", (unsigned)(at - BASE));
	switch (at - BASE) {
	case DR:
		write_data(v);
		break;
	case IBRD:
		chip.ibrd = v;
		break;
	case FBRD:
		chip.fbrd = v;
		break;
	case LCR_H:
		chip.line = v;
		chip.rate = chip.ibrd << 6 | chip.fbrd;
		break;
	case CR:
		write_control(v);
		break;
	case IFLS:
		chip.mark = v;
		break;
	case IMSC:
		chip.enabled = v;
		break;
	case ICR:
		clear(v);
		break;
	default:
		break;
	}
}

/* As a boot loader leaves it: on, and a byte on its way. */
static void begin(u32 clock_hz)
{
	uart_reset();
	memset(&chip, 0, sizeof chip);
	chip.control = 0x301;
	chip.busy = 1 + chip_below(20);
	chip.enabled = 0x7ff;
	chip.rate = 77;
	chip.ibrd = 1;
	chip.fbrd = 13;
	pl011_init(BASE, clock_hz, 115200);
	chip.full = chip_below(30);
}

static void it_is_set_up(void)
{
	begin(48000000);
	EXPECT(chip.rate == 1667,
	       "of 48 MHz the divisor for 115200 baud is 26 and 3/64, and %u and %u/64 count: they "
	       "do "
	       "from the next write to LCR_H on",
	       chip.rate >> 6, chip.rate & 63);
	EXPECT(chip.line == 0x70, "LCR_H is %#x; 8 data bits and FIFOs are 0x70", chip.line);
	EXPECT(chip.control == 0x301, "CR is %#x; on, sending and receiving is 0x301",
	       chip.control);
	EXPECT(!chip.enabled, "interrupts are on before anybody has registered a handler");
	EXPECT(!chip.mark, "IFLS is %#x, so a receive interrupt waits for more than an eighth",
	       chip.mark);
	begin(0);
	EXPECT(chip.rate == 77, "the clock is not known, so the rate stays as the firmware set it");
	host_note(chip.line);
}

static void it_waits_for_room(void)
{
	static const char text[] = "a text of some length, to be sent\n";

	begin(0);
	for (const char *p = text; *p; p++)
		pl011_putc(BASE, *p);
	uart_went_out(text);
}

static void it_receives(void)
{
	for (unsigned round = 0; round < 200 && !host_failures; round++) {
		begin(0);
		EXPECT(!pl011_listen(BASE, 33), "the handler was not registered");
		unsigned sure = 2 + (unsigned)host_below(14);

		for (unsigned n = sure; n; n--)
			arrives();
		chip.more = (unsigned)host_below(40);
		for (unsigned calls = 0; chip.raised & chip.enabled && calls < 100; calls++)
			handler(handler_arg);
		EXPECT(!(chip.raised & chip.enabled), "the interrupt is raised without end");
		EXPECT(taken == arrivals,
		       "%u bytes wait in the FIFO, and no interrupt is raised: one that arrived "
		       "between the last read and the write to ICR was cleared unseen",
		       arrivals - taken);
		uart_handed_over(sure);
	}
}

TESTS(TEST(it_is_set_up), TEST(it_waits_for_room), TEST(it_receives));
