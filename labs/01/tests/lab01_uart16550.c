/* The driver of a PC's serial port, on a model of the chip. */
#include "drivers/uart/uart16550.h"
#include "uart.h"
#include "x86.h"

#define PORT 0x2e8

enum { DATA, INTERRUPTS, FIFO_CAUSE, LINE, MODEM, STATUS, MODEM_STATUS, SCRATCH };

static struct {
	bool there, fifo;
	u8 interrupts, line, modem, scratch;
	u16 divisor;
	unsigned busy; /* polls until the transmitter has room again */
	unsigned more; /* bytes that arrive while others are read */
} chip;

static u8 cause(void)
{
	return taken < arrivals ? 0xc4 : 0xc1;
}

static u8 status(void)
{
	uart_polled();
	if (chip.busy)
		chip.busy--;
	return (u8)((taken < arrivals) | (chip.busy ? 0 : 0x60));
}

static u8 data(void)
{
	u8 byte = (u8)uart_take("bit 0 of the line status says that there is none");

	if (chip.more && chip_below(2)) {
		chip.more--;
		uart_arrives();
	}
	return byte;
}

u8 inb(u16 port)
{
	EXPECT(port >= PORT && port < PORT + 8, "port %#x is read, and the chip is at %#x", port,
	       PORT);
	if (!chip.there)
		return 0xff;
	switch (port - PORT) {
	case DATA:
		return data();
	case INTERRUPTS:
		return chip.interrupts;
	case FIFO_CAUSE:
		uart_polled();
		return cause();
	case LINE:
		return chip.line;
	case MODEM:
		return chip.modem;
	case STATUS:
		return status();
	case SCRATCH:
		return chip.scratch;
	default:
		return 0;
	}
}

static void write_data(u8 value)
{
	if (chip.line & 0x80) {
		chip.divisor = (u16)((chip.divisor & 0xff00) | value);
		return;
	}
	EXPECT(!chip.busy,
	       "'%c' was written while bit 5 of the line status was 0: there is no room, and it is "
	       "lost",
	       value);
	uart_sent((char)value);
	chip.busy = chip_below(40);
}

static void write_interrupts(u8 value)
{
	if (chip.line & 0x80)
		chip.divisor = (u16)((chip.divisor & 0xff) | value << 8);
	else
		chip.interrupts = value;
}

void outb(u16 port, u8 value)
{
	EXPECT(port >= PORT && port < PORT + 8, "port %#x is written, and the chip is at %#x", port,
	       PORT);
	if (!chip.there) {
		EXPECT(port == PORT + SCRATCH,
		       "register %d was written, but no chip is there: the scratch register did "
		       "not "
		       "keep what was written to it",
		       port - PORT);
		return;
	}
	switch (port - PORT) {
	case DATA:
		write_data(value);
		break;
	case INTERRUPTS:
		write_interrupts(value);
		break;
	case FIFO_CAUSE:
		chip.fifo = value & 1;
		break;
	case LINE:
		chip.line = value;
		break;
	case MODEM:
		chip.modem = value;
		break;
	case SCRATCH:
		chip.scratch = value;
		break;
	default:
		break;
	}
}

static void begin(bool there)
{
	uart_reset();
	memset(&chip, 0, sizeof chip);
	chip.there = there;
	chip.divisor = 0x1234; /* as firmware left it */
	chip.interrupts = 0x0f;
	uart16550_init(PORT);
}

static void it_is_set_up(void)
{
	begin(true);
	EXPECT(!sents,
	       "setting up sent a byte: the divisor's halves are registers 0 and 1 while bit "
	       "7 of line control is set");
	EXPECT(chip.divisor == 1, "the divisor is %u, and 115200 baud need 1", chip.divisor);
	EXPECT(chip.line == 0x03,
	       "line control is %#x; 8 data bits, no parity, one stop bit are 0x03", chip.line);
	EXPECT(chip.fifo, "the FIFOs are off");
	EXPECT(!chip.interrupts, "interrupts are on before anybody has registered a handler");
	EXPECT((chip.modem & 0x0b) == 0x0b,
	       "modem control is %#x; DTR, RTS, and OUT2, without which no interrupt leaves a PC's "
	       "port, are 0x0b",
	       chip.modem);
	host_note(chip.divisor | (u64)chip.line << 16 | (u64)chip.modem << 24);
}

static void it_waits_for_room(void)
{
	static const char text[] = "a text of some length, to be sent\n";

	begin(true);
	for (const char *p = text; *p; p++)
		uart16550_putc(*p);
	uart_went_out(text);
}

static void no_chip_is_no_harm(void)
{
	begin(false);
	uart16550_putc('x');
	EXPECT(uart16550_receive(4) == ERR_NODEV, "there is no chip, and it is to receive");
}

static void it_receives(void)
{
	for (unsigned round = 0; round < 100 && !host_failures; round++) {
		begin(true);
		EXPECT(!uart16550_receive(4), "the handler was not registered");
		EXPECT(chip.interrupts & 1, "the receive interrupt is off");
		unsigned sure = (unsigned)host_below(20);

		for (unsigned n = sure; n; n--)
			uart_arrives();
		chip.more = (unsigned)host_below(30);
		handler(handler_arg);
		EXPECT(cause() & 1,
		       "the handler returned while the chip still asks for an interrupt (%u bytes "
		       "wait): the line is an edge, and does not rise again",
		       arrivals - taken);
		uart_handed_over(sure);
	}
}

TESTS(TEST(it_is_set_up), TEST(it_waits_for_room), TEST(no_chip_is_no_harm), TEST(it_receives));
