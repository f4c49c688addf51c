#include "services/supervisor.h"
#include "async/async.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/log.h"
#include "core/time.h"

struct supervisor {
	struct async async;
	struct task_spec spec;
	struct supervision how;
	struct task *task;
	struct join join;
	struct sleep sleep;
	u64 began_ns;
	u32 falls; /* in a row */
	int err;
};

static u64 pause_ns(const struct supervisor *me)
{
	u64 ns = me->how.pause_ns;

	for (u32 i = 1; i < me->falls && ns < me->how.pause_max_ns; i++)
		ns *= 2;
	return MIN(ns, me->how.pause_max_ns);
}

static enum poll supervisor(void *frame)
{
	struct supervisor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		me->began_ns = clock_ns();
		me->err = task_spawn(&me->spec, &me->task);
		if (me->err)
			ASYNC_RETURN(me, me->err);
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
		if (me->join.status != ERR_FAULT)
			ASYNC_RETURN(me, me->join.status);
		if (clock_ns() - me->began_ns >= me->how.steady_ns)
			me->falls = 0;
		if (++me->falls > me->how.restarts_max) {
			klog("%s fell %u times in a row and is given up", me->spec.name, me->falls);
			ASYNC_RETURN(me, ERR_FAULT);
		}
		klog("%s fell, restart %u of %u in %lu us", me->spec.name, me->falls,
		     me->how.restarts_max, (pause_ns(me) / NS_PER_US));
		AWAIT(me, sleep_for(&me->sleep, pause_ns(me)));
	}
	ASYNC_END(me);
}

int supervise(const struct task_spec *spec, const struct supervision *how, struct task **handle)
{
	return TASK_SPAWN(handle, "supervisor", supervisor,
			  ((struct supervisor){.spec = *spec, .how = *how}), SCHED_PARAMS_FIFO(29));
}
