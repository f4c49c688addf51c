#include "drivers/uart/miniuart.h"
#include "arch/arch.h"
#include "core/console.h"
#include "core/irq.h"

/* BCM2835 ARM Peripherals 2.1 and 2.2.2. */
enum {
	AUX_ENABLES = 0x04,
	MU_IO = 0x40,
	MU_IER = 0x44,
	MU_IIR = 0x48,
	MU_LCR = 0x4c,
	MU_MCR = 0x50,
	MU_LSR = 0x54,
	MU_CNTL = 0x60,
	MU_BAUD = 0x68,
};
enum { ENABLE_UART = 1, LCR_8BIT = 3, LSR_DATA = 1, LSR_TX_ROOM = 1 << 5, CNTL_RX_TX = 3 };
enum { IIR_CLEAR_FIFOS = 0xc6 };
/* The table in 2.2.2.2 is wrong: bit 0 is the receive interrupt and bits 3:2 must be set for any
 * (elinux.org, BCM2835 datasheet errata, p. 12). */
enum { IER_RX = 1 | 3 << 2 };

void miniuart_init(uptr aux, u32 core_hz, u32 baud)
{
	mmio_write32(aux + AUX_ENABLES, mmio_read32(aux + AUX_ENABLES) | ENABLE_UART);
	mmio_write32(aux + MU_CNTL, 0);
	mmio_write32(aux + MU_IER, 0);
	mmio_write32(aux + MU_LCR, LCR_8BIT);
	mmio_write32(aux + MU_MCR, 0);
	mmio_write32(aux + MU_IIR, IIR_CLEAR_FIFOS);
	if (core_hz)
		mmio_write32(aux + MU_BAUD, core_hz / (8 * baud) - 1);
	mmio_write32(aux + MU_CNTL, CNTL_RX_TX);
}

void miniuart_putc(uptr aux, char c)
{
	while (!(mmio_read32(aux + MU_LSR) & LSR_TX_ROOM))
		arch_relax();
	mmio_write32(aux + MU_IO, (u8)c);
}

static void miniuart_interrupt(void *arg)
{
	uptr aux = (uptr)arg;
	char bytes[16];
	usize n = 0;

	while (n < sizeof bytes && mmio_read32(aux + MU_LSR) & LSR_DATA)
		bytes[n++] = (char)mmio_read32(aux + MU_IO);
	console_input(bytes, n);
}

int miniuart_listen(uptr aux, u32 irq)
{
	int err = irq_register(irq, "miniuart", miniuart_interrupt, (void *)aux);

	if (err)
		return err;
	mmio_write32(aux + MU_IER, IER_RX);
	return 0;
}
