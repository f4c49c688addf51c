/*
 * Worker stacks: made once at start-up, all of one size, each above an unmapped guard page, so
 * that preemption allocates nothing. One is in use for each CPU and for each suspended poll, and
 * each CPU may keep a free one at hand: the last one that it gave, whose stack is warm.
 */
#include "mm/page.h"
#include "task/executor.h"

#define GUARD_BYTES KIB(4)

static struct worker *workers;
static struct spin workers_lock;
static struct list free_workers GUARDED_BY(workers_lock) = LIST_INIT(free_workers);
_Atomic bool workers_refused; /* written under the lock */
static uptr stacks;
static unsigned worker_count;

void workers_init(unsigned n)
{
	workers = page_alloc(page_order(n * sizeof *workers));
	stacks = (uptr)page_alloc(page_order(n * WORKER_STRIDE_BYTES));
	if (!workers || !stacks)
		panic("no memory for %u worker stacks of %zu bytes", n, WORKER_STRIDE_BYTES);
	worker_count = n;

	bool irqs = spin_lock(&workers_lock);

	for (unsigned i = 0; i < n; i++) {
		uptr base = stacks + i * WORKER_STRIDE_BYTES;
		struct worker *w = &workers[i];

		arch_mmu_guard(base);
		w->id = (u16)(i + 1);
		w->sp = arch_stack_prepare((void *)(base + WORKER_STRIDE_BYTES), worker_main);
		list_add_tail(&free_workers, &w->link);
	}
	spin_unlock(&workers_lock, irqs);
}

void *worker_fresh(const struct worker *w, void (*entry)(void))
{
	return arch_stack_prepare((void *)(stacks + w->id * WORKER_STRIDE_BYTES), entry);
}

bool worker_guards(const struct worker *w, uptr at)
{
	return at - (stacks + (w->id - 1u) * WORKER_STRIDE_BYTES) < GUARD_BYTES;
}

struct worker *worker_take_other(void)
{
	struct list *first;

	spin_lock_raw(&workers_lock);
	first = list_first(&free_workers);
	if (first)
		list_del(first);
	else
		atomic_store_explicit(&workers_refused, true, memory_order_relaxed);
	spin_unlock_raw(&workers_lock);
	return first ? LIST_ENTRY(first, struct worker, link) : NULL;
}

bool worker_give_other(struct worker *w)
{
	bool wanted;

	if (!w)
		return false;
	spin_lock_raw(&workers_lock);
	list_add_head(&free_workers, &w->link);
	wanted = workers_short();
	atomic_store_explicit(&workers_refused, false, memory_order_relaxed);
	spin_unlock_raw(&workers_lock);
	return wanted;
}

unsigned workers_free(void)
{
	unsigned n = 0;

	bool irqs = spin_lock(&workers_lock);

	for (const struct list *at = free_workers.next; at != &free_workers; at = at->next)
		n++;
	spin_unlock(&workers_lock, irqs);
	for (unsigned i = 0; i < cpu_count; i++)
		n += cpus[i].spare != NULL;
	return n;
}

u16 worker_here(void)
{
	uptr at = arch_sp() - stacks;

	return at < worker_count * WORKER_STRIDE_BYTES ? (u16)(at / WORKER_STRIDE_BYTES + 1) : 0;
}
