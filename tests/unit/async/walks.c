/*
 * Random walks through protocols: two tasks, each with an end, choose what they send by the
 * tables, give up and try again, come late. One of them may leave, do what is wrong, fault, or be
 * killed. Each keeps a diary, and an observer compares them.
 * cpus: 1 4
 * seeds: 25
 */
#include "../test.h"
#include "async/join.h"
#include "library.session.h"
#include "mm/kmalloc.h"
#include "small.session.h"
#include "task/fault.h"
#include "trace/trace.h"
#include <stdatomic.h>

#define DIARY     200u
#define ROUNDS    (2u * MOODS)
#define NO_STATUS 1 /* of an end whose task died */

enum mood { FOLLOWS, LEAVES, BREAKS, FAULTS, IS_KILLED, MOODS };

struct walker {
	struct async async;
	struct timeout timeout;
	struct sleep sleep;
	union {
		struct session_end end;
		struct walk_client as_client;
		struct walk_server as_server;
	};
	struct session *session;
	u64 random;
	u32 number;  /* of the next message */
	u32 mood_at; /* the step at which the mood shows */
	struct walk_back message, got;
	u8 mood, role, wanted;
	bool sends;
};

/* What an end did: messages sent and received, in its order. */
struct diary {
	u32 count;
	int status;
	u8 message[DIARY];
	u32 number[DIARY];
};

static struct diary diaries[2];
static _Atomic unsigned begun;

static void note(struct walker *me, u32 number)
{
	struct diary *d = &diaries[me->role];

	CHECK(d->count < DIARY);
	if (d->count == DIARY)
		return;
	d->message[d->count] = me->end.message;
	d->number[d->count++] = number;
}

static const struct session_state *here(const struct walker *me)
{
	return &me->end.protocol->states[me->end.state];
}

/* A message that may not be sent now: of another state, or any when it is not this end's turn. */
static u8 wrong_message(struct walker *me)
{
	u8 message;
	bool right;

	do {
		message = (u8)test_below(&me->random, ARRAY_LEN(walk_messages));
		right = false;
		for (u32 i = 0; me->sends && i < here(me)->arcs; i++)
			right |= walk_arcs[here(me)->first + i].message == message;
	} while (right);
	return message;
}

/* The next step, at random; the walk goes back to the client's choice often enough to be long. */
static struct awaitable *step(struct walker *me)
{
	const struct session_state *s = here(me);

	me->sends = s->sender == me->role;
	me->message = (struct walk_back){.number = me->number};
	if (me->mood == BREAKS && me->number >= me->mood_at) {
		me->wanted = wrong_message(me);
		return &session_send(SESSION_HERE, &me->end, SESSION_WHICHEVER, me->wanted,
				     &me->message)
				->aw;
	}
	if (me->mood == FAULTS && me->number >= me->mood_at)
		panic("as it must be");
	if (!me->sends)
		return &session_receive(SESSION_HERE, &me->end, SESSION_WHICHEVER, &me->got)->aw;
	me->wanted = walk_arcs[s->first + test_below(&me->random, s->arcs)].message;
	return &session_send(SESSION_HERE, &me->end, SESSION_WHICHEVER, me->wanted, &me->message)
			->aw;
}

static enum poll walks(void *frame)
{
	struct walker *me = frame;

	ASYNC_BEGIN(me);
	if (me->role == SESSION_CLIENT)
		CHECK(walk_begin(&me->as_client, me->session));
	else
		CHECK(walk_begin(&me->as_server, me->session));
	atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed);
	while (me->end.session && me->number < DIARY) {
		if (me->mood == LEAVES && me->number >= me->mood_at) {
			session_leave(&me->end);
			break;
		}
		if (!test_below(&me->random, 4))
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(8))));
		AWAIT(me,
		      timeout_after(&me->timeout, step(me),
				    test_below(&me->random, 2) ? SEC(1)
							       : test_below(&me->random, US(4))));
		if (timeout_status(&me->timeout) || !me->end.next)
			continue; /* it did not happen, or all is over */
		note(me, me->sends ? me->number : me->got.number);
		me->number++;
	}
	if (me->end.session)
		session_leave(&me->end);
	diaries[me->role].status = session_status(&me->end);
	ASYNC_END(me);
}

/* Both saw the same messages in the same order, up to those that one sent and nobody received. */
static void compare(const struct diary *a, const struct diary *b)
{
	u32 common = MIN(a->count, b->count);

	for (u32 i = 0; i < common; i++) {
		CHECK_EQ(a->message[i], b->message[i]);
		CHECK_EQ(a->number[i], i);
		CHECK_EQ(b->number[i], i);
	}
}

/* By another way than the monitor's: the diary is a word of the protocol, as its text says. */
static void check_word(const struct diary *d)
{
	enum { STEP, TURN, BACK, STOP, STAY };
	enum { GOING, HALF, TURNED, STAYED, STOPPED, OVER } at = GOING;

	for (u32 i = 0; i < d->count; i++) {
		u8 m = d->message[i];

		CHECK(at != OVER);
		if (at == GOING) {
			CHECK(m == STEP || m == TURN || m == STOP);
			at = m == STEP ? HALF : m == TURN ? TURNED : STOPPED;
		} else if (at == TURNED) {
			CHECK(m == BACK || m == STAY || m == STOP);
			at = m == BACK ? GOING : m == STAY ? STAYED : OVER;
		} else {
			CHECK_EQ(m, at == STOPPED ? STOP : STEP);
			at = at == HALF ? GOING : at == STAYED ? TURNED : OVER;
		}
	}
}

static void judge(unsigned mood, u64 breaks)
{
	const struct diary *c = &diaries[SESSION_CLIENT], *s = &diaries[SESSION_SERVER];
	struct session_break b;
	u64 more = session_last_break(&b) - breaks;

	compare(c, s);
	check_word(c->count > s->count ? c : s);
	if (c->status == NO_STATUS || s->status == NO_STATUS) {
		int survivor = c->status == NO_STATUS ? s->status : c->status;

		CHECK(mood == FAULTS || mood == IS_KILLED);
		CHECK(survivor == ERR_CLOSED || !survivor);
		CHECK(!more);
		return;
	}
	if (c->status != s->status) /* one had reached the end before */
		CHECK(!c->status || !s->status);
	if (mood == FOLLOWS && c->count < DIARY && s->count < DIARY) {
		CHECK_EQ(c->status, 0);
		CHECK_EQ(s->status, 0);
		CHECK_EQ(c->count, s->count);
	}
	CHECK(more <= (mood == BREAKS));
	CHECK_EQ(c->status == ERR_PROTOCOL || s->status == ERR_PROTOCOL, more == 1);
	if (more)
		CHECK_EQ(b.act, SESSION_SEND);
}

struct walk {
	struct async async;
	struct join join;
	struct session *session;
	struct task *walkers[2];
	struct sleep sleep;
	u64 random, breaks, blocks;
	unsigned round, i;
	u8 mood, who;
};

static void expect_end(const struct walk *me)
{
	int status = me->join.status;

	if (me->i != me->who || (me->mood != FAULTS && me->mood != IS_KILLED))
		CHECK_EQ(status, 0);
	else
		CHECK(!status || status == (me->mood == FAULTS ? ERR_FAULT : ERR_KILLED));
	CHECK_EQ(!status, diaries[me->i].status != NO_STATUS);
}

static enum poll two_ends_agree(void *frame)
{
	struct walk *me = frame;
	struct session_break b;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	for (me->round = 0; me->round < ROUNDS; me->round++) {
		me->mood = (u8)(me->round % MOODS);
		me->who = (u8)test_below(&me->random, 2);
		me->breaks = session_last_break(&b);
		memset(diaries, 0, sizeof diaries);
		diaries[0].status = diaries[1].status = NO_STATUS;
		atomic_store_explicit(&begun, 0, memory_order_relaxed);
		me->blocks = kmalloc_stats().blocks;
		MUST(session_make(&walk_protocol, &me->session));
		for (me->i = 0; me->i < 2; me->i++)
			MUST(TASK_SPAWN(
				&me->walkers[me->i], "walker", walks,
				((struct walker){.role = (u8)me->i,
						 .session = me->session,
						 .mood = me->i == me->who ? me->mood : FOLLOWS,
						 .mood_at = (u32)test_below(&me->random, 12),
						 .random = test_random(&me->random)}),
				SCHED_PARAMS_FIFO(15)));
		while (atomic_load_explicit(&begun, memory_order_relaxed) < 2)
			AWAIT(me, sleep_for(&me->sleep, US(1)));
		if (me->mood == IS_KILLED) {
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(20))));
			test_kill(me->walkers[me->who]);
		}
		for (me->i = 0; me->i < 2; me->i++) {
			AWAIT(me, task_join(&me->join, me->walkers[me->i]));
			expect_end(me);
			task_put(me->walkers[me->i]);
		}
		judge(me->mood, me->breaks);
		AWAIT(me, sleep_for(&me->sleep, MS(1))); /* the executor's last references */
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(two_ends_agree));
