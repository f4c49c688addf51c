#include "drivers/irqchip/gicv2.h"
#include "aarch64.h"
#include "base/panic.h"
#include "core/cpu.h"
#include "core/irq.h"

/* IHI 0048B tables 4-1 and 4-2. */
enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ICPENDR = 0x280,
	GICD_IPRIORITYR = 0x400,
	GICD_ITARGETSR = 0x800,
	GICD_SGIR = 0xf00,
	GICC_CTLR = 0x000,
	GICC_PMR = 0x004,
	GICC_BPR = 0x008,
	GICC_IAR = 0x00c,
	GICC_EOIR = 0x010,
};
enum { HINT_SGI = 0, FIRST_SPI = 32, INTID_MASK = 0x3ff, INTID_SPECIAL = 1020, CPUS = 8 };

static uptr gicd, gicc;
static u32 timer_intid;
static u32 lines; /* INTIDs that the distributor has */
/* Each CPU's bit in target lists; written by the CPU before it is online. */
static u8 target_bit[CPUS];

static void unmask(u32 irq)
{
	if (irq < lines)
		mmio_write32(gicd + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void mask(u32 irq)
{
	if (irq < lines)
		mmio_write32(gicd + GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void send_hint(unsigned cpu)
{
	mmio_barrier(); /* what the hint is about is seen before it */
	mmio_write32(gicd + GICD_SGIR, (u32)target_bit[cpu] << 16 | HINT_SGI);
}

static void cpu_init(void)
{
	/* The first eight bytes read as the reading CPU's own bit; all 0 with one CPU. */
	u8 bit = mmio_read8(gicd + GICD_ITARGETSR);

	ASSERT(cpu_id() < CPUS);
	target_bit[cpu_id()] = bit ? bit : 1;
	mmio_write32(gicd + GICD_ICENABLER, 0xffff0000);
	for (u32 i = 0; i < FIRST_SPI; i += 4)
		mmio_write32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	unmask(HINT_SGI);
	unmask(timer_intid);
	mmio_write32(gicc + GICC_PMR, 0xff);
	mmio_write32(gicc + GICC_BPR, 0);
	mmio_write32(gicc + GICC_CTLR, 1);
}

/* One interrupt at a time: the timer stays due until irq_exit has acted on it. */
static void dispatch(uptr pc)
{
	u32 iar = mmio_read32(gicc + GICC_IAR);
	u32 intid = iar & INTID_MASK;

	if (intid >= INTID_SPECIAL)
		return;

	struct cpu *c = irq_enter(pc);

	if (intid == timer_intid)
		irq_timer(c);
	else if (intid == HINT_SGI)
		irq_hint(c);
	else
		irq_device(c, intid);
	mmio_barrier(); /* the device is quiet before the interrupt ends */
	mmio_write32(gicc + GICC_EOIR, iar);
	irq_exit();
}

static const struct irqchip gicv2 = {
	.name = "GICv2",
	.cpu_init = cpu_init,
	.send_hint = send_hint,
	.unmask = unmask,
	.mask = mask,
};

void gicv2_init(uptr distributor, uptr cpu_interface, u32 timer_irq)
{
	gicd = distributor;
	gicc = cpu_interface;
	timer_intid = timer_irq;
	lines = MIN(((mmio_read32(gicd + GICD_TYPER) & 31) + 1) * 32, (u32)INTID_SPECIAL);
	mmio_write32(gicd + GICD_CTLR, 0);
	cpu_init();
	for (u32 i = FIRST_SPI; i < lines; i += 32) {
		mmio_write32(gicd + GICD_ICENABLER + i / 8, ~0u);
		mmio_write32(gicd + GICD_ICPENDR + i / 8, ~0u);
	}
	for (u32 i = FIRST_SPI; i < lines; i += 4) {
		mmio_write32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
		mmio_write32(gicd + GICD_ITARGETSR + i, target_bit[cpu_id()] * 0x01010101u);
	}
	mmio_write32(gicd + GICD_CTLR, 1);
	irqchip = &gicv2;
	aarch64_irq_dispatch = dispatch;
}
