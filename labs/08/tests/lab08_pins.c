/* Three periodic tasks that need 105% of CPU 0: the pins ask what comes of it. `as=fifo` or
 * `as=edf`. */
#include "../../../tests/unit/sched/periodic.h"
#include "lab08.h"

#define TASKS  3u
#define RUN_NS MS(60)

struct scene {
	struct async async;
	struct join join;
	u64 random;
	unsigned i;
	struct task *tasks[TASKS];
};

/* Times are multiples of 100 us, far apart enough that the kernel's own work decides nothing. */
static enum poll overload(void *frame)
{
	static const char *const names[] = {"a", "b", "c"};
	struct scene *me = frame;
	char as[8] = "edf";

	ASYNC_BEGIN(me);
	(void)words_find(board_cmdline(), "as", as, sizeof as);
	me->random = set_number();
	for (unsigned i = 0; i < TASKS; i++) {
		u64 period_ns = US(100) * (20 + 13 * i + test_below(&me->random, 10));
		struct sched_params p = strcmp(as, "fifo") ? SCHED_PARAMS_EDF(period_ns)
							   : SCHED_PARAMS_FIFO((u8)(10 - i));
		struct periodic frame_of = {.period_ns = period_ns,
					    .work_ns = period_ns * 35 / 100,
					    .next_ns = MS(1),
					    .stop_ns = MS(1) + RUN_NS};

		p.cpus = 1;
		MUST(TASK_SPAWN(&me->tasks[i], names[i], periodic, frame_of, p));
	}
	for (me->i = 0; me->i < TASKS; me->i++) {
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(overload));
