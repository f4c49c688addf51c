#include "drivers/irqchip/gicv3.h"
#include "aarch64.h"
#include "base/panic.h"
#include "core/cpu.h"
#include "core/irq.h"

/* IHI 0069 chapter 12. */
enum {
	GICD_CTLR = 0x0000,
	GICD_TYPER = 0x0004,
	GICD_IGROUPR = 0x0080,
	GICD_ISENABLER = 0x0100,
	GICD_ICENABLER = 0x0180,
	GICD_ISPENDR = 0x0200,
	GICD_ICPENDR = 0x0280,
	GICD_IPRIORITYR = 0x0400,
	GICD_IROUTER = 0x6000,
	GICR_TYPER = 0x0008,
	GICR_WAKER = 0x0014,
	GICR_SGI_FRAME = 0x10000, /* the registers of INTIDs 0 to 31, with the offsets of GICD */
};
enum { CTLR_GROUP1 = 1 << 1, CTLR_AFFINITY = 1 << 4 };
#define CTLR_WRITE_PENDING (1u << 31)
enum { WAKER_SLEEP = 1 << 1, WAKER_CHILDREN_ASLEEP = 1 << 2 };
enum { TYPER_VLPIS = 1 << 1, TYPER_LAST = 1 << 4 };
enum { HINT_SGI = 0, FIRST_SPI = 32, INTID_SPECIAL = 1020, REDISTS_MAX = 8 };
#define REDIST_BYTES       0x20000u /* two frames of 64 KiB ... */
#define REDIST_BYTES_VLPIS 0x40000u /* ... four with virtual LPIs */

/* CPU interface registers (12.2), by encoding: not every assembler knows the names. */
#define ICC_PMR_EL1       S3_0_C4_C6_0
#define ICC_SGI1R_EL1     S3_0_C12_C11_5
#define ICC_IAR1_EL1      S3_0_C12_C12_0
#define ICC_EOIR1_EL1     S3_0_C12_C12_1
#define ICC_BPR1_EL1      S3_0_C12_C12_3
#define ICC_CTLR_EL1      S3_0_C12_C12_4
#define ICC_SRE_EL1       S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1   S3_0_C12_C12_7
#define READ(reg)         SYSREG_READ(reg)
#define WRITE(reg, value) SYSREG_WRITE(reg, value)

static uptr gicd;
static struct mem_range areas[REDISTS_MAX];
static unsigned area_count;
static u32 timer_intid;
static u32 lines; /* INTIDs that the distributor has */

static void distributor_wait(void)
{
	while (mmio_read32(gicd + GICD_CTLR) & CTLR_WRITE_PENDING)
		arch_relax();
}

static void unmask(u32 irq)
{
	if (irq >= FIRST_SPI && irq < lines)
		mmio_write32(gicd + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void mask(u32 irq)
{
	if (irq >= FIRST_SPI && irq < lines)
		mmio_write32(gicd + GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void raise(u32 irq)
{
	if (irq >= FIRST_SPI && irq < lines)
		mmio_write32(gicd + GICD_ISPENDR + irq / 32 * 4, 1u << irq % 32);
}

/* ICC_SGI1R_EL1: affinities 3, 2 and 1 at 48, 32 and 16; a mask of 16 values of affinity 0, and
 * at 44 which sixteen. */
static void send_hint(unsigned cpu)
{
	u64 m = cpus[cpu].arch.mpidr;
	u64 aff0 = m & 0xff;
	u64 value = (m >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (m >> 16 & 0xff) << 32 |
		    (m >> 8 & 0xff) << 16 | 1ull << (aff0 & 15) | (u64)HINT_SGI << 24;

	__asm__ volatile("dsb ishst" ::: "memory"); /* what the hint is about is seen before it */
	WRITE(ICC_SGI1R_EL1, value);
	ISB();
}

/* The redistributor of this CPU; 0 when no area holds it. */
static uptr find_redistributor(void)
{
	u64 m = aarch64_mpidr();
	u32 affinity = (u32)((m >> 32 & 0xff) << 24 | (m & 0xffffff));

	for (unsigned i = 0; i < area_count; i++) {
		uptr at = areas[i].base, end = at + areas[i].bytes;
		u64 typer = 0;

		for (; at + REDIST_BYTES <= end && !(typer & TYPER_LAST);
		     at += typer & TYPER_VLPIS ? REDIST_BYTES_VLPIS : REDIST_BYTES) {
			typer = mmio_read64(at + GICR_TYPER);
			if (typer >> 32 == affinity)
				return at;
		}
	}
	return 0;
}

static void redistributor_init(void)
{
	uptr base = find_redistributor();
	uptr sgi = base + GICR_SGI_FRAME;

	if (!base)
		panic("no GIC redistributor for affinity %lx", aarch64_mpidr());
	mmio_write32(base + GICR_WAKER, mmio_read32(base + GICR_WAKER) & ~(u32)WAKER_SLEEP);
	while (mmio_read32(base + GICR_WAKER) & WAKER_CHILDREN_ASLEEP)
		arch_relax();
	mmio_write32(sgi + GICD_ICENABLER, ~0u);
	mmio_write32(sgi + GICD_IGROUPR, ~0u);
	for (u32 i = 0; i < FIRST_SPI; i += 4)
		mmio_write32(sgi + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	mmio_write32(sgi + GICD_ISENABLER, 1u << HINT_SGI | 1u << timer_intid);
}

static void cpu_init(void)
{
	redistributor_init();
	WRITE(ICC_SRE_EL1, READ(ICC_SRE_EL1) | 1);
	ISB();
	if (!(READ(ICC_SRE_EL1) & 1))
		panic("the GIC's system registers are locked by firmware");
	WRITE(ICC_PMR_EL1, 0xff);
	WRITE(ICC_BPR1_EL1, 0);
	WRITE(ICC_CTLR_EL1, 0);
	WRITE(ICC_IGRPEN1_EL1, 1);
	ISB();
}

/* One interrupt at a time: the timer stays due until irq_exit has acted on it. */
static void gicv3_dispatch(uptr pc)
{
	u32 intid = (u32)READ(ICC_IAR1_EL1);

	/* The acknowledgement takes effect before the handler's accesses. */
	__asm__ volatile("dsb sy" ::: "memory");
	if (intid == timer_intid)
		irq_timer(irq_enter(pc));
	else if (intid == HINT_SGI)
		irq_hint(irq_enter(pc));
	else if (intid < INTID_SPECIAL)
		irq_device(irq_enter(pc), intid);
	else
		return;
	mmio_barrier(); /* the device is quiet before the interrupt ends */
	WRITE(ICC_EOIR1_EL1, intid);
	ISB();
	irq_exit();
}

static const struct irqchip gicv3 = {
	.name = "GICv3",
	.cpu_init = cpu_init,
	.send_hint = send_hint,
	.unmask = unmask,
	.mask = mask,
	.raise = raise,
};

static void distributor_init(void)
{
	lines = MIN(((mmio_read32(gicd + GICD_TYPER) & 31) + 1) * 32, (u32)INTID_SPECIAL);
	mmio_write32(gicd + GICD_CTLR, 0);
	distributor_wait();
	for (u32 i = FIRST_SPI; i < lines; i += 32) {
		mmio_write32(gicd + GICD_ICENABLER + i / 8, ~0u);
		mmio_write32(gicd + GICD_ICPENDR + i / 8, ~0u);
		mmio_write32(gicd + GICD_IGROUPR + i / 8, ~0u);
	}
	for (u32 i = FIRST_SPI; i < lines; i += 4)
		mmio_write32(gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	distributor_wait();
	mmio_write32(gicd + GICD_CTLR, CTLR_AFFINITY | CTLR_GROUP1);
	distributor_wait();
	for (u32 i = FIRST_SPI; i < lines; i++)
		mmio_write64(gicd + GICD_IROUTER + i * 8, aarch64_mpidr());
}

void gicv3_init(uptr distributor, const struct mem_range *redist, unsigned redists, u32 timer_irq)
{
	gicd = distributor;
	area_count = MIN(redists, (unsigned)REDISTS_MAX);
	for (unsigned i = 0; i < area_count; i++)
		areas[i] = redist[i];
	timer_intid = timer_irq;
	distributor_init();
	cpu_init();
	irqchip = &gicv3;
	aarch64_irq_dispatch = gicv3_dispatch;
}
