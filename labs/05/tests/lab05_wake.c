/* Wake-ups: what a wake of a task does in each of its states. */
#include "lab05.h"

static struct gate gate;
static struct task *waiting;
static _Atomic unsigned ends;

struct waits {
	struct async async;
	struct yield yield;
};

static enum poll waits(void *frame)
{
	struct waits *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, gate_wait(&gate));
	/* release: with the test's acquire */
	atomic_fetch_add_explicit(&ends, 1, memory_order_release);
	ASYNC_END(me);
}

static unsigned ended(void)
{
	return atomic_load_explicit(&ends, memory_order_acquire);
}

static void begin(struct sched_params params)
{
	gate = (struct gate){.open = false};
	ends = 0;
	MUST(TASK_SPAWN(&waiting, "waits", waits, (struct waits){}, params));
}

static void unlock_gate(void)
{
	/* release: with gate_poll's acquire */
	atomic_store_explicit(&gate.open, true, memory_order_release);
}

static void open_gate(void)
{
	unlock_gate();
	task_wake(waiting);
}

struct scene {
	struct async async;
	struct yield yield;
	struct task_info info;
	unsigned i;
};

static enum poll a_waiting_task_is_polled_after_a_wake(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(SAME);
	YIELD_UNTIL(me, gate_polls(&gate) == 1);
	for (me->i = 0; me->i < 20; me->i++)
		AWAIT(me, yield_now(&me->yield));
	EXPECT(gate_polls(&gate) == 1,
	       "a task that waits was polled %u times, although nobody woke it: it must wait",
	       gate_polls(&gate) - 1);
	open_gate();
	for (me->i = 0; me->i < 2000 && !ended(); me->i++)
		AWAIT(me, yield_now(&me->yield));
	EXPECT(ended() == 1,
	       "a waiting task was woken, and is not polled: after a wake-up a waiting "
	       "task's next job begins, and it stands in a run queue");
	if (ended())
		task_put(waiting);
	ASYNC_END(me);
}

static enum poll one_wake_begins_one_job(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(SAME);
	YIELD_UNTIL(me, gate_polls(&gate) == 1);
	for (me->i = 0; me->i < 20; me->i++)
		AWAIT(me, yield_now(&me->yield));
	task_info(waiting, &me->info);
	EXPECT(me->info.job == 1, "spawning a task began %u jobs, not 1", me->info.job);
	open_gate();
	YIELD_UNTIL(me, ended());
	task_info(waiting, &me->info);
	EXPECT(me->info.job == 2,
	       "a task was spawned and woken once, and had %u jobs, not 2: a job "
	       "begins when a *waiting* task is woken",
	       me->info.job);
	task_wake(waiting);
	task_wake(waiting);
	task_info(waiting, &me->info);
	EXPECT(me->info.state == TASK_DEAD, "waking a task that has ended brought it back");
	task_put(waiting);
	ASYNC_END(me);
}

/* It wakes itself in the middle of its poll, which then says that it waits. */
struct itself {
	struct async async;
	unsigned polls;
};

static _Atomic unsigned self_polls;

static enum poll itself(void *frame)
{
	struct itself *me = frame;

	atomic_store_explicit(&self_polls, ++me->polls, memory_order_release);
	if (me->polls == 10) {
		atomic_fetch_add_explicit(&ends, 1, memory_order_release);
		return POLL_READY;
	}
	task_wake(task_self());
	return POLL_PENDING;
}

static enum poll a_wake_during_a_poll_is_not_lost(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	ends = 0;
	MUST(TASK_SPAWN(&waiting, "itself", itself, (struct itself){}, SAME));
	for (me->i = 0; me->i < 2000 && !ended(); me->i++)
		AWAIT(me, yield_now(&me->yield));
	EXPECT(ended(),
	       "a task was woken while it was being polled, and was not polled again (it had %u "
	       "polls): a wake-up of a running task must be noted, or it is lost",
	       atomic_load_explicit(&self_polls, memory_order_acquire));
	if (ended())
		task_put(waiting);
	ASYNC_END(me);
}

static void an_urgent_task_runs_at_once(void)
{
	struct sched_params params = MORE;

	params.cpus = 1;
	if (cpu_count > 1)
		return;
	begin(params);
	EXPECT(gate_polls(&gate) == 1,
	       "a more urgent task was spawned on this CPU and was not polled "
	       "before task_spawn returned");
	open_gate();
	EXPECT(ended() == 1,
	       "a more urgent task was woken and was not polled before task_wake returned: "
	       "the CPU was told (queue_released gives its number) and did not look");
	task_put(waiting);
}

static struct spin held;

/* Whoever waits for it would wait for ever: so it is only looked at. */
static bool is_free(const struct spin *l)
{
	return atomic_load_explicit(&l->next, memory_order_relaxed) ==
	       atomic_load_explicit(&l->owner, memory_order_acquire);
}

/* A task that waits, and one that has ended. */
static void wakes_with_a_lock_held(const char *whom) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = spin_lock(&held), on;

	task_wake_release(waiting, &held, irqs);
	EXPECT(is_free(&held),
	       "%s was woken by who holds a lock (`held`), and the lock was not given back", whom);
	on = arch_irq_save();
	arch_irq_restore(irqs);
	EXPECT(on == irqs, "%s was woken by who had interrupts %s (`irqs`), and now they are %s",
	       whom, irqs ? "enabled" : "masked", on ? "enabled" : "masked");
	if (!is_free(&held))
		spin_unlock(&held, irqs);
}

static enum poll a_lock_that_is_held_is_given_back(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(SAME);
	YIELD_UNTIL(me, gate_polls(&gate) == 1);
	for (me->i = 0; me->i < 20; me->i++)
		AWAIT(me, yield_now(&me->yield));
	unlock_gate();
	wakes_with_a_lock_held("a task that waits");
	YIELD_UNTIL(me, ended());
	wakes_with_a_lock_held("a task that has ended");
	task_put(waiting);
	ASYNC_END(me);
}

static enum poll a_given_deadline_is_the_jobs(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(SAME);
	YIELD_UNTIL(me, gate_polls(&gate) == 1);
	for (me->i = 0; me->i < 20; me->i++)
		AWAIT(me, yield_now(&me->yield));
	unlock_gate();
	task_wake_deadline(waiting, 123456789);
	YIELD_UNTIL(me, ended());
	EXPECT(waiting->deadline_ns == 123456789,
	       "the job that task_wake_deadline began has another deadline than was given: "
	       "wake gets it as `deadline_ns`, and task_release finds it in next_deadline_ns");
	task_put(waiting);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(a_waiting_task_is_polled_after_a_wake), ASYNC(one_wake_begins_one_job),
	   ASYNC(a_wake_during_a_poll_is_not_lost), PLAIN(an_urgent_task_runs_at_once),
	   ASYNC(a_lock_that_is_held_is_given_back), ASYNC(a_given_deadline_is_the_jobs));
