/*
 * Locks: they exclude, and in the order that they promise.
 * cpus: 1 4 16
 * seeds: 5
 */
#include "../test.h"
#include "async/join.h"
#include "sync/mcs.h"
#include "sync/rwlock.h"
#include "sync/seqlock.h"

#define TASKS  8
#define ROUNDS 60

/* Tasks on all CPUs that run one function each, with their number, until all are done. */
struct member {
	struct async async;
	void (*fn)(unsigned who);
	unsigned who;
};

static enum poll member(void *frame)
{
	struct member *me = frame;

	me->fn(me->who);
	ASYNC_BEGIN(me);
	ASYNC_END(me);
}

struct crowd {
	struct async async;
	struct task *tasks[TASKS];
	struct join join;
	unsigned i;
	void (*fn)(unsigned who);
};

static enum poll crowd(void *frame)
{
	struct crowd *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < TASKS; me->i++)
		MUST(TASK_SPAWN(&me->tasks[me->i], "member", member,
				((struct member){.fn = me->fn, .who = me->i}),
				SCHED_PARAMS_RR(8, SCHED_QUANTUM_MIN_NS)));
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

/* Two plain variables that differ while a holder is at work: nobody else may see that, and no
 * addition may be lost. */
static u64 first, second;

static void change(void)
{
	u64 was = first;

	CHECK_EQ(second, was);
	first = was + 1;
	for (unsigned n = 0; n < 5; n++)
		arch_relax();
	second = was + 1;
}

static struct spin spin_under_test = SPIN_INIT;
static struct mcs mcs_under_test = MCS_INIT;
static struct rwlock rw_under_test = RWLOCK_INIT;

static void spin_member(unsigned who)
{
	(void)who;
	for (unsigned n = 0; n < ROUNDS; n++) {
		bool irqs = spin_lock(&spin_under_test);

		change();
		spin_unlock(&spin_under_test, irqs);
	}
}

/* Who was queued behind the last holder, when it looked: first come, first served. */
static struct mcs_node *mcs_next;

static void mcs_member(unsigned who)
{
	(void)who;
	for (unsigned n = 0; n < ROUNDS; n++) {
		struct mcs_node node;

		mcs_lock(&mcs_under_test, &node);
		CHECK(!arch_irq_enabled());
		CHECK(mcs_held(&mcs_under_test));
		CHECK(!mcs_next || mcs_next == &node);
		change();
		/* relaxed: compared only */
		mcs_next = atomic_load_explicit(&node.next, memory_order_relaxed);
		mcs_unlock(&mcs_under_test, &node);
		CHECK(arch_irq_enabled());
	}
}

static _Atomic unsigned readers;

static void rw_member(unsigned who)
{
	for (unsigned n = 0; n < ROUNDS; n++) {
		bool irqs;

		if (who % 4 == 0) {
			irqs = write_lock(&rw_under_test);
			CHECK_EQ(atomic_load_explicit(&readers, memory_order_relaxed), 0);
			change();
			write_unlock(&rw_under_test, irqs);
			continue;
		}
		irqs = read_lock(&rw_under_test);

		/* relaxed: a count only; whether writers are kept out shows in the two words */
		atomic_fetch_add_explicit(&readers, 1, memory_order_relaxed);
		for (unsigned i = 0; i < 5; i++) {
			CHECK_EQ(first, second);
			arch_relax();
		}
		atomic_fetch_sub_explicit(&readers, 1, memory_order_relaxed);
		read_unlock(&rw_under_test, irqs);
	}
}

#define EXCLUSION(name, member_fn, additions)                                                      \
	static enum poll name(void *frame)                                                         \
	{                                                                                          \
		struct crowd *me = frame;                                                          \
                                                                                                   \
		if (!me->fn) {                                                                     \
			first = second = 0;                                                        \
			me->fn = member_fn;                                                        \
		}                                                                                  \
		if (crowd(me) == POLL_PENDING)                                                     \
			return POLL_PENDING;                                                       \
		CHECK_EQ(first, (additions));                                                      \
		CHECK_EQ(second, (additions));                                                     \
		return POLL_READY;                                                                 \
	}                                                                                          \
	struct takes_the_semicolon_

EXCLUSION(spin_excludes, spin_member, TASKS *ROUNDS);
EXCLUSION(mcs_excludes, mcs_member, TASKS *ROUNDS);
EXCLUSION(rw_excludes_writers, rw_member, TASKS / 4 * ROUNDS);

/* The counters wrap without harm: start them just below. */
static void rw_counters_wrap(void)
{
	struct rwlock l = {-RW_READER, -RW_READER, UINT32_MAX, UINT32_MAX};

	for (unsigned n = 0; n < 3; n++) {
		bool irqs = read_lock(&l);

		read_unlock(&l, irqs);
		irqs = write_lock(&l);
		write_unlock(&l, irqs);
	}
	CHECK_EQ(atomic_load_explicit(&l.readers_in, memory_order_relaxed), 2 * RW_READER);
	CHECK_EQ(atomic_load_explicit(&l.readers_out, memory_order_relaxed), 2 * RW_READER);
	CHECK_EQ(atomic_load_explicit(&l.owner, memory_order_relaxed), 2);
}

/*
 * Who goes first when a holder, a reader and a writer meet: each on a CPU of its own, in steps
 * that they read off the lock's words. What they did is noted under the lock.
 */
static struct rwlock phase_lock = RWLOCK_INIT;
static char phases[8];
static _Atomic unsigned phase_count;

static void entered(char what)
{
	phases[atomic_fetch_add_explicit(&phase_count, 1, memory_order_relaxed)] = what;
}

static unsigned readers_arrived(void)
{
	return atomic_load_explicit(&phase_lock.readers_in, memory_order_relaxed) / RW_READER;
}

static unsigned writers_arrived(void)
{
	return atomic_load_explicit(&phase_lock.next, memory_order_relaxed);
}

/* Its ticket alone does not keep readers out. */
static unsigned writer_announced(void)
{
	return atomic_load_explicit(&phase_lock.readers_in, memory_order_relaxed) & RW_WRITER;
}

static void wait_for(unsigned (*count)(void), unsigned n)
{
	while (count() < n)
		arch_relax();
}

/* A writer holds; a reader comes, then another writer: the reader goes first. */
static void writer_reader_writer(unsigned who)
{
	bool irqs;

	if (who == 0) {
		irqs = write_lock(&phase_lock);
		wait_for(readers_arrived, 1);
		wait_for(writers_arrived, 2);
		entered('0');
		write_unlock(&phase_lock, irqs);
	} else if (who == 1) {
		wait_for(writer_announced, 1);
		irqs = read_lock(&phase_lock);
		entered('r');
		read_unlock(&phase_lock, irqs);
	} else if (who == 2) {
		wait_for(readers_arrived, 1);
		irqs = write_lock(&phase_lock);
		entered('w');
		write_unlock(&phase_lock, irqs);
	}
}

/* A reader holds; a writer comes, then another reader: the writer goes first. */
static void reader_writer_reader(unsigned who)
{
	bool irqs;

	if (who == 0) {
		irqs = read_lock(&phase_lock);
		wait_for(writer_announced, 1);
		wait_for(readers_arrived, 2);
		entered('0');
		read_unlock(&phase_lock, irqs);
	} else if (who == 1) {
		wait_for(readers_arrived, 1);
		irqs = write_lock(&phase_lock);
		entered('w');
		write_unlock(&phase_lock, irqs);
	} else if (who == 2) {
		wait_for(writer_announced, 1);
		irqs = read_lock(&phase_lock);
		entered('r');
		read_unlock(&phase_lock, irqs);
	}
}

static unsigned entered_count(void)
{
	return atomic_load_explicit(&phase_count, memory_order_relaxed);
}

/* Neither of two readers leaves before the other has come in. */
static void reader_reader(unsigned who)
{
	bool irqs;

	if (who > 1)
		return;
	irqs = read_lock(&phase_lock);
	entered('r');
	wait_for(entered_count, 2);
	read_unlock(&phase_lock, irqs);
}

#define PHASES(name, member_fn, expected)                                                          \
	static enum poll name(void *frame)                                                         \
	{                                                                                          \
		struct crowd *me = frame;                                                          \
                                                                                                   \
		if (cpu_count < 4)                                                                 \
			return POLL_READY;                                                         \
		if (!me->fn) {                                                                     \
			memset(phases, 0, sizeof phases);                                          \
			atomic_store_explicit(&phase_count, 0, memory_order_relaxed);              \
			phase_lock = (struct rwlock)RWLOCK_INIT;                                   \
			me->fn = member_fn;                                                        \
		}                                                                                  \
		if (crowd(me) == POLL_PENDING)                                                     \
			return POLL_PENDING;                                                       \
		CHECK_STR(phases, expected);                                                       \
		return POLL_READY;                                                                 \
	}                                                                                          \
	struct takes_the_semicolon_

PHASES(rw_readers_share, reader_reader, "rr");
PHASES(rw_a_waiting_reader_goes_before_the_next_writer, writer_reader_writer, "0rw");
PHASES(rw_a_waiting_writer_goes_before_later_readers, reader_writer_reader, "0wr");

/* All words of a sequence lock's data come from one write. */
#define WORDS 5
static struct seqlock seq_under_test = SEQLOCK_INIT;
static _Atomic u64 seq_data[WORDS];

static void seq_member(unsigned who)
{
	u64 words[WORDS];

	for (u64 n = 1; n <= ROUNDS; n++) {
		if (who < 2) {
			for (unsigned i = 0; i < WORDS; i++)
				words[i] = n * (i + 1);
			seq_write(&seq_under_test, seq_data, words, WORDS);
			continue;
		}
		seq_read(&seq_under_test, words, seq_data, WORDS);
		for (unsigned i = 0; i < WORDS; i++)
			CHECK_EQ(words[i], words[0] * (i + 1));
		CHECK(words[0] <= ROUNDS);
	}
}

static enum poll seq_reads_are_whole(void *frame)
{
	struct crowd *me = frame;

	me->fn = seq_member;
	return crowd(me);
}

/* While the number is odd, as a writer at work leaves it, no reader returns. */
static _Atomic bool seq_odd, seq_returned;

static void seq_meets_writer(unsigned who)
{
	u64 words[WORDS];

	/* release, acquire: the flags order what lies between them on the two CPUs */
	if (who == 0) {
		atomic_store_explicit(&seq_under_test.seq, 1, memory_order_release);
		atomic_store_explicit(&seq_odd, true, memory_order_release);
		for (unsigned n = 0; n < 200; n++)
			arch_relax();
		CHECK(!atomic_load_explicit(&seq_returned, memory_order_acquire));
		atomic_store_explicit(&seq_under_test.seq, 2, memory_order_release);
	} else if (who == 1) {
		while (!atomic_load_explicit(&seq_odd, memory_order_acquire))
			arch_relax();
		seq_read(&seq_under_test, words, seq_data, WORDS);
		atomic_store_explicit(&seq_returned, true, memory_order_release);
	}
}

static enum poll seq_readers_wait_for_the_writer(void *frame)
{
	struct crowd *me = frame;

	me->fn = seq_meets_writer;
	return cpu_count < 4 ? POLL_READY : crowd(me);
}

TESTS_MAIN(ASYNC(spin_excludes), ASYNC(mcs_excludes), ASYNC(rw_excludes_writers),
	   ASYNC(rw_readers_share), ASYNC(rw_a_waiting_reader_goes_before_the_next_writer),
	   ASYNC(rw_a_waiting_writer_goes_before_later_readers), PLAIN(rw_counters_wrap),
	   ASYNC(seq_reads_are_whole), ASYNC(seq_readers_wait_for_the_writer));
