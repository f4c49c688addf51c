/*
 * rwlock.h: phase-fair reader-writer spin lock: many readers or one writer. Phases of reading and
 * writing alternate while both sorts wait: a writer goes before readers that come after it, and
 * all readers that waited for a writer go before the next one, so a reader waits for at most one
 * writer, and writers are served in order of arrival. Source: Brandenburg, Anderson: "Spin-based
 * reader-writer synchronization for multiprocessor real-time systems", Real-Time Systems 46,
 * 2010 (algorithm PF-T).
 *
 * Interrupts stay masked while it is held, so an interrupt handler may take it. It does not nest
 * with itself, for reading neither: a writer between the two would wait for ever, and so would
 * the inner reader. Never await or switch stacks with it held.
 */
#pragma once

#include "arch/arch.h"
#include "sync/annotate.h"
#include <stdatomic.h>

/* The low byte of readers_in tells readers about a writer; the rest counts readers. */
#define RW_READER 0x100u
#define RW_WRITER 0x02u /* a writer is there ... */
#define RW_PHASE  0x01u /* ... and this is the parity of its ticket */
#define RW_MASK   (RW_WRITER | RW_PHASE)

struct CAPABILITY("RW lock") rwlock {
	_Atomic u32 readers_in;  /* arrived, in units of RW_READER, and the writer's bits */
	_Atomic u32 readers_out; /* left, in the same units */
	_Atomic u32 next, owner; /* writers' tickets */
};

#define RWLOCK_INIT                                                                                \
	{                                                                                          \
		0, 0, 0, 0                                                                         \
	}

/** Masks interrupts and takes the lock for reading. Returns what read_unlock wants back. */
static inline bool read_lock(struct rwlock *l)
	TS_ATTR(acquire_shared_capability(l)) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = arch_irq_save();

	arch_lock_wanted(l, true);
	/* acquire: pairs with the release that takes the bits away in write_unlock */
	u32 writer = RW_MASK &
		     atomic_fetch_add_explicit(&l->readers_in, RW_READER, memory_order_acquire);

	/* Until that writer is gone; the next one's parity differs. acquire: as above, since the
	 * next writer's addition continues the release sequence */
	while (writer &&
	       writer == (RW_MASK & atomic_load_explicit(&l->readers_in, memory_order_acquire)))
		arch_relax();
	arch_lock_taken(l, true);
	return irqs;
}

/** Leaves the lock and restores interrupts as they were. */
static inline void read_unlock(struct rwlock *l, bool irqs)
	TS_ATTR(release_shared_capability(l)) NO_THREAD_SAFETY_ANALYSIS
{
	arch_lock_given(l);
	/* release: pairs with the acquire load of readers_out in write_lock */
	atomic_fetch_add_explicit(&l->readers_out, RW_READER, memory_order_release);
	arch_irq_restore(irqs);
}

/** Masks interrupts and takes the lock for writing. Returns what write_unlock wants back. */
static inline bool write_lock(struct rwlock *l) ACQUIRE(l) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = arch_irq_save();

	arch_lock_wanted(l, false);

	u32 mine = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);

	/* acquire: pairs with the release of owner in write_unlock */
	while (atomic_load_explicit(&l->owner, memory_order_acquire) != mine)
		arch_relax();

	/* relaxed: readers before this addition are waited for below, readers after it see the
	 * bits and wait; the order of additions to one variable decides which is which */
	u32 readers = atomic_fetch_add_explicit(&l->readers_in, RW_WRITER | (mine & RW_PHASE),
						memory_order_relaxed);

	/* acquire: pairs with the release in read_unlock */
	while (atomic_load_explicit(&l->readers_out, memory_order_acquire) != readers)
		arch_relax();
	arch_lock_taken(l, false);
	return irqs;
}

/** Leaves the lock, first to the readers that wait, and restores interrupts as they were. */
static inline void write_unlock(struct rwlock *l, bool irqs) RELEASE(l) NO_THREAD_SAFETY_ANALYSIS
{
	u32 mine = atomic_load_explicit(&l->owner, memory_order_relaxed); /* only the holder's */

	arch_lock_given(l);

	/* release: pairs with the acquires in read_lock */
	atomic_fetch_and_explicit(&l->readers_in, ~RW_MASK, memory_order_release);
	/* release: pairs with the acquire of owner in write_lock */
	atomic_store_explicit(&l->owner, mine + 1, memory_order_release);
	arch_irq_restore(irqs);
}
