/*
 * Tasks: making, joining, waking, ending them; nothing leaks and no wake-up is lost.
 * cpus: 1 2 4 16 64
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "mm/kmalloc.h"
#include "services/burn.h"
#include <stdatomic.h>

#define LOW SCHED_PARAMS_FIFO(8)
#define HIGH SCHED_PARAMS_FIFO(20)

/* What happened, one letter each, in order. */
static char order[64];
static _Atomic unsigned order_count;

static void happened(char what)
{
	/* relaxed: readers have joined the writers, or run on the same CPU */
	unsigned at = atomic_fetch_add_explicit(&order_count, 1, memory_order_relaxed);

	ASSERT(at + 1 < sizeof order);
	order[at] = what;
}

static void nothing_happened(void)
{
	memset(order, 0, sizeof order);
	atomic_store_explicit(&order_count, 0, memory_order_relaxed);
}

/* A task that ends at once with a status. */
struct ends {
	struct async async;
	int status;
};

static enum poll ends(void *frame)
{
	struct ends *me = frame;

	ASYNC_BEGIN(me);
	ASYNC_RETURN(me, me->status);
}

/* A task that waits for ever; each of its polls is counted. The last one ends it. */
struct counts {
	struct async async;
	_Atomic unsigned *polls;
	unsigned ends_after;
	char letter;
};

static enum poll counts(void *frame)
{
	struct counts *me = frame;
	/* release: pairs with the acquire in polled */
	unsigned n = atomic_fetch_add_explicit(me->polls, 1, memory_order_release) + 1;

	if (me->letter)
		happened(me->letter);
	return n >= me->ends_after ? POLL_READY : POLL_PENDING;
}

static unsigned polled(_Atomic unsigned *polls)
{
	/* acquire: pairs with the release in counts */
	return atomic_load_explicit(polls, memory_order_acquire);
}

struct waits {
	struct async async;
	struct sleep sleep;
	struct join join, join2;
	struct task *a, *b;
	struct task *many[12];
	struct kmalloc_stats before;
	unsigned i, tries;
};

static enum poll join_gives_the_status(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	MUST(TASK_SPAWN(&me->a, "a", ends, ((struct ends){.status = 42}), LOW));
	MUST(TASK_SPAWN(&me->b, "b", ends, ((struct ends){.status = -7}), HIGH));
	AWAIT(me, task_join(&me->join, me->a));
	CHECK_EQ(me->join.status, 42);
	AWAIT(me, task_join(&me->join, me->b));
	CHECK_EQ(me->join.status, -7);
	/* Long dead: joining again is no different. */
	AWAIT(me, task_join(&me->join2, me->a));
	CHECK_EQ(me->join2.status, 42);
	task_put(me->a);
	task_put(me->b);
	ASYNC_END(me);
}

/* A joiner apart, of which there are several. */
struct joiner {
	struct async async;
	struct join join;
	struct task *whom;
};

static enum poll joiner(void *frame)
{
	struct joiner *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, task_join(&me->join, me->whom));
	ASYNC_RETURN(me, me->join.status + 1);
}

static enum poll several_join_one(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;

	ASYNC_BEGIN(me);
	atomic_store_explicit(&polls, 0, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->a, "joined", counts,
			((struct counts){.async.status = 5, .polls = &polls, .ends_after = 2}),
			LOW));
	for (me->i = 0; me->i < ARRAY_LEN(me->many); me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "joiner", joiner,
				((struct joiner){.whom = me->a}), SCHED_PARAMS_FIFO(me->i * 2)));
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(polled(&polls), 1);
	task_wake(me->a);
	for (me->i = 0; me->i < ARRAY_LEN(me->many); me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		CHECK_EQ(me->join.status, 6);
		task_put(me->many[me->i]);
	}
	task_put(me->a);
	ASYNC_END(me);
}

/* A join that is cancelled leaves no trace: the task ends, and nobody is woken for it. */
static enum poll canceled_join(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;

	ASYNC_BEGIN(me);
	atomic_store_explicit(&polls, 0, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->a, "joined", counts, ((struct counts){.polls = &polls, .ends_after = 2}),
			LOW));
	CHECK_EQ(await_poll(task_join(&me->join, me->a)), POLL_PENDING);
	await_cancel(&me->join.aw);
	memset(&me->join, 0xff, sizeof me->join);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	task_wake(me->a);
	AWAIT(me, task_join(&me->join2, me->a));
	task_put(me->a);
	ASYNC_END(me);
}

static enum poll ids_rise_and_tasks_are_listed(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls[3];
	struct task_info info;
	unsigned listed;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 3; me->i++) {
		atomic_store_explicit(&polls[me->i], 0, memory_order_relaxed);
		MUST(TASK_SPAWN(&me->many[me->i], "listed", counts,
				((struct counts){.polls = &polls[me->i], .ends_after = 2}), HIGH));
	}
	CHECK(me->many[0]->id < me->many[1]->id && me->many[1]->id < me->many[2]->id);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	me->tries = listed = 0;
	info.id = 0;
	while (task_next_info(info.id, &info)) {
		me->tries++;
		listed += !strcmp(info.name, "listed");
		CHECK(strcmp(info.name, "listed") || info.state == TASK_WAITING);
		CHECK(strcmp(info.name, "tests") || info.state == TASK_RUNNING);
	}
	CHECK_EQ(listed, 3);
	CHECK_EQ(task_count(), me->tries);
	for (me->i = 0; me->i < 3; me->i++) {
		task_wake(me->many[me->i]);
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	CHECK_EQ(task_count(), me->tries - 3);
	info.id = 0;
	while (task_next_info(info.id, &info))
		CHECK(strcmp(info.name, "listed"));
	ASYNC_END(me);
}

static void names_are_cut_to_fit(void)
{
	struct task *t;
	struct task_info info;

	MUST(TASK_SPAWN(&t, "a-name-that-is-too-long", ends, (struct ends){}, LOW));
	task_info(t, &info);
	CHECK_STR(info.name, "a-name-that-is-");
	task_put(t);
}

/* Heap blocks come back to what they were, whoever drops the last reference. */
static enum poll nothing_leaks(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, MS(2))); /* earlier tests' tasks are reaped */
	me->before = kmalloc_stats();
	for (me->tries = 0; me->tries < 10; me->tries++) {
		for (me->i = 0; me->i < 12; me->i++)
			MUST(TASK_SPAWN(me->i % 3 ? &me->many[me->i] : NULL, "short", ends,
					(struct ends){}, me->i % 2 ? LOW : HIGH));
		for (me->i = 0; me->i < 12; me->i++) {
			if (me->i % 3 == 0)
				continue;
			if (me->i % 3 == 1)
				AWAIT(me, task_join(&me->join, me->many[me->i]));
			task_put(me->many[me->i]); /* perhaps before it ever ran */
		}
	}
	for (me->tries = 0; me->tries < 100; me->tries++) {
		if (kmalloc_stats().blocks == me->before.blocks)
			break;
		AWAIT(me, sleep_for(&me->sleep, US(100)));
	}
	CHECK_EQ(kmalloc_stats().blocks, me->before.blocks);
	CHECK_EQ(kmalloc_stats().used_bytes, me->before.used_bytes);
	ASYNC_END(me);
}

static void malformed_parameters(void)
{
	static const struct {
		struct sched_params params;
		const char *expects; /* in the explanation */
	} wrong[] = {
		{SCHED_PARAMS_FIFO(32), "fifo: level is 32, not from 0 to 31"},
		{{.class = SCHED_FIFO, .level = 3, .quantum_ns = MS(1)}, "fifo takes no quantum_ns (it is 1000000)"},
		{{.class = SCHED_FIFO, .level = 3, .deadline_ns = MS(1)}, "fifo takes no deadline_ns"},
		{SCHED_PARAMS_RR(32, MS(1)), "rr: level is 32, not from 0 to 31"},
		{SCHED_PARAMS_RR(3, 0), "rr: quantum_ns is 0, not from 50000"},
		{SCHED_PARAMS_RR(3, SCHED_QUANTUM_MIN_NS - 1), "quantum_ns is 49999, not from 50000"},
		{{.class = SCHED_RR, .quantum_ns = MS(1), .deadline_ns = 1}, "rr takes no deadline_ns (it is 1)"},
		{SCHED_PARAMS_EDF(0), "edf: deadline_ns is 0, not from 1 to 1000000000000000"},
		{SCHED_PARAMS_EDF(SEC(1000001)), "deadline_ns is 1000001000000000"},
		{{.class = SCHED_EDF, .deadline_ns = MS(1), .level = 1}, "edf takes no level (it is 1)"},
		{{.class = SCHED_EDF, .deadline_ns = MS(1), .quantum_ns = 1}, "edf takes no quantum_ns (it is 1)"},
		{{.class = SCHED_CEDF, .deadline_ns = MS(1)}, "cedf: cpus is 0, not from 1"},
		{{.class = SCHED_CEDF, .cpus = 1}, "cedf: deadline_ns is 0"},
		{{.class = SCHED_FIFO, .cpus = 1ull << 63}, "fifo: cpus is 0x8000000000000000, which holds none"},
	};
	struct task *none = NULL;
	u64 blocks = kmalloc_stats().blocks;

	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		char why[SCHED_WHY_BYTES] = "";

		if (wrong[i].params.cpus >> 63 && cpu_count == CPUS_MAX)
			continue; /* here that CPU exists */
		CHECK_EQ(sched_validate(&wrong[i].params, why), ERR_INVAL);
		CHECK(strstr(why, wrong[i].expects));
		CHECK_EQ(TASK_SPAWN(&none, "wrong", ends, (struct ends){}, wrong[i].params),
			 ERR_INVAL);
		CHECK(!none);
	}
	for (unsigned class = 0; class <= SCHED_CLASSES + 1; class ++)
		if (!sched_policy_of(class))
			CHECK_EQ(TASK_SPAWN(&none, "wrong", ends, (struct ends){},
					    {.class = class}),
				 ERR_INVAL);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

static void limits_of_parameters(void)
{
	static const struct sched_params right[] = {
		SCHED_PARAMS_FIFO(0),  SCHED_PARAMS_FIFO(31),
		SCHED_PARAMS_EDF(1),   SCHED_PARAMS_EDF(SEC(1000000)),
		SCHED_PARAMS_CEDF(1, 1), SCHED_PARAMS_CEDF(SCHED_CPUS_ALL, SEC(1000000)),
		SCHED_PARAMS_RR(0, SCHED_QUANTUM_MIN_NS), SCHED_PARAMS_RR(31, SEC(10)),
	};

	for (unsigned i = 0; i < ARRAY_LEN(right); i++) {
		char why[SCHED_WHY_BYTES];

		CHECK_EQ(sched_validate(&right[i], why), 0);
		MUST(TASK_SPAWN(NULL, "right", ends, (struct ends){}, right[i]));
	}
}

static enum poll out_of_memory_is_an_error(void *frame)
{
	struct waits *me = frame;
	struct task *none = NULL;

	ASYNC_BEGIN(me);
	CHECK_EQ(task_spawn(&(struct task_spec){.name = "huge",
						.fn = ends,
						.frame = me,
						.frame_bytes = KMALLOC_MAX_BYTES,
						.params = LOW},
			    &none),
		 ERR_NOMEM);
	CHECK(!none);
	ASYNC_END(me);
}

/* Each wake of a waiting task is one poll. */
static enum poll wake_of_a_waiting_task(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;

	ASYNC_BEGIN(me);
	atomic_store_explicit(&polls, 0, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->a, "counts", counts,
			((struct counts){.polls = &polls, .ends_after = 21}), LOW));
	for (me->i = 1; me->i <= 20; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, US(200)));
		CHECK_EQ(polled(&polls), me->i);
		task_wake(me->a);
	}
	AWAIT(me, task_join(&me->join, me->a));
	CHECK_EQ(polled(&polls), 21);
	/* Dead: nothing happens. */
	task_wake(me->a);
	AWAIT(me, sleep_for(&me->sleep, US(200)));
	CHECK_EQ(polled(&polls), 21);
	task_put(me->a);
	ASYNC_END(me);
}

/* Wakes itself while it runs: polled again, as often as it asks and no more. */
struct wakes_itself {
	struct async async;
	_Atomic unsigned *polls;
};

static enum poll wakes_itself(void *frame)
{
	struct wakes_itself *me = frame;
	unsigned n = atomic_fetch_add_explicit(me->polls, 1, memory_order_release) + 1;

	if (n < 5) {
		task_wake(task_self());
		task_wake(task_self()); /* two are one: it has not run in between */
	}
	return n < 6 ? POLL_PENDING : POLL_READY;
}

static enum poll wake_of_the_running_task(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;

	ASYNC_BEGIN(me);
	atomic_store_explicit(&polls, 0, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->a, "itself", wakes_itself, ((struct wakes_itself){.polls = &polls}),
			LOW));
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(polled(&polls), 5);
	task_wake(me->a);
	AWAIT(me, task_join(&me->join, me->a));
	CHECK_EQ(polled(&polls), 6);
	task_put(me->a);
	ASYNC_END(me);
}

/*
 * One poll of the slow task takes long. The fast one wakes it in the middle of that, from
 * another CPU, or, where there is only one, after it has preempted it: in both cases it was not
 * waiting, and it must be polled again.
 */
struct slow {
	struct async async;
	_Atomic unsigned *polls;
	_Atomic bool *go_on;
};

static enum poll slow(void *frame)
{
	struct slow *me = frame;
	unsigned n = atomic_fetch_add_explicit(me->polls, 1, memory_order_release) + 1;

	/* acquire: pairs with the release in wake_in_the_middle_of_a_poll */
	while (n == 1 && !atomic_load_explicit(me->go_on, memory_order_acquire))
		;
	return n < 2 ? POLL_PENDING : POLL_READY;
}

static enum poll wake_in_the_middle_of_a_poll(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;
	static _Atomic bool go_on;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 5; me->i++) {
		atomic_store_explicit(&polls, 0, memory_order_relaxed);
		atomic_store_explicit(&go_on, false, memory_order_relaxed);
		MUST(TASK_SPAWN(&me->a, "slow", slow,
				((struct slow){.polls = &polls, .go_on = &go_on}), LOW));
		do
			AWAIT(me, sleep_for(&me->sleep, US(50)));
		while (!polled(&polls));
		task_wake(me->a);
		/* release: pairs with the acquire in slow */
		atomic_store_explicit(&go_on, true, memory_order_release);
		AWAIT(me, task_join(&me->join, me->a));
		CHECK_EQ(polled(&polls), 2);
		task_put(me->a);
	}
	ASYNC_END(me);
}

/* A wake of a task that waits for its turn is spent by that turn. */
static enum poll wake_of_a_ready_task(void *frame)
{
	struct waits *me = frame;
	static _Atomic unsigned polls;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0); /* it would run at once */
	atomic_store_explicit(&polls, 0, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->a, "ready", counts, ((struct counts){.polls = &polls, .ends_after = 3}),
			LOW));
	task_wake(me->a);
	CHECK_EQ(polled(&polls), 0);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(polled(&polls), 1);
	task_wake(me->a);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	CHECK_EQ(polled(&polls), 2);
	task_wake(me->a);
	AWAIT(me, task_join(&me->join, me->a));
	task_put(me->a);
	ASYNC_END(me);
}

/* Waits three times, and says each time that it runs. */
struct turns {
	struct async async;
	struct yield yield;
	int i;
	char letter;
};

static enum poll turns(void *frame)
{
	struct turns *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 3; me->i++) {
		happened(me->letter);
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

static enum poll yield_lets_equals_have_their_turn(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	nothing_happened();
	for (me->i = 0; me->i < 3; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "turns", turns,
				((struct turns){.letter = (char)('a' + me->i)}), LOW));
	MUST(TASK_SPAWN(&me->many[3], "turns", turns, ((struct turns){.letter = 'z'}),
			SCHED_PARAMS_FIFO(7)));
	for (me->i = 0; me->i < 4; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	CHECK_STR(order, "abcabcabczzz");
	ASYNC_END(me);
}

static enum poll yield_gives_nothing_to_lesser_ones(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count > 1)
		ASYNC_RETURN(me, 0);
	nothing_happened();
	for (me->i = 0; me->i < 2; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "turns", turns,
				((struct turns){.letter = (char)('a' + me->i)}),
				SCHED_PARAMS_FIFO((u8)(8 - me->i))));
	for (me->i = 0; me->i < 2; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	CHECK_STR(order, "aaabbb");
	ASYNC_END(me);
}

/* An exclusive resource of tasks on all CPUs: ids stay unique under concurrent spawns. */
struct spawner {
	struct async async;
	struct join join;
	struct task *child;
	unsigned i;
	u32 *ids;
};

static enum poll spawner(void *frame)
{
	struct spawner *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 8; me->i++) {
		MUST(TASK_SPAWN(&me->child, "child", ends, ((struct ends){.status = (int)me->i}),
				SCHED_PARAMS_FIFO(me->i * 3)));
		me->ids[me->i] = me->child->id;
		AWAIT(me, task_join(&me->join, me->child));
		CHECK_EQ(me->join.status, me->i);
		task_put(me->child);
	}
	ASYNC_END(me);
}

static enum poll spawns_from_everywhere(void *frame)
{
	struct waits *me = frame;
	static u32 ids[12][8];

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 12; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "spawner", spawner,
				((struct spawner){.ids = ids[me->i]}), LOW));
	for (me->i = 0; me->i < 12; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	for (unsigned i = 0; i < 96; i++)
		for (unsigned k = 0; k < i; k++)
			CHECK(ids[i / 8][i % 8] != ids[k / 8][k % 8]);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(join_gives_the_status), ASYNC(several_join_one), ASYNC(canceled_join),
	   ASYNC(ids_rise_and_tasks_are_listed), PLAIN(names_are_cut_to_fit), ASYNC(nothing_leaks),
	   PLAIN(malformed_parameters), PLAIN(limits_of_parameters),
	   ASYNC(out_of_memory_is_an_error), ASYNC(wake_of_a_waiting_task),
	   ASYNC(wake_of_the_running_task), ASYNC(wake_in_the_middle_of_a_poll),
	   ASYNC(wake_of_a_ready_task), ASYNC(yield_lets_equals_have_their_turn),
	   ASYNC(yield_gives_nothing_to_lesser_ones),
	   ASYNC(spawns_from_everywhere));
