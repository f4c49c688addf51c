/* FIFO, round robin and fixed priorities by themselves: kernel/sched/levels.h and levels.c. */
#include "../../common/host.h"
#include "model.h"
#include "sched/levels.h"

static const struct sched_policy *const both[] = {&sched_fifo, &sched_rr};

/* Entity @p i, released with @p level and set to run on @p cpus. */
static struct sched_entity *released(const struct sched_policy *p, unsigned i, u8 level, u64 cpus)
{
	struct sched_params params = {.level = level, .quantum_ns = p == &sched_rr ? MS(2) : 0};

	entities[i] = (struct sched_entity){.cpus = cpus};
	p->release(p->queue, &entities[i], &params, MS(5));
	return &entities[i];
}

static void keys_come_from_levels(void)
{
	for (u8 level = 0; level < SCHED_LEVELS; level++) {
		struct sched_entity *e = released(&sched_rr, 0, level, SCHED_CPUS_ALL);

		EXPECT(e->key == 31u - level,
		       "a job at level %u gets the key %llu; the key is 31 minus the level, so "
		       "that the most urgent level has the least",
		       level, (unsigned long long)e->key);
		EXPECT(e->quantum_ns == MS(2),
		       "a round-robin job begins with a quantum of %llu ns; its parameters say "
		       "%llu",
		       (unsigned long long)e->quantum_ns, (unsigned long long)MS(2));
		EXPECT(released(&sched_fifo, 1, level, SCHED_CPUS_ALL)->quantum_ns == 0,
		       "a FIFO job has a quantum; it runs until it waits, which is a quantum of 0");
	}
}

/* A B C arrive; D was preempted, then E: E D A B C, whatever CPUs they may use. */
static void order_among_equals(u64 others)
{
	static const char names[] = "ABCDE", *expected = "EDABC";

	for (unsigned k = 0; k < ARRAY_LEN(both); k++) {
		const struct sched_policy *p = both[k];

		for (unsigned i = 0; i < 5; i++)
			p->enqueue(p->queue, released(p, i, 7, i % 2 ? others : SCHED_CPUS_ALL),
				   i >= 3);
		for (unsigned i = 0; i < 5; i++) {
			struct sched_entity *e = p->peek(p->queue, 0);

			EXPECT(e,
			       "A, B, C, D and E are queued, but after %u of them peek gives "
			       "nobody",
			       i);
			if (!e)
				return;
			EXPECT(names[e - entities] == expected[i],
			       "A, B and C arrive at one level, then D and E come back preempted: "
			       "the %u. to run is %c, not %c. Equals run in order of arrival, a "
			       "preempted one before them",
			       i + 1, names[e - entities], expected[i]);
			p->dequeue(p->queue, e);
		}
		EXPECT(!p->peek(p->queue, 0), "all were taken out, but peek still gives one");
	}
}

static void equals_in_order_of_arrival(void)
{
	order_among_equals(SCHED_CPUS_ALL);
}

static void equals_that_may_not_run_everywhere(void)
{
	order_among_equals(1);
}

static void a_cpu_gets_what_may_run_there(void)
{
	const struct sched_policy *p = &sched_fifo;
	struct sched_entity *urgent = released(p, 0, 20, 1ull << 1),
			    *other = released(p, 1, 3, SCHED_CPUS_ALL);

	p->enqueue(p->queue, urgent, false);
	p->enqueue(p->queue, other, false);
	EXPECT(p->peek(p->queue, 1) == urgent,
	       "a task of level 20 may run on CPU 1 only; peek for CPU 1 does not give it");
	EXPECT(p->peek(p->queue, 0) == other,
	       "a task of level 20 may run on CPU 1 only; peek for CPU 0 gives it, not the one of "
	       "level 3 that may run there");
	p->dequeue(p->queue, urgent);
	p->dequeue(p->queue, other);
	EXPECT(!p->peek(p->queue, 0) && !p->peek(p->queue, 1), "an empty queue gives somebody");
}

static void fifo_against_the_model(void)
{
	random_operations(&sched_fifo, 4000);
}

static void rr_against_the_model(void)
{
	random_operations(&sched_rr, 4000);
}

/* The executor's short way at the end of a quantum. */
static void rotation(void)
{
	struct levels *l = sched_rr.queue;

	for (unsigned waiting = 1; waiting <= 4; waiting++) {
		for (unsigned i = 0; i < waiting; i++)
			sched_rr.enqueue(l, released(&sched_rr, i, 4, SCHED_CPUS_ALL), false);
		EXPECT(levels_first(l) == &entities[0],
		       "levels_first does not give the one that arrived first");

		u64 before = entities[waiting - 1].seq;

		levels_rotate(l, &entities[0], released(&sched_rr, waiting, 4, SCHED_CPUS_ALL));
		for (unsigned i = 1; i <= waiting; i++) {
			struct sched_entity *e = sched_rr.peek(l, 0);

			EXPECT(e == &entities[i],
			       "%u wait, the first is taken and the running one goes behind the "
			       "last: the %u. to run is the wrong one",
			       waiting, i);
			if (!e)
				return;
			sched_rr.dequeue(l, e);
		}
		EXPECT(entities[waiting].seq > before,
		       "whoever goes behind the last arrives anew: levels_rotate must number its "
		       "arrival (sched_arrive), or trees and lists disagree about the order");
		EXPECT(!sched_rr.peek(l, 0), "after a rotation more are queued than before");
	}
}

TESTS(TEST(keys_come_from_levels), TEST(equals_in_order_of_arrival),
      TEST(equals_that_may_not_run_everywhere), TEST(a_cpu_gets_what_may_run_there),
      TEST(fifo_against_the_model), TEST(rr_against_the_model), TEST(rotation));
