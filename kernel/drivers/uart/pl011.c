#include "drivers/uart/pl011.h"
#include "arch/arch.h"
#include "core/console.h"
#include "core/irq.h"

/* DDI 0183 chapter 3.3. */
enum {
	DR = 0x00,
	FR = 0x18,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	ICR = 0x44,
};
enum { FR_BUSY = 1 << 3, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5 };
enum { LCR_H_FEN = 1 << 4, LCR_H_8BIT = 3 << 5 };
enum { CR_UARTEN = 1 << 0, CR_TXE = 1 << 8, CR_RXE = 1 << 9 };
enum { INT_RX = 1 << 4, INT_RX_TIMEOUT = 1 << 6, INT_ALL = 0x7ff };

void pl011_init(uptr base, u32 clock_hz, u32 baud)
{
	while (mmio_read32(base + CR) & CR_UARTEN && mmio_read32(base + FR) & FR_BUSY)
		arch_relax();
	mmio_write32(base + CR, 0);
	mmio_write32(base + IMSC, 0);
	mmio_write32(base + ICR, INT_ALL);
	if (clock_hz) {
		/* The divisor is clock / (16 * baud) in 1/64; rounded to nearest. */
		u32 divisor = (clock_hz * 4 + baud / 2) / baud;

		mmio_write32(base + IBRD, divisor >> 6);
		mmio_write32(base + FBRD, divisor & 63);
	}
	/* Writing LCR_H makes the divisor count. */
	mmio_write32(base + LCR_H, LCR_H_8BIT | LCR_H_FEN);
	mmio_write32(base + IFLS, 0);
	mmio_write32(base + CR, CR_UARTEN | CR_TXE | CR_RXE);
}

void pl011_putc(uptr base, char c)
{
	while (mmio_read32(base + FR) & FR_TXFF)
		arch_relax();
	mmio_write32(base + DR, (u8)c);
}

static void pl011_interrupt(void *arg)
{
	uptr base = (uptr)arg;
	char bytes[32];
	usize n;

	mmio_write32(base + ICR, INT_RX | INT_RX_TIMEOUT);
	/* To the last byte: what stays in the FIFO below its mark may raise nothing. */
	do {
		for (n = 0; n < sizeof bytes && !(mmio_read32(base + FR) & FR_RXFE); n++)
			bytes[n] = (char)mmio_read32(base + DR);
		console_input(bytes, n);
	} while (n == sizeof bytes);
}

int pl011_listen(uptr base, u32 irq)
{
	int err = irq_register(irq, "pl011", pl011_interrupt, (void *)base);

	if (err)
		return err;
	mmio_write32(base + IMSC, INT_RX | INT_RX_TIMEOUT);
	return 0;
}
