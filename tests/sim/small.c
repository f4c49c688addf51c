/*
 * A scenario of some 200 events, to be done by the hundred thousand: two tasks on two CPUs add to a counter in two steps, which
 * loses an addition in some schedules; with `right` in one step. It ends with status 1 when one was lost, and says nothing.
 */
#include "apps/app.h"
#include "base/panic.h"
#include "base/words.h"
#include "board/board.h"
#include "task/task.h"
#include <stdatomic.h>

#define ADDITIONS 6u

static _Atomic unsigned counter, there, done;
static bool right;

static void add(void)
{
	unsigned n;

	if (right) {
		atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
		return;
	}
	n = atomic_load_explicit(&counter, memory_order_relaxed);
	atomic_store_explicit(&counter, n + 1, memory_order_relaxed);
}

/* Each runs on a CPU of its own, since nobody lets the other have his. The one that comes second begins. */
static enum poll adder(void *frame)
{
	(void)frame;
	if (atomic_fetch_add_explicit(&there, 1, memory_order_acq_rel) == 1) {
		arch_mark(ARCH_MARK_BEGIN);
		atomic_fetch_add_explicit(&there, 1, memory_order_release);
	}
	/* acquire: pairs with the release above */
	while (atomic_load_explicit(&there, memory_order_acquire) != 3)
		arch_relax();
	for (unsigned i = 0; i < ADDITIONS; i++)
		add();
	/* acq_rel: what both added is seen by the last */
	if (atomic_fetch_add_explicit(&done, 1, memory_order_acq_rel) == 1)
		board_exit(atomic_load_explicit(&counter, memory_order_relaxed) != 2 * ADDITIONS);
	return POLL_READY;
}

void app_main(const char *cmdline)
{
	char text[4];

	right = words_find(cmdline, "right", text, sizeof text);
	for (unsigned i = 0; i < 2; i++)
		if (task_spawn(&(struct task_spec){.name = "adder", .fn = adder, .params = SCHED_PARAMS_FIFO(16)}, NULL))
			panic("cannot spawn");
}
