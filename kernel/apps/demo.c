/*
 * The demonstration: what a machine full of unlike tasks looks like in a trace.
 *
 *   sensors    EDF, periodic, each with a deadline at its next period
 *   workers    round robin at one level: CPU-bound, more of them than CPUs
 *   pipeline   a producer and a consumer with a small channel between them
 *   inversion  a low task holds a token that a high one wants, while others in between keep every
 *              CPU busy; then the same with preemption off, which resolves it
 *
 * It ends with a table. Its status is 0 when every sensor ran, every message arrived in order, and
 * the low task was never preempted while preemption was off. The times are for the reader: they
 * depend on the machine, and no verdict does.
 */
#include "apps/app.h"
#include "async/channel.h"
#include "async/join.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "board/board.h"
#include "core/cpu.h"
#include "services/burn.h"

#define SENSORS 3u
#define MESSAGES 200u
#define CAST_MAX (CPUS_MAX + 16)

/* What is told of each task in the table; filled by the tasks and the director. */
static struct part {
	const char *name;
	struct task *task;
	u64 jobs, worst_ns; /* sensors: activations, and the longest from release to end */
} cast[CAST_MAX];
static unsigned cast_count;
static _Atomic bool playing; /* the cast is in use */
static u64 length_ns, stop_at_ns;

static struct part *enlist(const char *name)
{
	struct part *p = &cast[cast_count++];

	ASSERT(cast_count <= CAST_MAX);
	*p = (struct part){.name = name};
	return p;
}

struct sensor {
	struct async async;
	struct sleep sleep;
	struct part *part;
	u64 period_ns, work_ns, next_ns;
};

static enum poll sensor(void *frame)
{
	struct sensor *me = frame;

	ASYNC_BEGIN(me);
	me->next_ns = clock_ns();
	do { /* at least once, however slow the machine */
		AWAIT(me, sleep_until(&me->sleep, me->next_ns));
		burn_ns(me->work_ns);
		me->part->jobs++;
		me->part->worst_ns = MAX(me->part->worst_ns, clock_ns() - me->next_ns);
		me->next_ns += me->period_ns;
	} while (me->next_ns < stop_at_ns);
	ASYNC_END(me);
}

struct worker_task {
	struct async async;
};

static enum poll crunch(void *frame)
{
	struct worker_task *me = frame;

	ASYNC_BEGIN(me);
	while (clock_ns() < stop_at_ns)
		burn_ns(US(100));
	ASYNC_END(me);
}

static struct channel pipe_channel;
static u32 pipe_slots[4];

struct producer {
	struct async async;
	struct channel_op op;
	u32 i;
};

static enum poll produce(void *frame)
{
	struct producer *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < MESSAGES; me->i++)
		AWAIT(me, channel_send(&me->op, &pipe_channel, &me->i));
	channel_close(&pipe_channel);
	ASYNC_END(me);
}

struct consumer {
	struct async async;
	struct channel_op op;
	u32 message, expected;
};

/* Status: messages that were missing or out of order. */
static enum poll consume(void *frame)
{
	struct consumer *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, channel_receive(&me->op, &pipe_channel, &me->message));
		if (me->op.status)
			break;
		if (me->message != me->expected)
			ASYNC_RETURN(me, 1);
		me->expected++;
	}
	ASYNC_RETURN(me, me->expected == MESSAGES ? 0 : 1);
}

/* The token: a channel with one message, which whoever holds it has taken out. */
static struct channel token;
static u8 token_slot;

struct holder {
	struct async async;
	struct channel_op op;
	u8 token;
	bool no_preemption;
	u64 work_ns, asked_ns, waited_ns;
	u64 *result_ns; /* where the wait goes; NULL for nobody asks */
	struct task_info before, after;
};

/* Status: 1 when it was preempted although it must not be. */
static enum poll hold(void *frame)
{
	struct holder *me = frame;

	ASYNC_BEGIN(me);
	me->asked_ns = clock_ns();
	TRACE(MARK, mark, .kind = TRACE_mark_lock_wait, .tid = (i32)task_self()->id,
	      .value = (uptr)&token);
	AWAIT(me, channel_receive(&me->op, &token, &me->token));
	me->waited_ns = clock_ns() - me->asked_ns;
	TRACE(MARK, mark, .kind = TRACE_mark_lock_take, .tid = (i32)task_self()->id,
	      .value = (uptr)&token);
	if (me->no_preemption)
		preempt_disable();
	task_info(task_self(), &me->before);
	burn_ns(me->work_ns);
	TRACE(MARK, mark, .kind = TRACE_mark_lock_give, .tid = (i32)task_self()->id,
	      .value = (uptr)&token);
	if (channel_try_send(&token, &me->token))
		panic("the token's channel is full");
	task_info(task_self(), &me->after);
	if (me->no_preemption)
		preempt_enable();
	if (me->result_ns)
		*me->result_ns = me->waited_ns;
	ASYNC_RETURN(me, me->no_preemption && me->after.preemptions != me->before.preemptions);
}

/* Runs the whole. */
struct director {
	struct async async;
	struct sleep sleep;
	struct join join;
	bool leave;
	int status;
	unsigned i, round;
	u64 high_waited_ns[2];
	struct task *tasks[CPUS_MAX + 2];
	unsigned task_count;
	u64 holder_work_ns, middle_work_ns;
};

static void must(int err)
{
	if (err)
		panic("demo: cannot spawn a task: %s", err_name(err));
}

static void spawn_cast(void)
{
	static const struct {
		const char *name;
		u64 period_ns, work_ns;
	} sensors[SENSORS] = {
		{"imu", MS(5), US(500)}, {"wheel", MS(10), US(1500)}, {"lidar", MS(20), MS(4)}};
	static char names[CPUS_MAX + 2][8];

	stop_at_ns = clock_ns() + length_ns;
	for (unsigned i = 0; i < SENSORS; i++) {
		struct part *p = enlist(sensors[i].name);

		must(TASK_SPAWN(&p->task, p->name, sensor,
				((struct sensor){.part = p,
						 .period_ns = sensors[i].period_ns,
						 .work_ns = sensors[i].work_ns}),
				SCHED_PARAMS_EDF(sensors[i].period_ns)));
	}
	channel_init(&pipe_channel, pipe_slots, ARRAY_LEN(pipe_slots), sizeof pipe_slots[0]);

	struct part *p = enlist("producer");

	must(TASK_SPAWN(&p->task, p->name, produce, (struct producer){}, SCHED_PARAMS_FIFO(8)));
	p = enlist("consumer");
	must(TASK_SPAWN(&p->task, p->name, consume, (struct consumer){}, SCHED_PARAMS_FIFO(8)));
	for (unsigned i = 0; i < cpu_count + 2; i++) {
		ksnprintf(names[i], sizeof names[i], "work%u", i);
		p = enlist(names[i]);
		must(TASK_SPAWN(&p->task, p->name, crunch, (struct worker_task){},
				SCHED_PARAMS_RR(4, SCHED_QUANTUM_DEFAULT_NS)));
	}
}

static void print_table(void)
{
	kprintf("name      class level  jobs  worst us  missed  preempted    cpu us\n");
	for (unsigned i = 0; i < cast_count; i++) {
		struct task_info t;

		task_info(cast[i].task, &t);
		kprintf("%-9s %-5s %5u %5u %9lu %7lu %10lu %9lu\n", t.name,
			sched_class_name(t.params.class), t.params.level, t.job,
			(cast[i].worst_ns / NS_PER_US), t.misses, t.preemptions,
			(t.cpu_ns / NS_PER_US));
		task_put(cast[i].task);
	}
}

static void spawn_low(struct director *me)
{
	token_slot = 0;
	channel_init(&token, &token_slot, 1, 1);
	if (channel_try_send(&token, &(u8){1}))
		panic("the token's channel is full");
	must(TASK_SPAWN(&me->tasks[me->task_count++], "low", hold,
			((struct holder){.work_ns = me->holder_work_ns,
					 .no_preemption = me->round == 1}),
			SCHED_PARAMS_RR(1, SCHED_QUANTUM_DEFAULT_NS)));
}

static void spawn_high_and_middle(struct director *me)
{
	must(TASK_SPAWN(&me->tasks[me->task_count++], "high", hold,
			((struct holder){.work_ns = US(100),
					 .result_ns = &me->high_waited_ns[me->round]}),
			SCHED_PARAMS_FIFO(20)));
	for (unsigned i = 0; i < cpu_count; i++)
		must(burn_spawn("middle", SCHED_PARAMS_FIFO(10), me->middle_work_ns,
				&me->tasks[me->task_count++]));
}

static void report(struct director *me)
{
	kprintf("inversion: a high task waited %lu us for a low one that middle ones preempted;\n"
		"           with preemption off while the token is held, %lu us\n",
		(me->high_waited_ns[0] / NS_PER_US), (me->high_waited_ns[1] / NS_PER_US));
	for (unsigned i = 0; i < SENSORS; i++)
		if (!cast[i].jobs)
			me->status = 1;
	print_table();
	kprintf("demo: %s\n", me->status ? "FAILED" : "ok");
}

static enum poll direct(void *frame)
{
	struct director *me = frame;

	ASYNC_BEGIN(me);
	TRACE(MARK, mark, .kind = TRACE_mark_demo_begin);
	kprintf("demo: %u ms of sensors, workers and a pipeline on %u CPU%s\n",
		(unsigned)(length_ns / NS_PER_MS), cpu_count, cpu_count == 1 ? "" : "s");
	spawn_cast();
	for (me->i = 0; me->i < cast_count; me->i++) {
		AWAIT(me, task_join(&me->join, cast[me->i].task));
		me->status |= me->join.status;
	}
	for (me->round = 0; me->round < 2; me->round++) {
		me->task_count = 0;
		me->holder_work_ns = MS(3);
		me->middle_work_ns = MS(10);
		spawn_low(me);
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
		spawn_high_and_middle(me);
		for (me->i = 0; me->i < me->task_count; me->i++) {
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
			me->status |= me->join.status;
			task_put(me->tasks[me->i]);
		}
	}
	report(me);
	TRACE(MARK, mark, .kind = TRACE_mark_demo_end);
	if (me->leave)
		board_exit(me->status);
	cast_count = 0;
	/* release: pairs with the acquire in demo_start */
	atomic_store_explicit(&playing, false, memory_order_release);
	ASYNC_RETURN(me, me->status);
}

int demo_start(u64 ms, bool leave)
{
	static struct director frame;

	/* acquire: pairs with the release at the end of the last one */
	if (atomic_exchange_explicit(&playing, true, memory_order_acquire))
		return ERR_BUSY;
	frame.leave = leave;
	length_ns = MS(ms);
	must(TASK_SPAWN(NULL, "demo", direct, frame, SCHED_PARAMS_FIFO(30)));
	return 0;
}
