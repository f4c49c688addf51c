/* periodic.h: a task that computes for a time in each of its periods. */
#pragma once

#include "async/sleep.h"
#include "services/burn.h"

struct periodic {
	struct async async;
	struct sleep sleep;
	u64 period_ns, work_ns, next_ns, stop_ns;
};

static enum poll periodic(void *frame)
{
	struct periodic *me = frame;

	ASYNC_BEGIN(me);
	for (; me->next_ns < me->stop_ns; me->next_ns += me->period_ns) {
		AWAIT(me, sleep_until(&me->sleep, me->next_ns));
		burn_ns(me->work_ns);
	}
	ASYNC_END(me);
}
