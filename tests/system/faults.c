/*
 * Tasks that fault, one of each kind, beside one that goes on. Each victim owns something of every
 * sort; what became of it is told, one line for each kind. On the command line, instead:
 * masked=KIND, a task that faults with interrupts masked; timer=KIND, a fault in an interrupt.
 */
#include "apps/app.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/words.h"
#include "board/board.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "services/crash.h"
#include "services/shell.h"
#include "task/fault.h"
#include "task/memory.h"

static volatile unsigned ticks;

struct witness {
	struct async async;
	struct sleep sleep;
};

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

/* Three things, taken in the order of their numbers: the number that they give, read from the left,
 * is the order in which they were released. */
struct thing {
	struct owned owned;
	unsigned number;
};

static unsigned released;

static void release_thing(struct owned *o)
{
	task_disown(o);
	released = released * 10 + CONTAINER_OF(o, struct thing, owned)->number;
}

static struct mutex mutex;
static struct channel channel;
static u32 slot;

struct victim {
	struct async async;
	struct wait wait;
	struct channel_end end;
	struct thing things[3];
	const char *kind;
};

static enum poll victim(void *frame)
{
	struct victim *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, mutex_lock(&me->wait, &mutex));
	channel_hold(&me->end, &channel);
	if (!task_alloc(1000) || !task_alloc(100000))
		panic("no memory to begin with");
	for (unsigned i = 0; i < ARRAY_LEN(me->things); i++) {
		me->things[i] = (struct thing){{.release = release_thing}, i + 1};
		task_own(task_self(), &me->things[i].owned);
	}
	crash_here(me->kind);
	kprintf("faults: %s: goes on\n", me->kind);
	ASYNC_END(me);
}

struct director {
	struct async async;
	struct channel_op op;
	struct wait wait;
	struct join join;
	struct sleep sleep;
	struct task *task, *witness;
	const char *kind;
	unsigned i, before, tasks;
	u32 message;
	u64 blocks;
};

static void begin(struct director *me)
{
	static const u32 something = 7;

	mutex_init(&mutex);
	channel_init(&channel, &slot, 1, sizeof slot);
	if (channel_try_send(&channel, &something))
		panic("no room");
	released = 0;
	me->blocks = heap_stats(HEAP_TASKS).blocks;
	me->tasks = task_count();
	if (TASK_SPAWN(&me->task, me->kind, victim, (struct victim){.kind = me->kind},
		       SCHED_PARAMS_FIFO(4)))
		panic("cannot spawn %s", me->kind);
}

static enum poll direct(void *frame)
{
	struct director *me = frame;
	char line[] = "fault";

	ASYNC_BEGIN(me);
	task_essential();
	if (TASK_SPAWN(&me->witness, "witness", witness, (struct witness){}, SCHED_PARAMS_FIFO(8)))
		panic("no witness");
	for (me->i = 0; (me->kind = crash_kind(me->i)) != NULL; me->i++) {
		begin(me);
		/* What was sent before arrives; then the peer is told. */
		AWAIT(me, channel_receive(&me->op, &channel, &me->message));
		AWAIT(me, channel_receive(&me->op, &channel, &me->message));
		AWAIT(me, mutex_lock(&me->wait, &mutex));
		AWAIT(me, task_join(&me->join, me->task));
		kprintf("faults: %s: %s, released %u, lock: %s, channel: %s, %lld blocks, %d tasks\n",
			me->kind, err_name(me->join.status), released, err_name(me->wait.status),
			err_name(me->op.status),
			(long long)(heap_stats(HEAP_TASKS).blocks - me->blocks),
			(int)(task_count() - me->tasks));
		if (mutex_unlock(&mutex))
			panic("the lock is not mine");
		task_put(me->task);
		me->before = ticks;
		while (ticks == me->before) /* the witness goes on */
			AWAIT(me, sleep_for(&me->sleep, US(500)));
	}
	if (task_kill(me->witness))
		panic("the witness cannot be killed");
	AWAIT(me, task_join(&me->join, me->witness));
	kprintf("faults: witness: %s\n", err_name(me->join.status));
	shell_run_line(line);
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

/* And in an interrupt, which such a task lets come: it strikes the task, and is not its doing. */
static char kind_in_timer[16];

static void crash_in_timer(struct timer *t)
{
	(void)t;
	arch_irq_enable();
	crash_here(kind_in_timer);
}

static enum poll struck(void *frame)
{
	struct async *me = frame;
	static struct timer timer;

	(void)me;
	timer_init(&timer, crash_in_timer);
	timer_arm(&timer, clock_ns() + US(100));
	for (;;)
		arch_relax();
	return POLL_READY;
}

void app_main(const char *cmdline)
{
	struct masked masked = {};
	int err;

	if (words_find(cmdline, "masked", masked.kind, sizeof masked.kind))
		err = TASK_SPAWN(NULL, "masked", crash_masked, masked, SCHED_PARAMS_FIFO(20));
	else if (words_find(cmdline, "timer", kind_in_timer, sizeof kind_in_timer))
		err = TASK_SPAWN(NULL, "struck", struck, (struct async){}, SCHED_PARAMS_FIFO(20));
	else
		err = TASK_SPAWN(NULL, "director", direct, (struct director){}, SCHED_PARAMS_FIFO(20));
	if (err)
		panic("no task: %s", err_name(err));
}
