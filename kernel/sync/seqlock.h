/*
 * seqlock.h: for small data that is read often and written seldom: readers write nothing and
 * never make the writer wait; they read again when a writer was there meanwhile.
 *
 * The data are _Atomic u64 words: a reader does see them half changed, and throws that away.
 * Source: Boehm: "Can seqlocks get along with programming language memory models?", MSPC 2012.
 * Context: any; writers exclude each other with a spin lock and mask interrupts. A reader may
 * interrupt a reader; a reader in an interrupt never meets a writer of its own CPU.
 */
#pragma once

#include "sync/spin.h"

struct seqlock {
	struct spin lock; /* among writers */
	_Atomic u32 seq;  /* odd while a writer is at work */
};

#define SEQLOCK_INIT                                                                               \
	{                                                                                          \
		SPIN_INIT, 0                                                                       \
	}

/** Copies @p words words of the data out, all of one write. */
static inline void seq_read(struct seqlock *l, u64 *to, _Atomic u64 *data, unsigned words)
{
	for (;; arch_relax()) {
		/* acquire: pairs with the release of the even number in seq_write */
		u32 before = atomic_load_explicit(&l->seq, memory_order_acquire);

		if (before & 1)
			continue;
		for (unsigned i = 0; i < words; i++)
			to[i] = atomic_load_explicit(&data[i], memory_order_relaxed);
		/* acquire fence: pairs with the release fence in seq_write: who read one of the
		 * new words sees the odd number, or a later one */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&l->seq, memory_order_relaxed) == before)
			return;
	}
}

/** Replaces @p words words of the data by @p from. */
static inline void seq_write(struct seqlock *l, _Atomic u64 *data, const u64 *from, unsigned words)
{
	bool irqs = spin_lock(&l->lock);
	u32 seq = atomic_load_explicit(&l->seq, memory_order_relaxed); /* only the holder writes */

	atomic_store_explicit(&l->seq, seq + 1, memory_order_relaxed);
	/* release fence: pairs with the acquire fence in seq_read */
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < words; i++)
		atomic_store_explicit(&data[i], from[i], memory_order_relaxed);
	/* release: pairs with the acquire of the number in seq_read */
	atomic_store_explicit(&l->seq, seq + 2, memory_order_release);
	spin_unlock(&l->lock, irqs);
}
