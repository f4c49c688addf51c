#include "drivers/irqchip/bcm2835.h"
#include "arch/arch.h"
#include "core/irq.h"

enum {
	PENDING_1 = 0x04,
	PENDING_2 = 0x08,
	FIQ_CONTROL = 0x0c,
	ENABLE_1 = 0x10,
	ENABLE_2 = 0x14,
	DISABLE_1 = 0x1c,
	DISABLE_2 = 0x20,
	DISABLE_BASIC = 0x24,
};

static uptr ic;

void bcm2835_init(uptr base)
{
	ic = base;
	mmio_write32(ic + FIQ_CONTROL, 0);
	mmio_write32(ic + DISABLE_1, ~0u);
	mmio_write32(ic + DISABLE_2, ~0u);
	mmio_write32(ic + DISABLE_BASIC, ~0u);
}

void bcm2835_unmask(u32 irq)
{
	if (irq < BCM2835_IRQS)
		mmio_write32(ic + (irq < 32 ? ENABLE_1 : ENABLE_2), 1u << irq % 32);
}

void bcm2835_mask(u32 irq)
{
	if (irq < BCM2835_IRQS)
		mmio_write32(ic + (irq < 32 ? DISABLE_1 : DISABLE_2), 1u << irq % 32);
}

void bcm2835_dispatch(struct cpu *c)
{
	u64 pending = (u64)mmio_read32(ic + PENDING_2) << 32 | mmio_read32(ic + PENDING_1);

	for (; pending; pending &= pending - 1)
		irq_device(c, (u32)__builtin_ctzll(pending));
	mmio_barrier(); /* the devices are quiet before the interrupt ends */
}
