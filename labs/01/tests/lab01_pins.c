/* Somebody types a line, and a task reads it: the pins ask how often it was woken, and for what. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "core/console.h"
#include "core/time.h"

static struct timer keys;
static struct task *reader;
static u64 keys_random;
static u32 left;

static void keys_strike(struct timer *t)
{
	u32 n = MIN(left, 1 + (u32)test_below(&keys_random, 5));

	left -= n;
	console_input("abcde", n);
	if (left)
		timer_arm(t, clock_ns() + US(20) + test_below(&keys_random, US(100)));
}

struct console_read {
	struct awaitable aw;
	char byte;
};

static enum poll read_poll(struct awaitable *a)
{
	return console_take(&CONTAINER_OF(a, struct console_read, aw)->byte) ? POLL_READY
									     : POLL_PENDING;
}

static void read_cancel(struct awaitable *a)
{
	(void)a;
}

struct reads {
	struct async async;
	struct console_read read;
	u32 n;
};

static enum poll reads(void *frame)
{
	struct reads *me = frame;

	ASYNC_BEGIN(me);
	for (; me->n; me->n--) {
		me->read.aw = (struct awaitable){read_poll, read_cancel, TRACE_await_kind_console};
		AWAIT(me, &me->read.aw);
	}
	ASYNC_END(me);
}

static void arrived(void *arg)
{
	(void)arg;
	task_wake(reader);
}

struct scene {
	struct async async;
	struct join join;
};

static enum poll somebody_types(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	keys_random = trace_descriptor.seed;
	left = 20 + (u32)test_below(&keys_random, 30);
	MUST(TASK_SPAWN(&reader, "reader", reads, ((struct reads){.n = left}),
			SCHED_PARAMS_FIFO(18)));
	console_on_input(arrived, NULL);
	timer_init(&keys, keys_strike);
	timer_arm(&keys, clock_ns() + US(100));
	AWAIT(me, task_join(&me->join, reader));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(somebody_types));
