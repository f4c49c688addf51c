/*
 * Planted races and misuses of locks.
 */
#include "planted.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "sync/mcs.h"
#include "sync/rwlock.h"
#include "sync/seqlock.h"

#define ROUNDS 20

static struct spin lock = SPIN_INIT;
static u64 shared;
static _Atomic u32 flag;

/* What a bug leaves out, the analysis at compile time must not see. */
static bool lock_if(bool wanted) NO_THREAD_SAFETY_ANALYSIS
{
	return wanted ? spin_lock(&lock) : false;
}

static void unlock_if(bool wanted, bool irqs) NO_THREAD_SAFETY_ANALYSIS
{
	if (wanted)
		spin_unlock(&lock, irqs);
}

/* Two CPUs add, one of them without the lock. */
static void half_locked(unsigned side)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool irqs = lock_if(side || right);

		shared++;
		unlock_if(side || right, irqs);
	}
}

/* A message behind a flag; a store and a load that order nothing. */
static void message(unsigned side, memory_order store, memory_order load)
{
	if (side == 0) {
		shared = 42;
		atomic_store_explicit(&flag, 1, store);
	} else {
		while (!atomic_load_explicit(&flag, load))
			arch_relax();
		CHECK_EQ(shared, 42);
	}
}

static void relaxed_store(unsigned side)
{
	message(side, right ? memory_order_release : memory_order_relaxed, memory_order_acquire);
}

static void relaxed_load(unsigned side)
{
	message(side, memory_order_release, right ? memory_order_acquire : memory_order_relaxed);
}

/* The same with fences, of which one is missing. */
static void missing_fence(unsigned side)
{
	if (side == 0) {
		shared = 42;
		atomic_thread_fence(memory_order_release);
		atomic_store_explicit(&flag, 1, memory_order_relaxed);
	} else {
		while (!atomic_load_explicit(&flag, memory_order_relaxed))
			arch_relax();
		if (right)
			atomic_thread_fence(memory_order_acquire);
		CHECK_EQ(shared, 42);
	}
}

/* A reader looks without the lock that writers take. */
static void unlocked_look(unsigned side)
{
	bool irqs = lock_if(side == 0 || right);

	if (side == 0)
		shared++;
	else
		CHECK(shared <= 1);
	unlock_if(side == 0 || right, irqs);
}

/* A structure is copied as a whole while one of its fields is written. */
static struct wide {
	u64 words[6];
} wide;

static void torn_copy(unsigned side)
{
	struct wide copy;
	bool irqs = lock_if(right);

	if (side == 0) {
		wide.words[4] = 1;
	} else {
		memcpy(&copy, &wide, sizeof copy);
		CHECK(copy.words[4] <= 1);
	}
	unlock_if(right, irqs);
}

/* Who locks for reading writes. */
static struct rwlock rw = RWLOCK_INIT;

static void writes_as_reader(unsigned side)
{
	bool irqs;

	if (side == 0 && right) {
		irqs = write_lock(&rw);
		shared++;
		write_unlock(&rw, irqs);
		return;
	}
	irqs = read_lock(&rw);
	if (side == 0)
		shared++;
	else
		CHECK(shared <= 1);
	read_unlock(&rw, irqs);
}

/* A field of an atomic object is read as if it were plain. */
static void plain_view(unsigned side)
{
	if (side == 0)
		atomic_store_explicit(&flag, 1, memory_order_release);
	else if (right)
		CHECK(atomic_load_explicit(&flag, memory_order_acquire) <= 1);
	else
		wide.words[0] = *(u32 *)&flag;
}

/* A task and a timer's handler of its CPU add, the task with interrupts enabled. */
static _Atomic unsigned fired;

static void on_timer(struct timer *t)
{
	(void)t;
	shared++;
	atomic_fetch_add_explicit(&fired, 1, memory_order_relaxed);
}

static void unmasked(unsigned side)
{
	struct timer t;

	if (side)
		return;
	timer_init(&t, on_timer);
	timer_arm(&t, clock_ns() + US(2));
	while (!atomic_load_explicit(&fired, memory_order_relaxed)) {
		bool irqs = right ? arch_irq_save() : false;

		shared++;
		if (right)
			arch_irq_restore(irqs);
	}
	timer_cancel(&t);
}

/* Two locks in both orders; the sides take turns, so nothing comes of it. */
static struct spin second_lock = SPIN_INIT;

static void take_both(struct spin *a, struct spin *b) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = spin_lock(a);

	spin_lock_raw(b);
	shared++;
	spin_unlock_raw(b);
	spin_unlock(a, irqs);
}

static void both_orders(unsigned side)
{
	if (side == 0) {
		take_both(&lock, &second_lock);
		atomic_store_explicit(&flag, 1, memory_order_release);
		return;
	}
	while (!atomic_load_explicit(&flag, memory_order_acquire))
		arch_relax();
	take_both(right ? &lock : &second_lock, right ? &second_lock : &lock);
}

/* The same over three locks, by readers and an MCS lock. */
static struct mcs mcs = MCS_INIT;

static void long_circle(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	struct mcs_node node;
	bool irqs;

	if (side)
		return;
	take_both(&lock, &second_lock);
	irqs = spin_lock(&second_lock);
	mcs_lock(&mcs, &node);
	mcs_unlock(&mcs, &node);
	spin_unlock(&second_lock, irqs);
	if (right)
		return;
	mcs_lock(&mcs, &node);
	irqs = spin_lock(&lock);
	spin_unlock(&lock, irqs);
	mcs_unlock(&mcs, &node);
}

/* Two CPUs wait for each other for ever. */
static void embrace(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	struct spin *own = side && !right ? &second_lock : &lock;
	struct spin *other = side && !right ? &lock : &second_lock;
	bool irqs = spin_lock(own);

	/* relaxed: only that the other one holds its lock, too */
	atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed);
	while (!right && atomic_load_explicit(&flag, memory_order_relaxed) < 2)
		arch_relax();
	spin_lock_raw(other);
	spin_unlock_raw(other);
	spin_unlock(own, irqs);
}

/* A lock that its CPU holds already. */
static void twice(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = spin_lock(&lock);

	if (side && !right)
		spin_lock_raw(&lock);
	spin_unlock(&lock, irqs);
}

/* A poll that ends with a lock held; a later one gives it on. */
static void held_over(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	if (side == 0 && right)
		spin_unlock(&lock, spin_lock(&lock));
	else if (side == 0)
		spin_lock_raw(&lock);
}

/* A timer's handler takes the lock that the task of its CPU holds without masking. */
static void takes_it(struct timer *t)
{
	(void)t;
	spin_unlock(&lock, spin_lock(&lock));
	atomic_fetch_add_explicit(&fired, 1, memory_order_relaxed);
}

static void handler_takes_it(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	struct timer t;

	if (side)
		return;
	timer_init(&t, takes_it);
	timer_arm(&t, clock_ns() + US(2));
	while (!atomic_load_explicit(&fired, memory_order_relaxed)) {
		bool irqs = right ? arch_irq_save() : false;

		spin_lock_raw(&lock);
		spin_unlock_raw(&lock);
		arch_irq_restore(irqs);
	}
	timer_cancel(&t);
}

/* Reading within reading: a writer between the two waits for the outer one, and the inner one for
 * it. */
static void reads_within(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs;

	if (side) {
		write_unlock(&rw, write_lock(&rw));
		return;
	}
	irqs = read_lock(&rw);
	if (!right)
		read_unlock(&rw, read_lock(&rw));
	read_unlock(&rw, irqs);
}

/* A reader becomes a writer. */
static void upgrades(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = read_lock(&rw);

	if (right)
		read_unlock(&rw, irqs);
	if (side == 0)
		write_unlock(&rw, write_lock(&rw));
	if (!right)
		read_unlock(&rw, irqs);
}

/* Two orders, of an MCS lock and a lock for reading; the sides take turns. */
static void mixed_orders(unsigned side) NO_THREAD_SAFETY_ANALYSIS
{
	struct mcs_node node;
	bool irqs;

	while (atomic_load_explicit(&flag, memory_order_acquire) != side)
		arch_relax();
	if (side == 0 || right) {
		mcs_lock(&mcs, &node);
		irqs = read_lock(&rw);
		read_unlock(&rw, irqs);
		mcs_unlock(&mcs, &node);
	} else {
		irqs = write_lock(&rw);
		mcs_lock(&mcs, &node);
		mcs_unlock(&mcs, &node);
		write_unlock(&rw, irqs);
	}
	atomic_store_explicit(&flag, 1, memory_order_release);
}

/* A stack is switched to, and switched to again although nobody left it since. */
static void *home_sp, *guest_sp;
static u64 guest_stack[512] __attribute__((aligned(16)));

static void guest(void)
{
	void *left;

	arch_switch(&left, home_sp);
}

static void stack_twice(unsigned side)
{
	bool irqs = arch_irq_save();

	for (unsigned i = 0; i < 2 && side == 0; i++) {
		if (i == 0 || right)
			guest_sp = arch_stack_prepare(guest_stack + ARRAY_LEN(guest_stack), guest);
		arch_switch(&home_sp, guest_sp);
	}
	arch_irq_restore(irqs);
}

PLANTED(NULL, BUG(half_locked), BUG(relaxed_store), BUG(relaxed_load), BUG(missing_fence),
	BUG(unlocked_look), BUG(torn_copy), BUG(writes_as_reader), BUG(plain_view), BUG(unmasked),
	BUG(both_orders), BUG(long_circle), BUG(embrace), BUG(twice), BUG(held_over),
	BUG(handler_takes_it), BUG(reads_within), BUG(upgrades), BUG(mixed_orders),
	BUG(stack_twice));
