/* The first task. */
#include "apps/app.h"
#include "async/async.h"
#include "base/panic.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/start.h"
#include "core/time.h"

struct init {
	struct async async;
};

static enum poll init(void *frame)
{
	struct init *me = frame;

	ASYNC_BEGIN(me);
	task_essential();
	klog("%s: %u CPU%s, clock %lu Hz, interrupts by %s", board_name, cpu_count,
	     cpu_count == 1 ? "" : "s", clock_hz, irqchip->name);
	app_main(board_cmdline());
	ASYNC_END(me);
}

void init_start(void)
{
	int err = TASK_SPAWN(NULL, "init", init, (struct init){}, SCHED_PARAMS_FIFO(16));

	if (err)
		panic("cannot make the first task: %s", err_name(err));
}
