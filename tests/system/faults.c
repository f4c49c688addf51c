/* Tasks that fault, one of each kind, beside one that goes on; what became of each. */
#include "apps/app.h"
#include "async/async.h"
#include "async/join.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/words.h"
#include "board/board.h"
#include "services/crash.h"
#include "task/fault.h"

struct witness {
	struct async async;
	struct sleep sleep;
	unsigned ticks;
};

static volatile unsigned ticks;

static enum poll witness(void *frame)
{
	struct witness *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, sleep_for(&me->sleep, US(200)));
		ticks++;
	}
	ASYNC_END(me);
}

struct director {
	struct async async;
	struct join join;
	struct sleep sleep;
	struct task *task, *witness;
	unsigned i, before;
};

static enum poll direct(void *frame)
{
	struct director *me = frame;

	ASYNC_BEGIN(me);
	task_essential();
	if (TASK_SPAWN(&me->witness, "witness", witness, (struct witness){}, SCHED_PARAMS_FIFO(8)))
		panic("no witness");
	for (me->i = 0; crash_kind(me->i); me->i++) {
		if (crash_spawn(crash_kind(me->i), &me->task))
			panic("cannot spawn %s", crash_kind(me->i));
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
		kprintf("faults: %s: %s\n", crash_kind(me->i), err_name(me->join.status));
		me->before = ticks;
		while (ticks == me->before) /* the witness goes on */
			AWAIT(me, sleep_for(&me->sleep, US(500)));
	}
	if (task_kill(me->witness))
		panic("the witness cannot be killed");
	AWAIT(me, task_join(&me->join, me->witness));
	kprintf("faults: witness: %s\n", err_name(me->join.status));
	kprintf("faults: %llu on record, %u tasks alive\n", (unsigned long long)fault_count(),
		task_count());
	board_exit(0);
	ASYNC_END(me);
}

/* The same with interrupts masked, in a task that is not essential. */
struct masked {
	struct async async;
	char kind[16];
};

static enum poll crash_masked(void *frame)
{
	struct masked *me = frame;

	ASYNC_BEGIN(me);
	arch_irq_disable();
	crash_here(me->kind);
	ASYNC_END(me);
}

void app_main(const char *cmdline)
{
	struct masked masked = {};

	if (words_find(cmdline, "masked", masked.kind, sizeof masked.kind)) {
		if (TASK_SPAWN(NULL, "masked", crash_masked, masked, SCHED_PARAMS_FIFO(20)))
			panic("no task");
		return;
	}
	if (TASK_SPAWN(NULL, "director", direct, (struct director){}, SCHED_PARAMS_FIFO(20)))
		panic("no director");
}
