/*
 * Whose fault a fault is: what would end a task is reported as if it struck in places where it is
 * not the task's alone. There the report comes back, and the machine would panic.
 *
 * cpus: 1 4
 * seeds: 3
 */
#include "../test.h"
#include "async/join.h"
#include "core/panic.h"
#include "core/time.h"

static bool came_back; /* the report: the fault is the machine's */

static void report(bool irqs)
{
	came_back = false;
	panic_contain(&(struct fault){
		.what = "as if", .fp = (uptr)__builtin_frame_address(0), .irqs = irqs});
	came_back = true;
}

struct scene {
	struct async async;
	struct timer timer;
};

static enum poll in_a_task(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	report(true);
	ASYNC_END(me);
}

static enum poll with_interrupts_masked(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	report(false);
	ASYNC_END(me);
}

static enum poll with_preemption_off(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	preempt_disable();
	report(true);
	preempt_enable();
	ASYNC_END(me);
}

static enum poll in_what_is_essential(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	task_essential();
	report(true);
	ASYNC_END(me);
}

static volatile bool struck;

static void strike(struct timer *t)
{
	(void)t;
	report(true);
	struck = true;
}

static enum poll in_an_interrupt(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	struck = false;
	timer_init(&me->timer, strike);
	timer_arm(&me->timer, clock_ns() + US(20));
	while (!struck)
		arch_relax();
	ASYNC_END(me);
}

static void strike_again(struct owned *o)
{
	task_disown(o);
	report(true);
}

static struct owned clumsy = {.release = strike_again};

/* One fault while the first is cleared away. */
static enum poll on_its_way_out(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	task_own(task_self(), &clumsy);
	report(true);
	ASYNC_END(me);
}

struct judge {
	struct async async;
	struct join join;
	struct task *task;
	const struct place *at;
};

static const struct place {
	task_fn *fn;
	bool machines;
	int status;
} places[] = {
	{in_a_task, false, ERR_FAULT},       {with_interrupts_masked, true, 0},
	{with_preemption_off, true, 0},      {in_what_is_essential, true, 0},
	{in_an_interrupt, true, 0},          {on_its_way_out, true, ERR_FAULT},
	{in_a_task, false, ERR_FAULT},       {NULL, false, 0},
};

static enum poll faults_have_owners(void *frame)
{
	struct judge *me = frame;

	ASYNC_BEGIN(me);
	test_contain_faults();
	for (me->at = places; me->at->fn; me->at++) {
		MUST(TASK_SPAWN(&me->task, "scene", me->at->fn, (struct scene){},
				SCHED_PARAMS_FIFO(4)));
		AWAIT(me, task_join(&me->join, me->task));
		CHECK_EQ(came_back, me->at->machines);
		CHECK_EQ(me->join.status, me->at->status);
		task_put(me->task);
	}
	ASYNC_END(me);
}

/* Start-up, and an executor without a task, have nobody whose fault it could be. */
static void nobodys_is_the_machines(void)
{
	bool irqs = arch_irq_save();
	struct cpu *c = arch_cpu();
	struct task *self = c->current;

	c->current = NULL;
	report(true);
	c->current = self;
	arch_irq_restore(irqs);
	CHECK(came_back);
}

static enum poll contained_on_request_only(void *frame)
{
	struct judge *me = frame;

	ASYNC_BEGIN(me);
	fault_containment = false;
	MUST(TASK_SPAWN(&me->task, "scene", in_a_task, (struct scene){}, SCHED_PARAMS_FIFO(4)));
	AWAIT(me, task_join(&me->join, me->task));
	CHECK(came_back);
	CHECK_EQ(me->join.status, 0);
	task_put(me->task);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(faults_have_owners), PLAIN(nobodys_is_the_machines),
	   ASYNC(contained_on_request_only));
