/*
 * mmu.c: identity translation tables (Arm ARM D8): 4 KiB granule, 39-bit addresses, levels 1 to 3.
 *
 * RAM is mapped by pages, not blocks: a guard page can then be taken out while other CPUs use
 * its neighbours. Splitting a live block would need break-before-make (D8.14), in which code,
 * stacks and the tables themselves would be unmapped for a moment.
 *
 * Early tables are not global and have address-space number 0, the final ones are global and
 * installed with number 1, so that the change leaves no two translations for one address.
 */
#include "aarch64.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/string.h"
#include "mm/page.h"
#include "regs.h"

#define PT_VALID           1ull
#define PT_TABLE           2ull /* levels 1 and 2: a table, not a block; level 3: always set */
#define PT_READ_ONLY       (1ull << 7)
#define PT_INNER_SHAREABLE (3ull << 8)
#define PT_ACCESSED        (1ull << 10)
#define PT_NOT_GLOBAL      (1ull << 11)
#define PT_NEVER_EXECUTE   (3ull << 53) /* PXN and UXN */
#define PT_ADDRESS         0x0000fffffffff000ull

#define ATTR_NORMAL (MAIR_NORMAL << 2 | PT_INNER_SHAREABLE | PT_ACCESSED)
#define ATTR_DEVICE (MAIR_DEVICE << 2 | PT_ACCESSED | PT_NEVER_EXECUTE)
#define ATTR_DATA   (ATTR_NORMAL | PT_NEVER_EXECUTE)
#define ATTR_CONST  (ATTR_DATA | PT_READ_ONLY)
#define ATTR_TEXT   (ATTR_NORMAL | PT_READ_ONLY)

#define TTBR_ASID_1 (1ull << 48)

enum { SHIFT_L1 = 30, SHIFT_L2 = 21, SHIFT_L3 = 12, BITS = 9, ENTRIES = 512 };

typedef u64 table[ENTRIES];

static table early_root __attribute__((aligned(4096)));
static table early_pool[8] __attribute__((aligned(4096)));
static unsigned early_used;

static u64 *root; /* the final tables; NULL until arch_mmu_init has them */

extern const char kernel_start[], text_end[], rodata_end[], ksyms_start[], kernel_end[];
extern const char boot_stack_guard[];

u64 *aarch64_early_tables(void);
u64 aarch64_root(void);

static u64 *early_table(void)
{
	return early_used < ARRAY_LEN(early_pool) ? early_pool[early_used++] : NULL;
}

static u64 *page_table(void)
{
	u64 *t = page_alloc(0);

	if (!t)
		panic("no memory for translation tables");
	memset(t, 0, sizeof(table));
	return t;
}

struct mapping {
	u64 attr;
	unsigned leaf_shift;     /* the largest block to use */
	u64 *(*new_table)(void); /* NULL from it leaves the part unmapped */
};

/* A full table of pages, for 2 MiB of RAM: much of the time to boot, so it is not zeroed first. */
static u64 *filled_table(u64 va, u64 attr)
{
	u64 *t = page_alloc(0);

	if (!t)
		panic("no memory for translation tables");
	for (u64 e = va | attr | PT_VALID | PT_TABLE, *at = t; at < t + ENTRIES; at += 4) {
		at[0] = e;
		at[1] = e + PAGE_BYTES;
		at[2] = e + 2 * PAGE_BYTES;
		at[3] = e + 3 * PAGE_BYTES;
		e += 4 * PAGE_BYTES;
	}
	return t;
}

/* Maps [va, end) below @p t, whose entries cover 1 << shift bytes each. */
static void map(u64 *t, unsigned shift, u64 va, u64 end, const struct mapping *m)
{
	while (va < end) {
		u64 *e = &t[(va >> shift) % ENTRIES];
		u64 next = MIN(end, ALIGN_DOWN(va + (1ull << shift), 1ull << shift));
		bool whole = next - va == 1ull << shift && shift <= m->leaf_shift;

		if (whole && (shift == SHIFT_L3 || !(*e & PT_TABLE))) {
			*e = va | m->attr | PT_VALID | (shift == SHIFT_L3 ? PT_TABLE : 0);
		} else if (!*e && shift == SHIFT_L2 && next - va == 1ull << shift) {
			*e = (uptr)filled_table(va, m->attr) | PT_VALID | PT_TABLE;
		} else if ((*e & (PT_VALID | PT_TABLE)) != PT_VALID) { /* a block stays whole */
			u64 *below =
				*e & PT_TABLE ? (u64 *)(uptr)(*e & PT_ADDRESS) : m->new_table();

			if (!below)
				return;
			*e = (uptr)below | PT_VALID | PT_TABLE;
			map(below, shift - BITS, va, next, m);
		}
		va = next;
	}
}

static void map_range(u64 *t, u64 base, u64 end, const struct mapping *m)
{
	map(t, SHIFT_L1, base, MIN(end, 1ull << VA_BITS), m);
}

void aarch64_early_map(u64 base, u64 bytes, bool device)
{
	const struct mapping m = {
		.attr = (device ? ATTR_DEVICE : ATTR_NORMAL) | PT_NOT_GLOBAL,
		.leaf_shift = SHIFT_L1,
		.new_table = early_table,
	};
	u64 step = 1ull << SHIFT_L2;

	map_range(early_root, ALIGN_DOWN(base, step), ALIGN_UP(base + bytes, step), &m);
	__asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

/* Called by the entry code with the MMU off; returns what goes into TTBR0_EL1. */
u64 *aarch64_early_tables(void)
{
	aarch64_board_early_map();
	return early_root;
}

static u64 *leaf(uptr va)
{
	u64 *t = root;

	for (unsigned shift = SHIFT_L1; shift > SHIFT_L3; shift -= BITS) {
		u64 e = t[(va >> shift) % ENTRIES];

		if (!(e & PT_TABLE))
			return NULL;
		t = (u64 *)(uptr)(e & PT_ADDRESS);
	}
	return &t[(va >> SHIFT_L3) % ENTRIES];
}

u64 aarch64_root(void)
{
	return (uptr)root | TTBR_ASID_1;
}

static void map_image(u64 *t)
{
	const struct mapping text = {ATTR_TEXT, SHIFT_L3, page_table};
	const struct mapping constant = {ATTR_CONST, SHIFT_L3, page_table};

	map_range(t, (uptr)kernel_start, (uptr)text_end, &text);
	map_range(t, (uptr)text_end, (uptr)rodata_end, &constant);
	map_range(t, (uptr)ksyms_start, (uptr)kernel_end, &constant);
}

void arch_mmu_init(const struct mem_range *ram, unsigned rams, const struct mem_range *mmio,
		   unsigned mmios)
{
	const struct mapping data = {ATTR_DATA, SHIFT_L3, page_table};
	const struct mapping device = {ATTR_DEVICE, SHIFT_L1, page_table};
	u64 *t = page_table();

	for (unsigned i = 0; i < rams; i++)
		map_range(t, ALIGN_DOWN(ram[i].base, 4096),
			  ALIGN_UP(ram[i].base + ram[i].bytes, 4096), &data);
	for (unsigned i = 0; i < mmios; i++)
		map_range(t, ALIGN_DOWN(mmio[i].base, 4096),
			  ALIGN_UP(mmio[i].base + mmio[i].bytes, 4096), &device);
	map_image(t);
	root = t;
	*leaf((uptr)boot_stack_guard) = 0;
	if (leaf(0))
		*leaf(0) = 0;
	arch_mmu_cpu_init();
}

void arch_mmu_cpu_init(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
	SYSREG_WRITE(ttbr0_el1, aarch64_root());
	ISB();
	SYSREG_WRITE(sctlr_el1, SCTLR_FINAL);
	ISB();
	__asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

void arch_mmu_guard(uptr page)
{
	u64 *e = leaf(page);

	ASSERT(e && (*e & PT_VALID));
	*e = 0;
	__asm__ volatile("dsb ishst\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"(page >> SHIFT_L3)
			 : "memory");
}
