/*
 * mcs.h: queue lock: each CPU spins on its own node, so a contended lock moves one cache line
 * from hand to hand instead of all of them. Source: Mellor-Crummey, Scott: "Algorithms for
 * scalable synchronization on shared-memory multiprocessors", ACM TOCS 9(1), 1991.
 *
 * FIFO. The node lives in the caller's frame from lock to unlock, and locker and unlocker are the
 * same CPU. Interrupts stay masked while it is held, so an interrupt handler may take it. It does
 * not nest with itself. Never await or switch stacks with it held. Prefer spin.h where fewer than
 * a handful of CPUs meet.
 */
#pragma once

#include "arch/arch.h"
#include "sync/annotate.h"
#include <stdatomic.h>

struct mcs_node {
	_Atomic(struct mcs_node *) next; /* who waits behind this one */
	_Atomic bool waiting;
	bool irqs;
};

struct CAPABILITY("MCS lock") mcs {
	_Atomic(struct mcs_node *) tail; /* the last in the queue, NULL when the lock is free */
};

#define MCS_INIT                                                                                   \
	{                                                                                          \
		NULL                                                                               \
	}

/** Masks interrupts and takes the lock; @p n stays in use until mcs_unlock. */
static inline void mcs_lock(struct mcs *l, struct mcs_node *n) ACQUIRE(l) NO_THREAD_SAFETY_ANALYSIS
{
	n->irqs = arch_irq_save();
	arch_lock_wanted(l, false);
	atomic_store_explicit(&n->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&n->waiting, true, memory_order_relaxed);

	/* acquire: pairs with the release that leaves the lock free in mcs_unlock; release: n's
	 * fields, for the acquire in the exchange of whoever comes behind */
	struct mcs_node *before = atomic_exchange_explicit(&l->tail, n, memory_order_acq_rel);

	if (!before) {
		arch_lock_taken(l, false);
		return;
	}
	/* release: pairs with the acquire loads of next in mcs_unlock */
	atomic_store_explicit(&before->next, n, memory_order_release);
	/* acquire: pairs with the release that hands the lock over in mcs_unlock */
	while (atomic_load_explicit(&n->waiting, memory_order_acquire))
		arch_relax();
	arch_lock_taken(l, false);
}

/** Hands the lock to the next in the queue and restores interrupts as mcs_lock found them. */
static inline void mcs_unlock(struct mcs *l, struct mcs_node *n)
	RELEASE(l) NO_THREAD_SAFETY_ANALYSIS
{
	arch_lock_given(l);

	struct mcs_node *last = n;
	/* acquire: pairs with the release of next in mcs_lock */
	struct mcs_node *next = atomic_load_explicit(&n->next, memory_order_acquire);

	/* release: pairs with the acquire of the exchange in mcs_lock */
	if (!next && atomic_compare_exchange_strong_explicit(
			     &l->tail, &last, NULL, memory_order_release, memory_order_relaxed)) {
		arch_irq_restore(n->irqs);
		return;
	}
	/* Somebody joined the queue and is about to say so. acquire: as above */
	while (!next && !(next = atomic_load_explicit(&n->next, memory_order_acquire)))
		arch_relax();
	/* release: pairs with the acquire load of waiting in mcs_lock */
	atomic_store_explicit(&next->waiting, false, memory_order_release);
	arch_irq_restore(n->irqs);
}

/** True while anybody holds the lock; for assertions. */
static inline bool mcs_held(struct mcs *l)
{
	return atomic_load_explicit(&l->tail, memory_order_relaxed) != NULL;
}
