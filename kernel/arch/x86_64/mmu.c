/*
 * mmu.c: identity page tables with 4 levels, of 2 MiB pages where a range allows it and 4 KiB
 * pages elsewhere. Source: Intel SDM vol. 3, 4.5.
 *
 * Splitting a large page into small ones with the same attributes needs no flush: both
 * translations are equal (SDM vol. 3, 4.10.2.3), and the one page that differs is flushed.
 */
#include "mmu.h"
#include "arch/arch.h"
#include "base/panic.h"
#include "base/string.h"
#include "mm/page.h"
#include "sync/spin.h"
#include "x86.h"

#define PT_PRESENT    1ull
#define PT_WRITABLE   2ull
#define PT_UNCACHED   (3ull << 3) /* PWT and PCD: entry 3 of the default PAT, uncacheable */
#define PT_USED       (3ull << 5) /* accessed and dirty: the CPU need not set them */
#define PT_LARGE      (1ull << 7)
#define PT_NO_EXECUTE (1ull << 63)
#define PT_ADDRESS    0x000ffffffffff000ull

#define ATTR_TEXT   (PT_PRESENT | PT_USED)
#define ATTR_CONST  (ATTR_TEXT | PT_NO_EXECUTE)
#define ATTR_DATA   (ATTR_CONST | PT_WRITABLE)
#define ATTR_DEVICE (ATTR_DATA | PT_UNCACHED)

enum { SHIFT_PML4 = 39, SHIFT_PD = 21, SHIFT_PT = 12, BITS = 9, ENTRIES = 512 };

#define LARGE_BYTES (1ull << SHIFT_PD)
#define VA_END      (1ull << 47) /* the lower half of the canonical addresses */

static struct spin lock = SPIN_INIT;
static u64 *root VAR_GUARDED_BY(lock); /* constant once arch_mmu_init returned */

extern const char kernel_start[], text_end[], rodata_end[], boot_stack_guard[];

static u64 *table_new(void)
{
	u64 *t = page_alloc(0);

	if (!t)
		panic("no memory for page tables");
	memset(t, 0, PAGE_BYTES);
	return t;
}

static u64 *below(u64 entry)
{
	return (u64 *)(uptr)(entry & PT_ADDRESS);
}

/* Replaces a 2 MiB page by a table of 4 KiB pages with its attributes. */
static void split(u64 *e)
{
	u64 *t = table_new();
	u64 page = *e & ~PT_LARGE;

	for (unsigned i = 0; i < ENTRIES; i++)
		t[i] = page + ((u64)i << SHIFT_PT);
	/* Other CPUs may walk through e at once: pairs with the order in which a walk reads. */
	atomic_thread_fence(memory_order_release);
	*e = (uptr)t | PT_PRESENT | PT_WRITABLE;
}

/* The entry for va at the level whose entries cover 1 << shift bytes; makes what is missing. */
static u64 *entry(u64 va, unsigned shift) REQUIRES(lock)
{
	u64 *t = root;

	for (unsigned s = SHIFT_PML4; s > shift; s -= BITS) {
		u64 *e = &t[(va >> s) % ENTRIES];

		if (!(*e & PT_PRESENT))
			*e = (uptr)table_new() | PT_PRESENT | PT_WRITABLE;
		else if (*e & PT_LARGE)
			split(e);
		t = below(*e);
	}
	return &t[(va >> shift) % ENTRIES];
}

static bool is_table(u64 e)
{
	return (e & (PT_PRESENT | PT_LARGE)) == PT_PRESENT;
}

static void map(u64 va, u64 end, u64 attr) REQUIRES(lock)
{
	va = ALIGN_DOWN(va, (u64)PAGE_BYTES);
	end = MIN(ALIGN_UP(end, (u64)PAGE_BYTES), VA_END);
	while (va < end) {
		u64 *large = va % LARGE_BYTES == 0 && end - va >= LARGE_BYTES ? entry(va, SHIFT_PD)
									      : NULL;

		if (large && !is_table(*large)) {
			*large = va | attr | PT_LARGE;
			va += LARGE_BYTES;
		} else {
			*entry(va, SHIFT_PT) = va | attr;
			va += PAGE_BYTES;
		}
	}
}

static void map_ranges(const struct mem_range *r, unsigned n, u64 attr) REQUIRES(lock)
{
	for (unsigned i = 0; i < n; i++)
		map(r[i].base, r[i].base + r[i].bytes, attr);
}

void arch_mmu_init(const struct mem_range *ram, unsigned rams, const struct mem_range *mmio,
		   unsigned mmios)
{
	bool irqs = spin_lock(&lock);

	root = table_new();
	map_ranges(ram, rams, ATTR_DATA);
	map_ranges(mmio, mmios, ATTR_DEVICE);
	map((uptr)kernel_start, (uptr)text_end, ATTR_TEXT);
	map((uptr)text_end, (uptr)rodata_end, ATTR_CONST);
	*entry(0, SHIFT_PT) = 0;
	*entry((uptr)boot_stack_guard, SHIFT_PT) = 0;
	spin_unlock(&lock, irqs);
	arch_mmu_cpu_init();
}

void arch_mmu_cpu_init(void) NO_THREAD_SAFETY_ANALYSIS
{
	write_cr3((uptr)root);
}

void arch_mmu_guard(uptr page)
{
	bool irqs = spin_lock(&lock);

	*entry(page, SHIFT_PT) = 0;
	invlpg(page);
	spin_unlock(&lock, irqs);
}

bool x86_mapped(uptr va)
{
	const u64 *t = below(read_cr3());

	if (va >= VA_END)
		return false;
	for (unsigned s = SHIFT_PML4; s >= SHIFT_PT; s -= BITS) {
		u64 e = t[(va >> s) % ENTRIES];

		if (!(e & PT_PRESENT))
			return false;
		if (e & PT_LARGE && s < SHIFT_PML4)
			return true; /* at the last level this bit is the PAT's, and true too */
		t = below(e);
	}
	return true;
}
