/*
 * spin.h: ticket spin lock: fair, and one word.
 *
 * Use it for sections of a few dozen instructions. Interrupts stay masked while it is held, so
 * an interrupt handler may take it. It does not nest with itself. Never await or switch stacks
 * with it held.
 */
#pragma once

#include "arch/arch.h"
#include "sync/annotate.h"
#include <stdatomic.h>

struct CAPABILITY("spin lock") spin {
	_Atomic u16 next;  /* the next ticket to hand out */
	_Atomic u16 owner; /* the ticket that holds the lock */
};

#define SPIN_INIT                                                                                  \
	{                                                                                          \
		0, 0                                                                               \
	}

/** Takes the lock; interrupts must be masked already. */
static inline void spin_lock_raw(struct spin *l) ACQUIRE(l) NO_THREAD_SAFETY_ANALYSIS
{
	arch_lock_wanted(l, false);

	u16 mine = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed);

	/* acquire: pairs with the release in spin_unlock_raw */
	while (unlikely(atomic_load_explicit(&l->owner, memory_order_acquire) != mine))
		arch_relax();
	arch_lock_taken(l, false);
}

/* What a section with a lock held may use of the stack, with the interrupt's frames below it. */
#define SPIN_STACK_BYTES 2048u

/** Masks interrupts and takes the lock. Returns what spin_unlock wants back. A task whose @p l leads
 *  nowhere, or that has too little stack, faults before they are masked: while the fault is its own
 *  (task/fault.h). */
static inline bool spin_lock(struct spin *l) ACQUIRE(l) NO_THREAD_SAFETY_ANALYSIS
{
	(void)atomic_load_explicit(&l->next, memory_order_relaxed); /* relaxed: it is there */
	(void)*(const volatile u8 *)(arch_sp() - SPIN_STACK_BYTES);

	bool irqs = arch_irq_save();

	spin_lock_raw(l);
	return irqs;
}

/** Gives the lock on, and leaves interrupts masked. */
static inline void spin_unlock_raw(struct spin *l) RELEASE(l) NO_THREAD_SAFETY_ANALYSIS
{
	u16 mine = atomic_load_explicit(&l->owner, memory_order_relaxed);

	arch_lock_given(l);
	/* release: pairs with the acquire in spin_lock; only the holder writes owner */
	atomic_store_explicit(&l->owner, (u16)(mine + 1), memory_order_release);
}

/** Gives the lock on and restores interrupts as they were. */
static inline void spin_unlock(struct spin *l, bool irqs) RELEASE(l) NO_THREAD_SAFETY_ANALYSIS
{
	spin_unlock_raw(l);
	arch_irq_restore(irqs);
}

/** What @p value is, an expression, while the lock @p l is held. */
#define SPIN_READ(l, value)                                                                        \
	({                                                                                         \
		bool irqs_ = spin_lock(l);                                                         \
		__auto_type value_ = (value);                                                      \
		spin_unlock(l, irqs_);                                                             \
		value_;                                                                            \
	})
