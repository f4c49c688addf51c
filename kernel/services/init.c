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
	klog("%s: %u CPU%s, clock %llu Hz, interrupts by %s", board_name, cpu_count,
	     cpu_count == 1 ? "" : "s", (unsigned long long)clock_hz, irqchip->name);
	app_main(board_cmdline());
	ASYNC_END(me);
}

void init_start(void)
{
	const struct init frame = {};
	const struct task_spec spec = {.name = "init",
				       .fn = init,
				       .frame = &frame,
				       .frame_bytes = sizeof frame,
				       .params = SCHED_PARAMS_FIFO(16),
				       .vital = true};
	int err = task_spawn(&spec, NULL);

	if (err)
		panic("cannot make the first task: %s", err_name(err));
}
