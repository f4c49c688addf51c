/*
 * The async macros, polled by hand: an async function goes on where it stopped, wherever that is.
 * cpus: 1
 */
#include "../test.h"
#include "async/async.h"

/* Ready at the poll number `at`; counts its polls. */
struct later {
	struct awaitable aw;
	unsigned polls, at;
};

static enum poll later_poll(struct awaitable *a)
{
	struct later *l = CONTAINER_OF(a, struct later, aw);

	return ++l->polls >= l->at ? POLL_READY : POLL_PENDING;
}

static void later_cancel(struct awaitable *a)
{
	(void)a;
}

static unsigned made; /* how often an awaitable was made: its expression is evaluated once */

static struct awaitable *later(struct later *l, unsigned at)
{
	made++;
	*l = (struct later){.aw = {later_poll, later_cancel, TRACE_await_kind_other}, .at = at};
	return &l->aw;
}

/* What was done, one letter each. */
static char done[64];

static void did(char what)
{
	usize n = strlen(done);

	ASSERT(n + 1 < sizeof done);
	done[n] = what;
}

struct frame {
	struct async async;
	struct later l, m;
	int i, k, what;
	struct {
		struct async async;
		struct later l;
		int depth;
		struct {
			struct async async;
			struct later l;
			int depth;
		} inner;
	} child;
};

/* Polls to the end; how many polls it took. */
static unsigned finish(enum poll (*fn)(void *), void *frame)
{
	unsigned n = 1;

	memset(done, 0, sizeof done);
	made = 0;
	while (fn(frame) == POLL_PENDING)
		ASSERT(++n < 100);
	return n;
}

static enum poll straight(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	did('a');
	AWAIT(me, later(&me->l, 3));
	did('b');
	AWAIT(me, later(&me->l, 1));
	did('c');
	ASYNC_END(me);
}

static void one_after_the_other(void)
{
	struct frame f = {.i = 0};

	CHECK_EQ(finish(straight, &f), 3);
	CHECK_STR(done, "abc");
	CHECK_EQ(made, 2);
	CHECK_EQ(f.async.status, 0);
	/* The frame is as good as new. */
	CHECK_EQ(finish(straight, &f), 3);
	CHECK_STR(done, "abc");
}

static enum poll in_loops(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2; me->i++) {
		me->k = 0;
		do {
			did((char)('0' + me->k));
			AWAIT(me, later(&me->l, 2));
			if (me->k == 1)
				continue;
			did('x');
		} while (++me->k < 3);
		while (me->k > 0) {
			AWAIT(me, later(&me->l, 2));
			if (--me->k == 1)
				break;
		}
		did('|');
	}
	ASYNC_END(me);
}

static void awaits_in_loops(void)
{
	struct frame f = {.i = 0};

	CHECK_EQ(finish(in_loops, &f), 11);
	CHECK_STR(done, "0x12x|0x12x|");
}

static enum poll in_switch(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	switch (me->what) {
	case 1:
		did('1');
		AWAIT(me, later(&me->l, 2));
		did('!');
		break;
	case 2:
		AWAIT(me, later(&me->l, 2));
		did('2');
		/* fall through */
	case 3:
		switch (me->what) {
		case 2: AWAIT(me, later(&me->l, 2)); did('i'); break;
		default: AWAIT(me, later(&me->l, 2)); did('o');
		}
		break;
	default: did('d'); AWAIT(me, later(&me->l, 2));
	}
	did('e');
	ASYNC_END(me);
}

static void awaits_in_switch(void)
{
	static const char *const expected[] = {"de", "1!e", "2ie", "oe"};
	static const unsigned polls[] = {2, 2, 3, 2};

	for (int what = 0; what < 4; what++) {
		struct frame f = {.what = what};

		CHECK_EQ(finish(in_switch, &f), polls[what]);
		CHECK_STR(done, expected[what]);
	}
}

static enum poll in_nested_blocks(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	if (me->what) {
		{
			{
				did('a');
				AWAIT(me, later(&me->l, 2));
			}
			if (me->what > 1)
				AWAIT(me, later(&me->l, 3));
			else
				did('b');
		}
	} else
		AWAIT(me, later(&me->l, 2));
	did('c');
	ASYNC_END(me);
}

static void awaits_in_nested_blocks(void)
{
	struct frame f0 = {.what = 0}, f1 = {.what = 1}, f2 = {.what = 2};

	CHECK_EQ(finish(in_nested_blocks, &f0), 2);
	CHECK_STR(done, "c");
	CHECK_EQ(finish(in_nested_blocks, &f1), 2);
	CHECK_STR(done, "abc");
	CHECK_EQ(finish(in_nested_blocks, &f2), 4);
	CHECK_STR(done, "ac");
}

static enum poll on_one_line(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, later(&me->l, 2)); did('a'); AWAIT(me, later(&me->m, 3)); did('b');
	ASYNC_END(me);
}

static void two_awaits_on_one_line(void)
{
	struct frame f = {.i = 0};

	CHECK_EQ(finish(on_one_line, &f), 4);
	CHECK_STR(done, "ab");
}

static enum poll innermost(void *frame)
{
	struct {
		struct async async;
		struct later l;
		int depth;
	} *me = frame;

	ASYNC_BEGIN(me);
	did('[');
	AWAIT(me, later(&me->l, 2));
	did(']');
	ASYNC_RETURN(me, 5);
}

static enum poll inner(void *frame)
{
	typeof(((struct frame *)NULL)->child) *me = frame;

	ASYNC_BEGIN(me);
	did('(');
	AWAIT(me, later(&me->l, 2));
	AWAIT_CALL(me, innermost, &me->inner);
	AWAIT_CALL(me, innermost, &me->inner);
	did(')');
	ASYNC_RETURN(me, me->inner.async.status + 1);
}

static enum poll outer(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2; me->i++)
		AWAIT_CALL(me, inner, &me->child);
	ASYNC_RETURN(me, me->child.async.status + 1);
}

static void calls_in_calls(void)
{
	struct frame f = {.i = 0};

	CHECK_EQ(finish(outer, &f), 7);
	CHECK_STR(done, "([][])([][])");
	CHECK_EQ(f.async.status, 7);
}

static enum poll returns_early(void *frame)
{
	struct frame *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, later(&me->l, 2));
		if (++me->i == 3)
			ASYNC_RETURN(me, -9);
	}
	ASYNC_END(me);
}

static void early_return(void)
{
	struct frame f = {.i = 0};

	CHECK_EQ(finish(returns_early, &f), 4);
	CHECK_EQ(f.async.status, -9);
	f.i = 0;
	CHECK_EQ(finish(returns_early, &f), 4);
}

/* Ready at once: no poll is lost to it. */
static void ready_at_once(void)
{
	struct frame f = {.i = 0};
	struct later l;

	CHECK_EQ(await_poll(later(&l, 1)), POLL_READY);
	f.what = 0;
	memset(done, 0, sizeof done);
	CHECK_EQ(straight(&f), POLL_PENDING);
	CHECK_STR(done, "a");
	CHECK(f.async.awaiting == &f.l.aw);
	f.l.at = 0;
	CHECK_EQ(straight(&f), POLL_READY);
	CHECK_STR(done, "abc");
}

/* Two frames of one function do not know of each other. */
static void frames_are_apart(void)
{
	struct frame f = {.i = 0}, g = {.i = 0};

	memset(done, 0, sizeof done);
	CHECK_EQ(straight(&f), POLL_PENDING);
	CHECK_EQ(straight(&g), POLL_PENDING);
	CHECK_EQ(straight(&f), POLL_PENDING);
	CHECK_EQ(straight(&f), POLL_READY);
	CHECK_EQ(straight(&g), POLL_PENDING);
	CHECK_EQ(straight(&g), POLL_READY);
	CHECK_STR(done, "aabcbc");
}

TESTS_MAIN(PLAIN(one_after_the_other), PLAIN(awaits_in_loops), PLAIN(awaits_in_switch),
	   PLAIN(awaits_in_nested_blocks), PLAIN(two_awaits_on_one_line), PLAIN(calls_in_calls),
	   PLAIN(early_return), PLAIN(ready_at_once), PLAIN(frames_are_apart));
