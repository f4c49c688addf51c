#include "services/watchdog.h"
#include "async/async.h"
#include "async/sleep.h"
#include "base/printf.h"
#include "core/time.h"
#include <stdatomic.h>

#define SUSPECTS_MAX 64u

/* A task that was running or ready at the last scan. */
struct suspect {
	u32 tid;
	bool told, seen;
	u64 polls, since_ns;
};

static struct suspect suspects[SUSPECTS_MAX];
static _Atomic bool started;
static _Atomic u64 found;

static struct suspect *suspect(u32 tid)
{
	struct suspect *free = NULL;

	for (unsigned i = 0; i < SUSPECTS_MAX; i++) {
		if (suspects[i].tid == tid)
			return &suspects[i];
		if (!suspects[i].tid)
			free = &suspects[i];
	}
	return free;
}

static void tell(const struct task_info *t, u64 ns)
{
	/* relaxed: a count, for the curious */
	atomic_fetch_add_explicit(&found, 1, memory_order_relaxed);
	kprintf("watchdog: task %u, %.16s, %s for %lu us\n", t->id, t->name,
		t->state == TASK_RUNNING || t->preempted ? "in one poll" : "ready, but not run",
		(ns / NS_PER_US));
	if (t->preempted)
		task_backtrace(t->id);
}

static void look_at(const struct task_info *t, u64 bound_ns)
{
	struct suspect *s = suspect(t->id);
	u64 now_ns = clock_ns();

	if (!s)
		return;
	s->seen = true;
	if (s->tid != t->id || s->polls != t->polls) {
		*s = (struct suspect){t->id, false, true, t->polls, now_ns};
	} else if (!s->told && now_ns - s->since_ns >= bound_ns) {
		s->told = true;
		tell(t, now_ns - s->since_ns);
	}
}

static void scan(u64 bound_ns)
{
	struct task_info t = {.id = 0};
	u32 self = task_self()->id;

	for (unsigned i = 0; i < SUSPECTS_MAX; i++)
		suspects[i].seen = false;
	while (task_next_info(t.id, &t))
		if (t.id != self && (t.state == TASK_READY || t.state == TASK_RUNNING))
			look_at(&t, bound_ns);
	for (unsigned i = 0; i < SUSPECTS_MAX; i++)
		if (!suspects[i].seen)
			suspects[i].tid = 0;
}

struct watchdog {
	struct async async;
	struct sleep sleep;
	u64 bound_ns;
};

static enum poll watch(void *frame)
{
	struct watchdog *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		scan(me->bound_ns);
		AWAIT(me, sleep_for(&me->sleep, me->bound_ns / 2));
	}
	ASYNC_END(me);
}

int watchdog_start(u64 bound_ns, struct task **handle)
{
	if (bound_ns < US(1))
		return ERR_INVAL;
	/* relaxed: only one wins, and nothing else is passed on */
	if (atomic_exchange_explicit(&started, true, memory_order_relaxed))
		return ERR_BUSY;
	return TASK_SPAWN(handle, "watchdog", watch, (struct watchdog){.bound_ns = bound_ns},
			  SCHED_PARAMS_FIFO(31));
}

u64 watchdog_count(void)
{
	return atomic_load_explicit(&found, memory_order_relaxed);
}
