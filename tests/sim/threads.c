/*
 * For the debugger: tasks that run, wait in a call of a call, and are preempted in the middle of a
 * poll, until the timer has come ten times.
 */
#include "apps/app.h"
#include "async/async.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "board/board.h"
#include "core/time.h"
#include "services/burn.h"
#include "task/task.h"

struct nap {
	struct async async;
	struct sleep sleep;
};

static enum poll naps(void *frame)
{
	struct nap *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, US(30)));
	ASYNC_END(me);
}

struct nest {
	struct async async;
	struct nap nap;
};

static enum poll nests(void *frame)
{
	struct nest *me = frame;

	ASYNC_BEGIN(me);
	for (;;)
		AWAIT_CALL(me, naps, &me->nap);
	ASYNC_END(me);
}

struct clock {
	struct async async;
	struct sleep sleep;
	unsigned rounds;
};

static enum poll ticks(void *frame)
{
	struct clock *me = frame;

	ASYNC_BEGIN(me);
	for (me->rounds = 0; me->rounds < 10; me->rounds++)
		AWAIT(me, sleep_for(&me->sleep, US(50)));
	board_exit(0);
	ASYNC_END(me);
}

static enum poll burns(void *frame)
{
	(void)frame;
	for (;;)
		burn_ns(US(60));
	return POLL_READY;
}

static enum poll once(void *frame)
{
	(void)frame;
	burn_ns(US(60));
	return POLL_READY;
}

void app_main(const char *cmdline)
{
	(void)cmdline;
	if (TASK_SPAWN(NULL, "once", once, (struct async){}, SCHED_PARAMS_FIFO(1)) ||
	    TASK_SPAWN(NULL, "nest", nests, (struct nest){}, SCHED_PARAMS_FIFO(20)) ||
	    TASK_SPAWN(NULL, "clock", ticks, (struct clock){}, SCHED_PARAMS_EDF(US(50))) ||
	    TASK_SPAWN(NULL, "burn", burns, (struct async){}, SCHED_PARAMS_RR(4, US(50))) ||
	    TASK_SPAWN(NULL, "burn", burns, (struct async){}, SCHED_PARAMS_RR(4, US(50))) ||
	    TASK_SPAWN(NULL, "burn", burns, (struct async){}, SCHED_PARAMS_RR(4, US(50))))
		panic("cannot spawn");
}
