/*
 * One-shots, mailboxes and intervals: each message once and in order, the end seen by all; ticks
 * when they are due, and after late ones.
 * cpus: 1 4
 * seeds: 6
 */
#include "../test.h"
#include "async/interval.h"
#include "async/join.h"
#include "async/mailbox.h"
#include "async/oneshot.h"
#include "async/select.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define TASKS 4u
#define MAILS 40u

static void a_oneshot_carries_one_message(void)
{
	u32 slot, sent = 7, got = 0;
	struct channel c;
	struct channel_op op;

	oneshot_init(&c, &slot, sizeof slot);
	CHECK_EQ(await_poll(channel_receive(&op, &c, &got)), POLL_PENDING);
	CHECK_EQ(oneshot_send(&c, &sent), 0);
	sent = 8;
	CHECK_EQ(oneshot_send(&c, &sent), ERR_CLOSED);
	oneshot_drop(&c); /* what was sent stays there */
	CHECK_EQ(await_poll(&op.aw), POLL_READY);
	CHECK_EQ(op.status, 0);
	CHECK_EQ(got, 7);
	CHECK_EQ(await_poll(channel_receive(&op, &c, &got)), POLL_READY);
	CHECK_EQ(op.status, ERR_CLOSED);

	oneshot_init(&c, &slot, sizeof slot);
	CHECK_EQ(await_poll(channel_receive(&op, &c, &got)), POLL_PENDING);
	oneshot_drop(&c);
	CHECK_EQ(await_poll(&op.aw), POLL_READY);
	CHECK_EQ(op.status, ERR_CLOSED);
	CHECK_EQ(oneshot_send(&c, &sent), ERR_CLOSED);
}

struct letter {
	struct list link;
	u32 from, number;
};

static struct letter letters[TASKS][MAILS];
static struct mailbox mailbox;

static struct letter *take(void)
{
	struct list *link = mailbox_take(&mailbox);

	return link ? LIST_ENTRY(link, struct letter, link) : NULL;
}

static void a_mailbox_keeps_the_order(void)
{
	struct letter *l = letters[0];
	struct wait w[2];

	mailbox_init(&mailbox);
	CHECK_EQ(await_poll(mailbox_wait(&w[0], &mailbox)), POLL_PENDING);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(mailbox_send(&mailbox, &l[i].link), 0);
	await_cancel(&w[0].aw); /* it was told, and leaves the message to the next */
	mailbox_close(&mailbox);
	mailbox_close(&mailbox);
	CHECK_EQ(mailbox_send(&mailbox, &l[3].link), ERR_CLOSED);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(await_poll(mailbox_wait(&w[0], &mailbox)), POLL_READY);
		CHECK(take() == &l[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(await_poll(mailbox_wait(&w[1], &mailbox)), POLL_READY);
		CHECK(!take());
	}
}

static void closing_a_mailbox_ends_every_wait(void)
{
	struct wait w[3];

	mailbox_init(&mailbox);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(await_poll(mailbox_wait(&w[i], &mailbox)), POLL_PENDING);
	mailbox_close(&mailbox);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(await_poll(&w[i].aw), POLL_READY);
		CHECK(!take());
	}
}

struct writer {
	struct async async;
	struct sleep sleep;
	u64 random;
	u32 id, i;
};

static enum poll writes(void *frame)
{
	struct writer *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MAILS; me->i++) {
		letters[me->id][me->i] = (struct letter){.from = me->id, .number = me->i};
		CHECK_EQ(mailbox_send(&mailbox, &letters[me->id][me->i].link), 0);
		if (!test_below(&me->random, 4))
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(5))));
	}
	ASYNC_END(me);
}

struct reader {
	struct async async;
	struct wait wait;
	struct timeout timeout;
	u64 random;
	u32 next[TASKS]; /* the least number that can still come from each */
};

static _Atomic unsigned read_count;

static enum poll reads(void *frame)
{
	struct reader *me = frame;
	struct letter *l;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me,
		      timeout_after(&me->timeout, mailbox_wait(&me->wait, &mailbox),
				    test_below(&me->random, 3) ? SEC(100)
							       : test_below(&me->random, US(5))));
		if (timeout_status(&me->timeout))
			continue;
		l = take();
		if (!l)
			break;
		CHECK(l->number >= me->next[l->from]);
		me->next[l->from] = l->number + 1;
		CHECK(list_empty(&l->link));
		/* relaxed: read after the join */
		atomic_fetch_add_explicit(&read_count, 1, memory_order_relaxed);
	}
	ASYNC_END(me);
}

struct scene {
	struct async async;
	struct interval interval;
	struct timeout timeout;
	struct join join;
	struct task *tasks[2 * TASKS];
	u64 random, begin_ns;
	unsigned i;
};

static enum poll each_mail_arrives_once(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	mailbox_init(&mailbox);
	read_count = 0;
	for (u32 i = 0; i < TASKS; i++) {
		MUST(TASK_SPAWN(&me->tasks[i], "writes", writes,
				((struct writer){.id = i, .random = test_random(&me->random)}),
				SCHED_PARAMS_FIFO((u8)test_below(&me->random, 20))));
		MUST(TASK_SPAWN(&me->tasks[TASKS + i], "reads", reads,
				((struct reader){.random = test_random(&me->random)}),
				SCHED_PARAMS_RR((u8)test_below(&me->random, 20), US(50))));
	}
	for (me->i = 0; me->i < 2 * TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
		if (me->i + 1 == TASKS)
			mailbox_close(&mailbox);
	}
	CHECK_EQ(read_count, TASKS * MAILS);
	ASYNC_END(me);
}

#define PERIOD_NS US(40)

/* The tick that was due at @p due_ns was taken between @p before_ns and @p after_ns. */
static void check_next(const struct interval *i, u64 due_ns, u64 before_ns, u64 after_ns)
{
	u64 next_ns = i->next_ns;

	CHECK_EQ(i->due_ns, due_ns);
	if (after_ns - due_ns < PERIOD_NS || i->missed == INTERVAL_BURST) {
		CHECK_EQ(next_ns, due_ns + PERIOD_NS);
	} else if (before_ns - due_ns >= PERIOD_NS) {
		CHECK(next_ns > before_ns && next_ns <= after_ns + PERIOD_NS);
		if (i->missed == INTERVAL_SKIP)
			CHECK_EQ((next_ns - due_ns) % PERIOD_NS, 0);
		else
			CHECK(next_ns >= before_ns + PERIOD_NS);
	}
}

static void late_ticks_are_made_up_for_shifted_or_left_out(void)
{
	u64 random = trace_descriptor.seed;
	struct interval i;

	for (unsigned mode = INTERVAL_BURST; mode <= INTERVAL_SKIP; mode++) {
		interval_init(&i, clock_ns() + US(5), PERIOD_NS, (enum interval_missed)mode);
		for (unsigned tick = 0; tick < 20; tick++) {
			u64 due_ns = i.next_ns, before_ns;
			u64 late_ns =
				test_below(&random, 2) ? test_below(&random, 4 * PERIOD_NS) : 0;

			while (clock_ns() < due_ns + late_ns)
				arch_relax();
			before_ns = clock_ns();
			CHECK_EQ(await_poll(interval_tick(&i)), POLL_READY);
			check_next(&i, due_ns, before_ns, clock_ns());
		}
	}
}

/* None before its time, at even distances; who gives up finds the same tick again. */
static enum poll ticks_come_when_they_are_due(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->begin_ns = clock_ns() + US(100);
	interval_init(&me->interval, me->begin_ns, MS(1), INTERVAL_BURST);
	for (me->i = 0; me->i < 5; me->i++) {
		AWAIT(me, timeout_after(&me->timeout, interval_tick(&me->interval), US(1)));
		if (timeout_status(&me->timeout))
			AWAIT(me, interval_tick(&me->interval));
		CHECK_EQ(me->interval.due_ns, me->begin_ns + me->i * MS(1));
		CHECK(clock_ns() >= me->interval.due_ns);
	}
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(a_oneshot_carries_one_message), PLAIN(a_mailbox_keeps_the_order),
	   PLAIN(closing_a_mailbox_ends_every_wait), ASYNC(each_mail_arrives_once),
	   PLAIN(late_ticks_are_made_up_for_shifted_or_left_out),
	   ASYNC(ticks_come_when_they_are_due));
