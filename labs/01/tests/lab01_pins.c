/* Somebody types a line, and a task reads it: the pins ask how often it was woken, and for what. */
#include "../../../tests/unit/test.h"
#include "async/join.h"
#include "core/time.h"
#include "reader.h"

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
		AWAIT(me, console_read(&me->read));
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
