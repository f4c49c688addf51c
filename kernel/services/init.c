/* The first task. */
#include "apps/app.h"
#include "base/panic.h"
#include "async/async.h"
#include "board/board.h"
#include "core/start.h"

struct init {
	struct async async;
};

static enum poll init(void *frame)
{
	struct init *me = frame;

	ASYNC_BEGIN(me);
	app_main(board_cmdline());
	ASYNC_END(me);
}

void init_start(void)
{
	int err = TASK_SPAWN(NULL, "init", init, (struct init){}, SCHED_PARAMS_FIFO(16));

	if (err)
		panic("cannot make the first task: %s", err_name(err));
}
