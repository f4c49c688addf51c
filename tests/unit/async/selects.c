/*
 * Select and timeout: who is chosen, who is cancelled, how they nest; nothing is lost when
 * receivers and senders change their minds.
 * cpus: 1 4
 * seeds: 6
 */
#include "../test.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/select.h"
#include "trace/trace.h"
#include <stdatomic.h>

/* An awaitable that is ready when the test says so, and counts. */
struct probe {
	struct awaitable aw;
	bool ready;
	unsigned polls, cancels;
};

static enum poll probe_poll(struct awaitable *a)
{
	struct probe *p = CONTAINER_OF(a, struct probe, aw);

	p->polls++;
	return p->ready ? POLL_READY : POLL_PENDING;
}

static void probe_cancel(struct awaitable *a)
{
	CONTAINER_OF(a, struct probe, aw)->cancels++;
}

#define ARMS 5u
static struct probe probes[ARMS];
static struct awaitable *arms[ARMS];

static void setup(unsigned ready_mask)
{
	for (unsigned i = 0; i < ARMS; i++) {
		probes[i] = (struct probe){.aw = {probe_poll, probe_cancel, 0},
					   .ready = ready_mask >> i & 1};
		arms[i] = &probes[i].aw;
	}
}

static void biased_takes_the_first_that_is_ready(void)
{
	struct select s = {.count = 0};

	for (unsigned mask = 1; mask < 1u << ARMS; mask++) {
		setup(mask);
		CHECK_EQ(await_poll(select_biased(&s, arms, ARMS)), POLL_READY);
		CHECK_EQ(s.index, __builtin_ctz(mask));
		for (unsigned i = 0; i < ARMS; i++)
			CHECK_EQ(probes[i].cancels, i != s.index);
	}
	setup(0);
	CHECK_EQ(await_poll(select_biased(&s, arms, ARMS)), POLL_PENDING);
	CHECK_EQ(await_poll(&s.aw), POLL_PENDING);
	for (unsigned i = 0; i < ARMS; i++) {
		CHECK_EQ(probes[i].polls, 2);
		CHECK_EQ(probes[i].cancels, 0);
	}
	await_cancel(&s.aw);
	for (unsigned i = 0; i < ARMS; i++)
		CHECK_EQ(probes[i].cancels, 1);
}

/* Whatever else is ready now and then, an arm that always is, is chosen in ARMS selects. */
static void fair_starves_no_arm(void)
{
	u64 random = trace_descriptor.seed;

	for (unsigned round = 0; round < 50; round++) {
		struct select s = {.count = 0};
		unsigned always = 1u + (unsigned)test_below(&random, (1u << ARMS) - 1);
		unsigned since[ARMS] = {0};

		for (unsigned i = 0; i < 40; i++) {
			setup(always | (unsigned)test_below(&random, 1u << ARMS));
			CHECK_EQ(await_poll(select_fair(&s, arms, ARMS)), POLL_READY);
			CHECK(probes[s.index].ready);
			for (unsigned k = 0; k < ARMS; k++) {
				CHECK_EQ(probes[k].cancels, k != s.index);
				since[k] = k == s.index ? 0 : since[k] + 1;
				CHECK(!(always >> k & 1) || since[k] < ARMS);
			}
		}
	}
}

struct scene {
	struct async async;
	struct select select, inner;
	struct timeout timeout, outer;
	struct sleep sleep, sleep2;
	struct awaitable *arms[3], *inner_arms[2];
	struct join join;
	u64 begin_ns, random;
	unsigned i;
	struct task *tasks[12];
};

static enum poll the_time_limit_ends_it(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	setup(0);
	me->begin_ns = clock_ns();
	AWAIT(me, timeout_after(&me->timeout, arms[0], US(200)));
	CHECK_EQ(timeout_status(&me->timeout), ERR_TIMEOUT);
	CHECK(clock_ns() >= me->begin_ns + US(200));
	CHECK_EQ(probes[0].cancels, 1);

	AWAIT(me, timeout_after(&me->timeout, sleep_for(&me->sleep, US(100)), SEC(100)));
	CHECK_EQ(timeout_status(&me->timeout), 0);
	CHECK(clock_ns() < me->begin_ns + SEC(50));

	AWAIT(me, timeout_after(&me->timeout, sleep_for(&me->sleep, US(100)), TIME_NEVER));
	CHECK_EQ(timeout_status(&me->timeout), 0);

	/* What is ready at once is not too late, whatever the limit. */
	setup(1);
	AWAIT(me, timeout_after(&me->timeout, arms[0], 0));
	CHECK_EQ(timeout_status(&me->timeout), 0);
	CHECK_EQ(probes[0].cancels, 0);
	ASYNC_END(me);
}

/* A timeout around a select around a timeout and a select: the innermost time comes first. */
static enum poll they_nest(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	setup(0);
	me->inner_arms[0] = arms[0];
	me->inner_arms[1] = arms[1];
	me->arms[0] = sleep_for(&me->sleep, SEC(100));
	me->arms[1] = select_fair(&me->inner, me->inner_arms, 2);
	me->arms[2] = timeout_after(&me->timeout, arms[2], US(100));
	AWAIT(me, timeout_after(&me->outer, select_fair(&me->select, me->arms, 3), SEC(100)));
	CHECK_EQ(timeout_status(&me->outer), 0);
	CHECK_EQ(me->select.index, 2);
	CHECK_EQ(timeout_status(&me->timeout), ERR_TIMEOUT);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(probes[i].cancels, 1);
	CHECK(!me->sleep.task && !me->outer.sleep.task && !me->timeout.sleep.task);

	/* The outermost time comes first: all that is inside is cancelled. */
	setup(0);
	me->arms[0] = sleep_for(&me->sleep, SEC(100));
	me->arms[1] = select_fair(&me->inner, me->inner_arms, 2);
	me->arms[2] = timeout_after(&me->timeout, arms[2], SEC(100));
	AWAIT(me, timeout_after(&me->outer, select_fair(&me->select, me->arms, 3), US(100)));
	CHECK_EQ(timeout_status(&me->outer), ERR_TIMEOUT);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(probes[i].cancels, 1);
	CHECK(!me->sleep.task && !me->outer.sleep.task && !me->timeout.sleep.task);
	ASYNC_END(me);
}

/* Senders give up after a while and then try again; receivers select from two channels. Each
 * message must come out once, and nobody may wait for ever for one that is there. */
#define PAIRS    5u
#define MESSAGES 30u
static struct channel channels[2];
static u32 slots[2][4];
static _Atomic unsigned seen[PAIRS][MESSAGES];

struct sender {
	struct async async;
	struct channel_op op;
	struct timeout timeout;
	u64 random;
	u32 id, i, message;
};

static enum poll impatient_sender(void *frame)
{
	struct sender *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++) {
		me->message = me->id << 16 | me->i;
		do {
			AWAIT(me, timeout_after(&me->timeout,
						channel_send(&me->op,
							     &channels[test_below(&me->random, 2)],
							     &me->message),
						test_below(&me->random, US(20))));
		} while (timeout_status(&me->timeout));
		CHECK_EQ(me->op.status, 0);
	}
	ASYNC_END(me);
}

struct receiver {
	struct async async;
	struct channel_op ops[2];
	struct select select;
	struct timeout timeout;
	struct awaitable *arms[2];
	u64 random;
	u32 messages[2];
	bool closed[2];
	u32 open;
};

static enum poll selecting_receiver(void *frame)
{
	struct receiver *me = frame;

	ASYNC_BEGIN(me);
	while (!me->closed[0] || !me->closed[1]) {
		/* Not of a closed one, which is always ready: the task would spin, and on every CPU
		 * keep off the less urgent one that the other channel's message is for. */
		me->open = 0;
		for (unsigned i = 0; i < 2; i++)
			if (!me->closed[i])
				me->arms[me->open++] = channel_receive(&me->ops[i], &channels[i],
								       &me->messages[i]);
		AWAIT(me, timeout_after(&me->timeout, select_fair(&me->select, me->arms, me->open),
					me->closed[0] || me->closed[1]
						? SEC(1)
						: test_below(&me->random, US(20))));
		if (timeout_status(&me->timeout))
			continue;

		unsigned arm = me->closed[0] ? 1 : me->select.index;

		if (me->ops[arm].status)
			me->closed[arm] = true;
		else /* relaxed: read after the join */
			atomic_fetch_add_explicit(
				&seen[me->messages[arm] >> 16][me->messages[arm] & 0xffff], 1,
				memory_order_relaxed);
	}
	ASYNC_END(me);
}

static enum poll nothing_is_lost_by_giving_up(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	memset(seen, 0, sizeof seen);
	for (unsigned i = 0; i < 2; i++)
		channel_init(&channels[i], slots[i], 1 + (u32)test_below(&me->random, 4),
			     sizeof(u32));
	for (u32 i = 0; i < PAIRS; i++) {
		MUST(TASK_SPAWN(&me->tasks[i], "sends", impatient_sender,
				((struct sender){.id = i, .random = test_random(&me->random)}),
				SCHED_PARAMS_FIFO((u8)test_below(&me->random, 20))));
		MUST(TASK_SPAWN(&me->tasks[PAIRS + i], "receives", selecting_receiver,
				((struct receiver){.random = test_random(&me->random)}),
				SCHED_PARAMS_RR((u8)test_below(&me->random, 3), US(50))));
	}
	for (me->i = 0; me->i < 2 * PAIRS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
		if (me->i + 1 == PAIRS) {
			channel_close(&channels[0]);
			channel_close(&channels[1]);
		}
	}
	for (unsigned i = 0; i < PAIRS * MESSAGES; i++)
		CHECK_EQ(seen[i / MESSAGES][i % MESSAGES], 1);
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(biased_takes_the_first_that_is_ready), PLAIN(fair_starves_no_arm),
	   ASYNC(the_time_limit_ends_it), ASYNC(they_nest), ASYNC(nothing_is_lost_by_giving_up));
