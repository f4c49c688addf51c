#include "drivers/irqchip/ioapic.h"
#include "arch/arch.h"
#include "sync/spin.h"
#include "vectors.h"

#define REG_SELECT 0x00
#define REG_WINDOW 0x10

#define INDEX_VERSION 1
#define INDEX_LINE(n) (0x10 + 2 * (n))

#define LINE_LOW    (1u << 13)
#define LINE_LEVEL  (1u << 15)
#define LINE_MASKED (1u << 16)

#define ISA_LINES 16 /* these are edges, active high, unless the tables say otherwise */

struct ioapic {
	uptr base;
	u32 first, lines;
};

static struct spin lock = SPIN_INIT;
static struct ioapic chips[IOAPICS_MAX] VAR_GUARDED_BY(lock);
static unsigned chip_count VAR_GUARDED_BY(lock);

static u32 read(const struct ioapic *c, u32 index)
{
	mmio_write32(c->base + REG_SELECT, index);
	return mmio_read32(c->base + REG_WINDOW);
}

static void write(const struct ioapic *c, u32 index, u32 value)
{
	mmio_write32(c->base + REG_SELECT, index);
	mmio_write32(c->base + REG_WINDOW, value);
}

static u32 default_mode(u32 gsi)
{
	return gsi < ISA_LINES ? 0 : LINE_LEVEL | LINE_LOW; /* PCI */
}

void ioapic_add(u64 base, u32 first, u32 dest)
{
	bool irqs = spin_lock(&lock);

	if (chip_count < IOAPICS_MAX) {
		struct ioapic *c = &chips[chip_count++];

		*c = (struct ioapic){.base = base, .first = first};
		c->lines = (read(c, INDEX_VERSION) >> 16 & 0xff) + 1;
		for (u32 n = 0; n < c->lines; n++) {
			write(c, INDEX_LINE(n),
			      LINE_MASKED | default_mode(first + n) |
				      ((VECTOR_DEVICE + first + n) & 0xff));
			write(c, INDEX_LINE(n) + 1, dest << 24);
		}
	}
	spin_unlock(&lock, irqs);
}

static const struct ioapic *chip_of(u32 gsi) REQUIRES(lock)
{
	for (unsigned i = 0; i < chip_count && gsi < VECTOR_DEVICES; i++) {
		if (gsi - chips[i].first < chips[i].lines)
			return &chips[i];
	}
	return NULL;
}

/* Clears and sets bits of the line's lower half. */
static void change(u32 gsi, u32 clear, u32 set)
{
	bool irqs = spin_lock(&lock);
	const struct ioapic *c = chip_of(gsi);

	if (c) {
		u32 index = INDEX_LINE(gsi - c->first);

		write(c, index, (read(c, index) & ~clear) | set);
	}
	spin_unlock(&lock, irqs);
}

void ioapic_set_mode(u32 gsi, bool level, bool low)
{
	change(gsi, LINE_LEVEL | LINE_LOW, (level ? LINE_LEVEL : 0) | (low ? LINE_LOW : 0));
}

void ioapic_unmask(u32 gsi)
{
	change(gsi, LINE_MASKED, 0);
}

void ioapic_mask(u32 gsi)
{
	change(gsi, 0, LINE_MASKED);
}

bool ioapic_has(u32 gsi)
{
	bool irqs = spin_lock(&lock);
	bool has = chip_of(gsi) != NULL;

	spin_unlock(&lock, irqs);
	return has;
}
