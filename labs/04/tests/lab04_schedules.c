/* Two CPUs, and so little on them that every schedule can be gone through: whichever goes on first,
 * at whichever access, no stack has two users.
 */
#include "../../common/program.h"
#include "async/join.h"
#include "task/executor.h"

#define WORDS 8u

struct scene {
	struct async async;
	struct join join;
	struct task *task;
	unsigned before, i;
};

static _Atomic unsigned there, taken; /* CPUs that are, and that have taken a stack */
static struct worker *borrowed[2];

static void await_both(_Atomic unsigned *count)
{
	atomic_fetch_add_explicit(count, 1, memory_order_release);
	while (atomic_load_explicit(count, memory_order_acquire) < 2)
		arch_relax();
}

/* Takes a stack from the pool, and gives it back when both have one. */
static void borrow(unsigned i)
{
	bool irqs = arch_irq_save();

	borrowed[i] = worker_take_other();
	await_both(&taken);
	EXPECT(borrowed[0] && borrowed[0] != borrowed[1],
	       "two CPUs took a stack at the same time, and both got number %u: two tasks would "
	       "run on it",
	       borrowed[i] ? borrowed[i]->id : 0);
	if (borrowed[0] != borrowed[1])
		(void)worker_give_other(borrowed[i]);
	arch_irq_restore(irqs);
}

static enum poll borrows(void *frame)
{
	(void)frame;
	await_both(&there);
	borrow(1);
	return POLL_READY;
}

static enum poll two_cpus_take_a_stack(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->before = workers_free();
	MUST(TASK_SPAWN(&me->task, "borrows", borrows, (struct scene){}, SCHED_PARAMS_FIFO(16)));
	explored_from_here();
	await_both(&there);
	borrow(0);
	explored_to_here();
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	/* relaxed: both have ended. Who has taken one twice may have made a circle of the list. */
	if (atomic_load_explicit(&test_failures, memory_order_relaxed))
		return POLL_READY;
	EXPECT(workers_free() == me->before,
	       "%u stacks were free before two CPUs took one each and gave it back, %u are now",
	       me->before, workers_free());
	ASYNC_END(me);
}

/* One for each CPU, which takes it from everybody else when it is woken. */
static struct task *urgent_on[2];
static _Atomic bool over;

static enum poll urgent(void *frame)
{
	(void)frame;
	return atomic_load_explicit(&over, memory_order_acquire) ? POLL_READY : POLL_PENDING;
}

/* What it has on its stack is there when it goes on, on whichever CPU. */
static enum poll is_preempted(void *frame)
{
	u64 row[WORDS], sum = 0;

	(void)frame;
	for (u64 i = 0; i < WORDS; i++)
		row[i] = i + 1;
	__asm__ volatile("" ::"r"(row) : "memory"); /* they stand in memory */
	explored_from_here();
	task_wake(urgent_on[cpu_id()]);
	for (u64 i = 0; i < WORDS; i++)
		sum += row[i];
	explored_to_here();
	EXPECT(sum == WORDS * (WORDS + 1) / 2,
	       "a task was suspended in the middle of its poll; when it went on, its stack was not "
	       "as it had left it");
	return POLL_READY;
}

static enum poll a_suspended_task_goes_on_elsewhere(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < 2; me->i++) {
		struct sched_params params = SCHED_PARAMS_FIFO(28);

		params.cpus = 1u << me->i;
		MUST(TASK_SPAWN(&urgent_on[me->i], "urgent", urgent, (struct scene){}, params));
	}
	MUST(TASK_SPAWN(&me->task, "preempted", is_preempted, (struct scene){},
			SCHED_PARAMS_FIFO(8)));
	AWAIT(me, task_join(&me->join, me->task));
	task_put(me->task);
	atomic_store_explicit(&over, true, memory_order_release);
	for (me->i = 0; me->i < 2; me->i++) {
		task_wake(urgent_on[me->i]);
		AWAIT(me, task_join(&me->join, urgent_on[me->i]));
		task_put(urgent_on[me->i]);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(two_cpus_take_a_stack), ASYNC(a_suspended_task_goes_on_elsewhere));
