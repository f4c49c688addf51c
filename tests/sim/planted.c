/*
 * Planted bugs, one a test, chosen by bug= on the command line; with right=1 the same without its
 * bug. test_watch.py runs them under the simulator's checkers, which must speak of the bugs and be
 * silent of the right ones; by what the program itself sees all is well.
 */
#include "../unit/test.h"
#include "async/join.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "sync/mcs.h"
#include "sync/rwlock.h"
#include "sync/seqlock.h"

#define ROUNDS 20

static bool right;
static _Atomic unsigned started;

/* What two tasks do at the same time, side 0 and side 1. */
struct side {
	struct async async;
	void (*fn)(unsigned side);
	unsigned side;
};

static enum poll side_run(void *frame)
{
	struct side *me = frame;

	ASYNC_BEGIN(me);
	/* Both at a time, on two CPUs. relaxed: to order nothing */
	atomic_fetch_add_explicit(&started, 1, memory_order_relaxed);
	while (atomic_load_explicit(&started, memory_order_relaxed) < 2)
		arch_relax();
	me->fn(me->side);
	ASYNC_END(me);
}

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

static const struct bug {
	const char *name;
	void (*fn)(unsigned side);
} bugs[] = {
	{"half_locked", half_locked},
	{"relaxed_store", relaxed_store},
	{"relaxed_load", relaxed_load},
	{"missing_fence", missing_fence},
	{"unlocked_look", unlocked_look},
	{"torn_copy", torn_copy},
	{"writes_as_reader", writes_as_reader},
	{"plain_view", plain_view},
	{"unmasked", unmasked},
	{"both_orders", both_orders},
	{"long_circle", long_circle},
	{"embrace", embrace},
	{"twice", twice},
	{"held_over", held_over},
};

struct both {
	struct async async;
	struct task *tasks[2];
	struct join join;
	const struct bug *bug;
	unsigned i;
};

static struct task *side_spawn(void (*fn)(unsigned side), unsigned side)
{
	struct side frame = {.fn = fn, .side = side};
	struct task *t;
	int err = TASK_SPAWN(&t, "side", side_run, frame, SCHED_PARAMS_FIFO(16));

	if (err)
		panic("cannot spawn: %s", err_name(err));
	return t;
}

static const struct bug *chosen(void)
{
	char name[32];

	right = words_find(board_cmdline(), "right", NULL, 0);
	if (words_find(board_cmdline(), "bug", name, sizeof name))
		for (unsigned i = 0; i < ARRAY_LEN(bugs); i++)
			if (!strcmp(bugs[i].name, name))
				return &bugs[i];
	panic("bug=NAME: expected the name of a planted bug");
}

static enum poll planted(void *frame)
{
	struct both *me = frame;

	ASYNC_BEGIN(me);
	me->bug = chosen();
	for (me->i = 0; me->i < 2; me->i++)
		me->tasks[me->i] = side_spawn(me->bug->fn, me->i);
	for (me->i = 0; me->i < 2; me->i++)
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(planted));
