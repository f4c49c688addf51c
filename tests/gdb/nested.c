/* An async function that waits in one it called: what `fermata bt` shows as two steps. */
#include "apps/app.h"
#include "async/async.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "board/board.h"

struct inner {
	struct async async;
	struct sleep sleep;
};

static enum poll inner(void *frame)
{
	struct inner *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, MS(2)));
	ASYNC_END(me);
}

struct outer {
	struct async async;
	struct sleep sleep;
	struct inner inner;
};

static enum poll outer(void *frame)
{
	struct outer *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	AWAIT_CALL(me, inner, &me->inner);
	board_exit(0);
	ASYNC_END(me);
}

void app_main(const char *cmdline)
{
	(void)cmdline;
	if (TASK_SPAWN(NULL, "outer", outer, (struct outer){}, SCHED_PARAMS_FIFO(1)))
		panic("cannot spawn");
}
