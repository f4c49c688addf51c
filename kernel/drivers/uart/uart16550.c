#include "drivers/uart/uart16550.h"
#include "arch/arch.h"
#include "core/console.h"
#include "core/irq.h"
#include "x86.h"

/* Offsets from the port. */
enum {
	REG_DATA = 0, /* divisor's low half while LINE_DIVISOR is set */
	REG_INTERRUPTS = 1,
	REG_FIFO = 2,  /* write */
	REG_CAUSE = 2, /* read */
	REG_LINE = 3,
	REG_MODEM = 4,
	REG_STATUS = 5,
	REG_SCRATCH = 7,
};

#define INTERRUPT_RECEIVE 0x01
#define FIFO_ON_CLEAR     0x07 /* interrupt from the first byte on */
#define CAUSE_NONE        0x01
#define LINE_8N1          0x03
#define LINE_DIVISOR      0x80
#define MODEM_ON          0x0b /* DTR, RTS, and OUT2, which gates the interrupt on a PC */
#define STATUS_RECEIVED   0x01
#define STATUS_CAN_SEND   0x20

#define DIVISOR_115200 1 /* of 1.8432 MHz / 16 */
#define FIFO_BYTES     16

static u16 port;
static bool present;

static u8 read(unsigned reg)
{
	return inb((u16)(port + reg));
}

static void write(unsigned reg, u8 value)
{
	outb((u16)(port + reg), value);
}

static bool scratch_holds(u8 value)
{
	write(REG_SCRATCH, value);
	return read(REG_SCRATCH) == value;
}

void uart16550_init(u16 io_port)
{
	port = io_port;
	present = scratch_holds(0x5a) && scratch_holds(0xa5);
	if (!present)
		return;
	write(REG_INTERRUPTS, 0);
	write(REG_LINE, LINE_DIVISOR);
	write(REG_DATA, DIVISOR_115200);
	write(REG_INTERRUPTS, 0); /* divisor's high half */
	write(REG_LINE, LINE_8N1);
	write(REG_FIFO, FIFO_ON_CLEAR);
	write(REG_MODEM, MODEM_ON);
}

void uart16550_putc(char c)
{
	if (!present)
		return;
	while (!(read(REG_STATUS) & STATUS_CAN_SEND))
		arch_relax();
	write(REG_DATA, (u8)c);
}

/* The line is an edge, so it must fall before this returns: until no cause is left. */
static void received(void *arg)
{
	(void)arg;
	while (!(read(REG_CAUSE) & CAUSE_NONE)) {
		char bytes[FIFO_BYTES];
		usize n = 0;

		while (n < FIFO_BYTES && read(REG_STATUS) & STATUS_RECEIVED)
			bytes[n++] = (char)read(REG_DATA);
		if (n)
			console_input(bytes, n);
	}
}

int uart16550_receive(u32 irq)
{
	int err;

	if (!present)
		return ERR_NODEV;
	err = irq_register(irq, "uart16550", received, NULL);
	if (!err)
		write(REG_INTERRUPTS, INTERRUPT_RECEIVE);
	return err;
}
