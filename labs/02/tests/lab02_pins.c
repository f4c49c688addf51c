/* A task that computes, and timers that strike: the pins ask about interrupts. */
#include "../../../tests/unit/test.h"
#include "async/sleep.h"
#include "core/time.h"
#include "services/burn.h"

#define TIMERS_MAX 12u

static struct timer timers[TIMERS_MAX];

static void strikes(struct timer *t)
{
	(void)t;
}

struct scene {
	struct async async;
	struct sleep sleep;
	u64 random;
	unsigned n;
};

static enum poll struck_while_it_computes(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	me->n = 3 + (unsigned)test_below(&me->random, TIMERS_MAX - 2);
	for (unsigned i = 0; i < me->n; i++) {
		timer_init(&timers[i], strikes);
		timer_arm(&timers[i], clock_ns() + US(50) * (i + 1));
	}
	burn_ns(US(50) * TIMERS_MAX + US(100));
	AWAIT(me, sleep_for(&me->sleep, US(10)));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(struck_while_it_computes));
