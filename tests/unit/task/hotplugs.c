/*
 * CPUs that are taken out of scheduling and come back: what they run goes on elsewhere, nobody waits
 * for a CPU that is out, and what is armed on it still comes.
 * cpus: 1 2 4 16 64
 * seeds: 5
 */
#include "../test.h"
#include "async/join.h"
#include "async/sleep.h"
#include "core/time.h"
#include "services/burn.h"
#include "task/executor.h"
#include "task/hotplug.h"
#include <stdatomic.h>

static struct sched_params on_cpu(unsigned cpu, u8 level)
{
	struct sched_params p = SCHED_PARAMS_FIFO(level);

	p.cpus = 1ull << cpu;
	return p;
}

struct scene {
	struct async async;
	struct sleep sleep;
	struct yield yield;
	struct join join;
	struct task *task, *many[2 * CPUS_MAX];
	unsigned cpu, i;
};

/* Ready when CPU me->cpu is out. A CPU that never leaves is a stall that the test's limit ends. */
static enum poll until_out(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	while (cpu_use(me->cpu) != CPU_IS_OUT)
		AWAIT(me, sleep_for(&me->sleep, US(10)));
	ASYNC_END(me);
}

static enum poll errors(void *frame)
{
	struct scene *me = frame;
	u32 id = 77;

	ASYNC_BEGIN(me);
	CHECK_EQ(cpu_take_out(cpu_count, NULL), ERR_NODEV);
	CHECK_EQ(cpu_put_back(cpu_count), ERR_NODEV);
	CHECK_EQ(cpu_put_back(0), ERR_INVAL);
	for (me->cpu = 1; me->cpu < cpu_count; me->cpu++)
		CHECK_EQ(cpu_take_out(me->cpu, NULL), 0);
	CHECK_EQ(cpu_take_out(0, &id), ERR_BUSY);
	CHECK_EQ(id, 0);
	for (me->cpu = 1; me->cpu < cpu_count; me->cpu++) {
		CHECK_EQ(cpu_take_out(me->cpu, NULL), ERR_INVAL);
		CHECK_EQ(cpu_put_back(me->cpu), 0);
		CHECK_EQ(cpu_put_back(me->cpu), ERR_INVAL);
	}
	ASYNC_END(me);
}

static enum poll burns(void *frame)
{
	(void)frame;
	burn_ns(US(300));
	return POLL_READY;
}

/* While many tasks compute, all CPUs but one leave; all of them end, and later ones run on that one. */
static enum poll one_cpu_does_it_all(void *frame)
{
	struct scene *me = frame;
	static struct scene out;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2 * cpu_count; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "burns", burns, (struct async){},
				me->i % 2 ? SCHED_PARAMS_RR(3, US(100)) : SCHED_PARAMS_FAIR(100, US(100))));
	for (me->cpu = 1; me->cpu < cpu_count; me->cpu++) {
		MUST(cpu_take_out(me->cpu, NULL));
		out = (struct scene){.cpu = me->cpu};
		AWAIT_CALL(me, until_out, &out);
	}
	for (me->i = 0; me->i < 2 * cpu_count; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	for (me->i = 0; me->i < 2 * cpu_count; me->i++) {
		MUST(TASK_SPAWN(&me->task, "burns", burns, (struct async){}, SCHED_PARAMS_FIFO(20)));
		AWAIT(me, task_join(&me->join, me->task));
		CHECK_EQ(me->task->cpu, 0);
		task_put(me->task);
	}
	for (me->cpu = 1; me->cpu < cpu_count; me->cpu++)
		MUST(cpu_put_back(me->cpu));
	/* They run again. */
	for (me->cpu = 0; me->cpu < cpu_count; me->cpu++) {
		MUST(TASK_SPAWN(&me->task, "burns", burns, (struct async){}, on_cpu(me->cpu, 3)));
		AWAIT(me, task_join(&me->join, me->task));
		CHECK_EQ(me->task->cpu, me->cpu);
		CHECK_EQ(cpu_use(me->cpu), CPU_RUNS_TASKS);
		task_put(me->task);
	}
	ASYNC_END(me);
}

static enum poll waits(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	ASYNC_END(me);
}

/* Who may run there only keeps it; then nobody is made who may. */
static enum poll pinned_tasks_keep_their_cpu(void *frame)
{
	struct scene *me = frame;
	u32 id;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	MUST(TASK_SPAWN(&me->task, "waits", waits, (struct scene){}, on_cpu(1, 3)));
	CHECK_EQ(cpu_take_out(1, &id), ERR_BUSY);
	CHECK_EQ(id, me->task->id);
	CHECK_EQ(cpu_use(1), CPU_RUNS_TASKS);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	MUST(cpu_take_out(1, &id));
	CHECK_EQ(TASK_SPAWN(&me->task, "waits", waits, (struct scene){}, on_cpu(1, 3)), ERR_BUSY);
	CHECK_EQ(task_set_params(task_self(), &(struct sched_params){.class = SCHED_FIFO, .level = 16,
								     .cpus = 2}), ERR_BUSY);
	MUST(cpu_put_back(1));
	ASYNC_END(me);
}

/* An admitted task was promised all its CPUs. */
static enum poll admitted_tasks_keep_their_cpus(void *frame)
{
	struct scene *me = frame;
	struct task_spec spec = {.name = "admitted", .fn = waits, .frame = &(struct scene){},
				 .frame_bytes = sizeof(struct scene), .params = SCHED_PARAMS_EDF(MS(10)),
				 .admit = true, .period_ns = MS(10), .wcet_ns = MS(1)};
	u32 id;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	MUST(task_spawn(&spec, &me->task));
	CHECK_EQ(cpu_take_out(1, &id), ERR_BUSY);
	CHECK_EQ(id, me->task->id);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	MUST(cpu_take_out(1, &id));
	spec = (struct task_spec){.name = "admitted", .fn = waits, .frame = &(struct scene){},
				  .frame_bytes = sizeof(struct scene), .params = SCHED_PARAMS_EDF(MS(10)),
				  .admit = true, .period_ns = MS(10), .wcet_ns = MS(1)};
	CHECK_EQ(task_spawn(&spec, NULL), ERR_BUSY);
	MUST(cpu_put_back(1));
	MUST(task_spawn(&spec, &me->task)); /* nothing is left of the first attempt */
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

static _Atomic bool stop;

static enum poll spins(void *frame)
{
	/* relaxed: nothing comes with it */
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		arch_relax();
	(void)frame;
	return POLL_READY;
}

struct seen {
	u32 cpu;
	enum task_state state;
};

/* Of a task that runs: under its home's lock, since whoever switches to or from it writes these. */
static struct seen look_at(struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = arch_irq_save();
	struct seen seen;

	home_lock(t);
	seen = (struct seen){t->cpu, t->state};
	home_unlock(t);
	arch_irq_restore(irqs);
	return seen;
}

/* A poll that never ends by itself is preempted and goes on on another CPU. */
static enum poll a_running_task_moves(void *frame)
{
	static struct scene out;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count < 3)
		ASYNC_RETURN(me, 0); /* one for this test, one for the task before and after */
	atomic_store_explicit(&stop, false, memory_order_relaxed);
	MUST(TASK_SPAWN(&me->task, "spins", spins, (struct async){}, SCHED_PARAMS_FIFO(3)));
	for (me->i = 0; me->i < 4; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, US(200)));
		me->cpu = look_at(me->task).cpu;
		MUST(cpu_take_out(me->cpu, NULL));
		out = (struct scene){.cpu = me->cpu};
		AWAIT_CALL(me, until_out, &out);
		AWAIT(me, sleep_for(&me->sleep, US(200)));
		CHECK(look_at(me->task).cpu != me->cpu);
		CHECK_EQ(look_at(me->task).state, TASK_RUNNING);
		MUST(cpu_put_back(me->cpu));
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	ASYNC_END(me);
}

static enum poll yields(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		AWAIT(me, yield_now(&me->yield));
	ASYNC_END(me);
}

/* Where each poll is short, the word to leave often comes between two of them. */
static enum poll between_two_polls(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count == 1 || cpu_count > 8)
		ASYNC_RETURN(me, 0); /* more CPUs that do nothing but yield delay each other */
	atomic_store_explicit(&stop, false, memory_order_relaxed);
	for (me->i = 0; me->i < 2 * cpu_count; me->i++)
		MUST(TASK_SPAWN(&me->many[me->i], "yields", yields, (struct scene){}, SCHED_PARAMS_FIFO(3)));
	for (me->i = 0; me->i < 40; me->i++) {
		me->cpu = 1 + me->i % (cpu_count - 1);
		MUST(cpu_take_out(me->cpu, NULL));
		AWAIT(me, sleep_for(&me->sleep, US(50)));
		CHECK_EQ(cpu_use(me->cpu), CPU_IS_OUT);
		MUST(cpu_put_back(me->cpu));
		AWAIT(me, sleep_for(&me->sleep, US(5)));
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	for (me->i = 0; me->i < 2 * cpu_count; me->i++) {
		AWAIT(me, task_join(&me->join, me->many[me->i]));
		task_put(me->many[me->i]);
	}
	ASYNC_END(me);
}

/* Takes its own CPU away from under itself, all of them in turn. */
static enum poll a_task_takes_its_own_cpu_out(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	for (me->i = 0; me->i < 2 * cpu_count; me->i++) {
		me->cpu = arch_cpu()->id;
		MUST(cpu_take_out(me->cpu, NULL));
		CHECK(arch_cpu()->id != me->cpu);
		/* Its CPU is out in any case when this one runs elsewhere. */
		CHECK_EQ(cpu_use(me->cpu), CPU_IS_OUT);
		MUST(cpu_put_back(me->cpu));
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

/* The sleeper's timer is armed on CPU 1, which is out when it expires. */
static enum poll timers_of_the_cpu_go_on(void *frame)
{
	static struct scene out;
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	MUST(TASK_SPAWN(&me->task, "waits", waits, (struct scene){}, on_cpu(1, 20)));
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	MUST(task_set_params(me->task, &SCHED_PARAMS_FIFO(20)));
	MUST(cpu_take_out(1, NULL));
	out = (struct scene){.cpu = 1};
	AWAIT_CALL(me, until_out, &out);
	AWAIT(me, task_join(&me->join, me->task));
	CHECK(me->task->cpu != 1);
	task_put(me->task);
	MUST(cpu_put_back(1));
	ASYNC_END(me);
}

/* Whoever has preemption off keeps the CPU for so long. */
static enum poll preemption_off_holds_the_cpu(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	if (cpu_count == 1)
		ASYNC_RETURN(me, 0);
	preempt_disable();
	me->cpu = cpu_id();
	MUST(cpu_take_out(me->cpu, NULL));
	burn_ns(US(50));
	CHECK_EQ(cpu_id(), me->cpu);
	CHECK_EQ(cpu_use(me->cpu), CPU_LEAVES);
	preempt_enable();
	CHECK_EQ(cpu_use(me->cpu), CPU_IS_OUT);
	MUST(cpu_put_back(me->cpu));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(errors), ASYNC(one_cpu_does_it_all), ASYNC(pinned_tasks_keep_their_cpu),
	   ASYNC(admitted_tasks_keep_their_cpus), ASYNC(a_running_task_moves), ASYNC(between_two_polls),
	   ASYNC(a_task_takes_its_own_cpu_out), ASYNC(timers_of_the_cpu_go_on),
	   ASYNC(preemption_off_holds_the_cpu));
