#include "mm/arena.h"
#include "arch/arch.h"
#include "base/printf.h"
#include "mm/block.h"
#include "mm/misuse.h"
#include "mm/page.h"

#define LIMIT_NONE ((1u << 31) - 1)

struct arena_block {
	struct arena_block *older, *newer;
};
_Static_assert(sizeof(struct arena_block) % KMALLOC_ALIGN_BYTES == 0, "what follows is aligned");

static u32 units_of(const struct arena_block *m)
{
	return (u32)((HEADER_BYTES + block_bytes(block_of(m))) / UNIT_BYTES);
}

static void charge(struct arena *a, u32 units)
{
	u32 used = atomic_load_explicit(&a->used, memory_order_relaxed);

	atomic_store_explicit(&a->used, used + units, memory_order_relaxed);
}

void arena_init(struct arena *a, u64 max_bytes, bool service)
{
	u64 units = max_bytes / UNIT_BYTES;

	a->newest = NULL;
	atomic_init(&a->used, 0);
	a->limit = max_bytes && units < LIMIT_NONE ? (u32)units : LIMIT_NONE;
	a->service = service;
}

static void hang(struct arena *a, struct arena_block *m)
{
	charge(a, units_of(m));
	m->newer = NULL;
	m->older = a->newest;
	if (m->older)
		m->older->newer = m;
	a->newest = m;
}

void *arena_alloc(struct arena *a, usize bytes, u32 task)
{
	usize all = MIN(bytes, KMALLOC_MAX_BYTES) + sizeof(struct arena_block);
	u32 left = a->limit - atomic_load_explicit(&a->used, memory_order_relaxed);
	struct arena_block *m = NULL;
	bool irqs = arch_irq_save(); /* who is killed has all that it took, or nothing of it */

	if ((HEADER_BYTES + ALIGN_UP(all, UNIT_BYTES)) / UNIT_BYTES <= left)
		m = heap_alloc(HEAP_TASKS, all, OWNER_TASK | task);
	if (m)
		hang(a, m);
	arch_irq_restore(irqs);
	return m ? m + 1 : NULL;
}

/* True when @p m, with its header, is what it should be, and hangs where it should in @p a. */
static bool good(const struct arena *a, const struct arena_block *m)
{
	return block_good(block_of(m), MARK_USED + HEAP_TASKS) &&
	       (m->newer ? m->newer->older : a->newest) == m && (!m->older || m->older->newer == m);
}

static void release(struct arena *a, struct arena_block *m, uptr by)
{
	bool irqs = arch_irq_save(); /* as in arena_alloc */

	charge(a, 0u - units_of(m));
	*(m->newer ? &m->newer->older : &a->newest) = m->older;
	if (m->older)
		m->older->newer = m->newer;
	heap_free(HEAP_TASKS, m, by);
	arch_irq_restore(irqs);
}

void arena_free(struct arena *a, void *p, u32 task)
{
	struct arena_block *m = (struct arena_block *)p - 1;

	if (!p)
		return;
	if (block_of(m)->owner != (OWNER_TASK | task) || !good(a, m))
		misuse_release(block_of(m), HEAP_TASKS, "task_free");
	release(a, m, OWNER_TASK | task);
}

unsigned arena_release(struct arena *a)
{
	struct arena_block *m;
	unsigned n = 0;

	while ((m = a->newest) != NULL) {
		bool chained =
			!m->newer &&
			(!m->older || (page_managed((uptr)m->older) && m->older->newer == m));

		if (chained && block_good(block_of(m), MARK_USED + HEAP_TASKS)) {
			release(a, m, block_of(m)->owner);
			n++;
			continue;
		}
		kprintf("arena: %p was written over its ends and stays out of use%s\n",
			(void *)(m + 1), chained ? "" : ", with all that is older");
		a->newest = chained ? m->older : NULL;
		if (a->newest)
			a->newest->newer = NULL;
	}
	return n;
}

u64 arena_bytes(const struct arena *a)
{
	return (u64)atomic_load_explicit(&a->used, memory_order_relaxed) * UNIT_BYTES;
}
