#include "drivers/irqchip/bcm2836.h"
#include "aarch64.h"
#include "base/panic.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "drivers/irqchip/bcm2835.h"

/* QA7 rev. 3.4, chapter 4. */
enum {
	GPU_ROUTING = 0x0c,
	TIMER_CONTROL = 0x40,   /* + 4 * core */
	MAILBOX_CONTROL = 0x50, /* + 4 * core */
	IRQ_SOURCE = 0x60,      /* + 4 * core */
	MAILBOX_SET = 0x80,     /* + 16 * core, mailbox 0 */
	MAILBOX_CLEAR = 0xc0,   /* + 16 * core, mailbox 0 */
};
enum { VIRTUAL_TIMER = 1 << 3, MAILBOX_0 = 1 << 4, DEVICE = 1 << 8 };
enum { MAILBOX_0_IRQ = 1, CORES = 4 };

static uptr local;

static unsigned core(void)
{
	return (unsigned)(aarch64_mpidr() & (CORES - 1));
}

static void send_hint(unsigned cpu)
{
	mmio_barrier(); /* what the hint is about is seen before it */
	mmio_write32(local + MAILBOX_SET + 16 * (cpus[cpu].arch.mpidr & (CORES - 1)), 1);
}

static void cpu_init(void)
{
	mmio_write32(local + MAILBOX_CLEAR + 16 * core(), ~0u);
	mmio_write32(local + MAILBOX_CONTROL + 4 * core(), MAILBOX_0_IRQ);
	mmio_write32(local + TIMER_CONTROL + 4 * core(), VIRTUAL_TIMER);
}

/* Each source once: the timer stays due until irq_exit has acted on it. */
static void dispatch(uptr pc)
{
	struct cpu *c = irq_enter(pc);
	u32 pending = mmio_read32(local + IRQ_SOURCE + 4 * core());

	if (pending & MAILBOX_0) {
		/* Cleared first: a hint that comes during the handler is a new one. */
		mmio_write32(local + MAILBOX_CLEAR + 16 * core(), ~0u);
		mmio_barrier();
		irq_hint(c);
	}
	if (pending & VIRTUAL_TIMER)
		irq_timer(c);
	if (pending & DEVICE)
		bcm2835_dispatch(c);
	irq_exit();
}

static const struct irqchip bcm2836 = {
	.name = "BCM2836",
	.cpu_init = cpu_init,
	.send_hint = send_hint,
	.unmask = bcm2835_unmask,
	.mask = bcm2835_mask,
};

void bcm2836_init(uptr local_base, uptr ic)
{
	local = local_base;
	bcm2835_init(ic);
	mmio_write32(local + GPU_ROUTING, 0);
	cpu_init();
	irqchip = &bcm2836;
	aarch64_irq_dispatch = dispatch;
}
