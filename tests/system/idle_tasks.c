/*
 * Many tasks that wait: what each takes of the heap besides its frame, and that making one takes
 * as many steps among a million as among a few. Then all of them end, and nothing is left.
 * On the command line: tasks=N (100000). Prints `metric value unit` lines; status 1 when a bound
 * is broken.
 */
#include "apps/app.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "task/task.h"
#include "trace/trace.h"

#define LOOKS_MAX 20000u /* then something is left for good */
#define BYTES_MAX 511u /* of a task and the handle that somebody keeps, without its frame */

struct idle {
	struct async async;
	bool *end;
};

static _Atomic u64 waiting;

static enum poll idle(void *frame)
{
	struct idle *me = frame;

	if (*me->end)
		return POLL_READY;
	/* relaxed: a count, awaited by time */
	atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
	return POLL_PENDING;
}

struct crowd {
	struct async async;
	struct sleep sleep;
	u64 tasks, i;
	u64 first_ticks, last_ticks; /* that the first and the last tenth took to make */
	struct kmalloc_stats before, after;
	unsigned looks;
	u64 pages_before;
	struct task **task;
	bool end;
};

static void value(const char *metric, u64 n, const char *unit)
{
	kprintf("%s %llu %s\n", metric, (unsigned long long)n, unit);
}

/* More urgent than they are: none runs before all are made, or another CPU takes it. */
static void make_all(struct crowd *me)
{
	u64 tenth = me->tasks / 10, begin = arch_clock_ticks();

	for (me->i = 0; me->i < me->tasks; me->i++) {
		int err = TASK_SPAWN(&me->task[me->i], "idle", idle,
				     ((struct idle){.end = &me->end}), SCHED_PARAMS_FIFO(2));

		if (err)
			panic("task %llu of %llu: %s", (unsigned long long)me->i,
			      (unsigned long long)me->tasks, err_name(err));
		if (me->i + 1 == tenth)
			me->first_ticks = arch_clock_ticks() - begin;
		if (me->i + 1 == me->tasks - tenth)
			begin = arch_clock_ticks();
	}
	me->last_ticks = arch_clock_ticks() - begin;
}

/* The shell's `task`, and a trace that begins late. */
static u64 list_all(void)
{
	struct task_info t = {.id = 0};
	u64 begin = arch_clock_ticks(), n = 0;

	while (task_next_info(t.id, &t))
		n++;
	return (arch_clock_ticks() - begin) / n;
}

static bool report(const struct crowd *me)
{
	struct kmalloc_stats now = kmalloc_stats();
	u64 frame = ALIGN_UP(sizeof(struct idle), 16);
	u64 bytes = (now.used_bytes - me->before.used_bytes) / me->tasks - frame;
	u64 paged = (me->pages_before - page_free_bytes()) / me->tasks - frame;

	value("idle.tasks", task_count(), "tasks");
	value("idle.bytes_per_task", bytes, "bytes");
	value("idle.page_bytes_per_task", paged, "bytes");
	value("idle.spawn_first_tenth", me->first_ticks / (me->tasks / 10), "ticks");
	value("idle.spawn_last_tenth", me->last_ticks / (me->tasks / 10), "ticks");
	value("idle.list", list_all(), "ticks");
	return bytes <= BYTES_MAX && paged <= BYTES_MAX;
}

static enum poll crowd(void *frame)
{
	struct crowd *me = frame;
	bool good;

	ASYNC_BEGIN(me);
	me->task = kmalloc(me->tasks * sizeof *me->task);
	if (!me->task)
		panic("no memory for %llu pointers", (unsigned long long)me->tasks);
	me->before = kmalloc_stats();
	me->pages_before = page_free_bytes();
	make_all(me);
	while (atomic_load_explicit(&waiting, memory_order_relaxed) < me->tasks)
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
	if (!report(me))
		board_exit(1);
	me->end = true;
	for (me->i = 0; me->i < me->tasks; me->i++) {
		task_wake(me->task[me->i]);
		task_put(me->task[me->i]);
	}
	/* The figures of one moment may be a block wrong while others allocate and release. */
	do {
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
		me->after = kmalloc_stats();
	} while (me->after.used_bytes != me->before.used_bytes && ++me->looks < LOOKS_MAX);
	value("idle.left", me->after.used_bytes - me->before.used_bytes, "bytes");
	value("idle.pages_left", me->pages_before - page_free_bytes(), "bytes");
	good = me->after.used_bytes == me->before.used_bytes;
	board_exit(good ? 0 : 1);
	ASYNC_END(me);
}

void app_main(const char *cmdline)
{
	static struct crowd frame = {.tasks = 100000};
	char text[16];

	if (words_find(cmdline, "tasks", text, sizeof text) &&
	    (parse_u64(text, &frame.tasks) || frame.tasks < 10))
		panic("tasks=%s: expected a number from 10", text);
	trace_set_level(TRACE_OFF);
	if (TASK_SPAWN(NULL, "crowd", crowd, frame, SCHED_PARAMS_FIFO(3)))
		panic("no memory for the first task");
}
