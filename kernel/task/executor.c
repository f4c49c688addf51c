/*
 * The executor: each CPU runs a worker, which takes the most urgent task and polls it on its own
 * stack. Going from one task to the next at an await is a return and a call. Preemption is the
 * other way to give a CPU on: the task's poll stays where it is, suspended on the worker's stack,
 * and another worker, with the more urgent task, takes the CPU.
 *
 * Whoever leaves a stack holds the scheduler's lock; whoever arrives queues what was left behind
 * and gives the lock on (arrive). Nobody can resume or queue a stack that is still in use.
 */
#include "base/printf.h"
#include "core/panic.h"
#include "core/start.h"
#include "core/time.h"
#include "task/executor.h"

struct scheduler scheduler;

#define WORKERS_SPARE 56u /* polls that can be suspended at the same time, over all CPUs */

static void describe(void)
{
	const struct task *t = arch_cpu()->current;

	if (t)
		kprintf("  in task %u, %.16s, job %u\n", t->id, t->name, t->job);
}

void executor_init(void)
{
	panic_describe = describe;

	bool irqs = spin_lock(&scheduler.lock);

	/* A CPU that has not come up yet is never the least urgent. */
	for (unsigned i = 0; i < CPUS_MAX; i++)
		scheduler.running[i] = scheduler.promised[i] = 0;
	spin_unlock(&scheduler.lock, irqs);
	workers_init(CPUS_MAX + WORKERS_SPARE + 8);
}

static void reap(struct cpu *c)
{
	struct task *dead = c->dead;

	c->dead = NULL;
	if (dead)
		task_put(dead);
}

/* First thing on every stack that was switched to: queues the predecessor, now that its stack is
 * left, and gives the lock on. */
static void arrive(void) RELEASE(scheduler.lock)
{
	struct cpu *c = arch_cpu();
	struct task *frozen = c->frozen;

	if (c->freed) {
		worker_give(c->freed);
		c->freed = NULL;
		if (scheduler.starved) {
			scheduler.starved = false;
			hint_rest();
		}
	}
	if (frozen) {
		c->frozen = NULL;
		runqueue_add(frozen, c->frozen_why, clock_ns());
		hint_for(frozen);
	}
	spin_unlock_raw(&scheduler.lock);
	reap(c);
	timer_program();
}

/* Leaves this stack for @p to. The poll of @p frozen stays here; NULL: nothing does, and the stack
 * is free once it is left. */
static void change_stack(struct cpu *c, struct worker *to, struct task *frozen)
	REQUIRES(scheduler.lock)
{
	struct worker *from = c->worker;

	TRACE(WORKER_SWITCH, worker_switch, .from_worker = from ? from->id : 0,
	      .to_worker = to->id, .frozen_tid = frozen ? (i32)frozen->id : 0,
	      .seq = scheduler.seq);
	c->frozen = frozen;
	c->freed = frozen ? NULL : from;
	c->worker = to;
	if (frozen)
		frozen->worker = from;

	void *boot_sp;

	arch_switch(from ? &from->sp : &boot_sp, to->sp);
}

/* The task that leaves a CPU. */
struct leaver {
	struct task *task; /* NULL from idle */
	u8 state;	   /* TRACE_task_state_* */
	u8 why;		   /* TRACE_switch_why_* */
};

static void stop_running(struct task *t, u64 now_ns)
{
	t->cpu_ns += now_ns - t->run_since_ns;
	t->last_run_ns = now_ns;
}

/* Takes @p next (NULL: idle) out of its queue and makes it what @p c runs; all but the stack. */
static void place(struct cpu *c, struct leaver prev, struct task *next, u64 now_ns)
	REQUIRES(scheduler.lock)
{
	bool prev_competes = prev.task && prev.task->state == TASK_RUNNING;
	u64 rank = RANK_IDLE;

	decision_record(prev.task, prev_competes, next, now_ns);
	c->quantum_end_ns = TIME_NEVER;
	if (next) {
		u64 quantum_ns = next->quantum_left_ns ? next->quantum_left_ns
						       : next->params.quantum_ns;

		runqueue_remove(next);
		next->state = TASK_RUNNING;
		next->cpu = c->id;
		next->run_since_ns = now_ns;
		if (!next->worker)
			next->noted = false;
		if (quantum_ns)
			c->quantum_end_ns = now_ns + quantum_ns;
		rank = rank_of(next);
	}
	scheduler.running[c->id] = scheduler.promised[c->id] = rank;
	c->current = next;
	c->switches++;
	TRACE(SCHED_SWITCH, sched_switch, .prev_tid = prev.task ? (i32)prev.task->id : 0,
	      .next_tid = next ? (i32)next->id : 0, .prev_state = prev.state,
	      .prev_prio = prev.task ? prev.task->params.level : 0,
	      .next_prio = next ? next->params.level : 0, .why = prev.why, .seq = scheduler.seq);
}

static void end_job(struct task *t, u64 now_ns) REQUIRES(scheduler.lock)
{
	if (now_ns > t->deadline_ns)
		t->misses++;
	TRACE(JOB_DONE, sched_job_done, .tid = (i32)t->id, .job = t->job, .done_ns = now_ns,
	      .deadline_ns = t->deadline_ns, .seq = scheduler.seq);
}

/* What becomes of a task whose poll returned. */
static struct leaver settle(struct cpu *c, struct task *t, enum poll result, u64 now_ns)
	REQUIRES(scheduler.lock)
{
	if (!t)
		return (struct leaver){NULL, TRACE_task_state_ready, TRACE_switch_why_from_idle};
	stop_running(t, now_ns);
	t->quantum_left_ns = 0;
	if (result == POLL_READY) {
		t->state = TASK_DEAD;
		c->dead = t;
		end_job(t, now_ns);
		return (struct leaver){t, TRACE_task_state_dead, TRACE_switch_why_exited};
	}
	if (t->noted) {
		/* Woken while it ran: the wake-up is not lost, it is polled again. */
		if (t->next_deadline_ns) {
			end_job(t, now_ns);
			task_release(t, now_ns);
		}
		runqueue_add(t, TRACE_enqueue_why_yield, now_ns);
		return (struct leaver){t, TRACE_task_state_ready, TRACE_switch_why_yielded};
	}
	t->state = TASK_WAITING;
	end_job(t, now_ns);
	return (struct leaver){t, TRACE_task_state_waiting, TRACE_switch_why_blocked};
}

/*
 * After a poll of @p prev (NULL: idle) that gave @p result: decides what this CPU does next.
 * Returns the task to poll on this stack, or NULL to idle. When the next task's poll is suspended
 * on another stack, this one is given up, and the call returns when the stack is used again, for
 * whatever task this CPU was given then. Interrupts masked.
 */
static struct task *dispatch(struct task *prev, enum poll result) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct task *next;
	struct leaver leaver;
	u64 now_ns;

	(void)spin_lock(&scheduler.lock);
	scheduler.seq++;
	now_ns = clock_ns();
	leaver = settle(c, prev, result, now_ns);
	hint_take(c);
	next = runqueue_first(c->id);
	if (prev || next)
		place(c, leaver, next, now_ns);
	else
		scheduler.running[c->id] = scheduler.promised[c->id] = RANK_IDLE;
	if (prev && prev->state == TASK_READY)
		hint_for(prev);
	hint_rest();
	if (next && next->worker) {
		struct worker *to = next->worker;

		next->worker = NULL;
		change_stack(c, to, NULL);
		arrive();
		return arch_cpu()->current;
	}
	spin_unlock_raw(&scheduler.lock);
	reap(c);
	timer_program();
	return next;
}

static enum poll poll_task(struct task *t)
{
	enum poll result;

	t->polls++;
	TRACE(POLL_BEGIN, async_poll_begin, .tid = (i32)t->id, .worker = worker_here());
	arch_irq_enable();
	result = t->fn(t->frame);
	if (result == POLL_READY)
		arena_release(&t->arena);
	arch_irq_disable();
	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = result);
	if (result == POLL_READY) {
		/* The joiners may outrank t; this CPU looks in a moment anyway. */
		struct cpu *c = arch_cpu();

		c->preempt_off++;
		task_finish(t, *(const int *)t->frame);
		c->preempt_off--;
	}
	return result;
}

static void idle(void)
{
	struct cpu *c = arch_cpu();

	c->idle_since_ns = clock_ns();
	TRACE(CPU_IDLE, power_cpu_idle, .state = 1);
	arch_idle();
	TRACE(CPU_IDLE, power_cpu_idle, .state = UINT32_MAX);
	c->idle_ns += clock_ns() - c->idle_since_ns;
	c->idle_since_ns = 0;
}

void worker_main(void) NO_THREAD_SAFETY_ANALYSIS
{
	arrive();
	/* A CPU's first worker arrives without a task, and must look before it idles. */
	struct task *t = arch_cpu()->current;
	enum poll result = t ? poll_task(t) : POLL_PENDING;

	for (;;) {
		t = dispatch(t, result);
		if (t)
			result = poll_task(t);
		else
			idle();
	}
}

void executor_run(void) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct worker *first;

	(void)spin_lock(&scheduler.lock);
	scheduler.seq++;
	scheduler.running[c->id] = scheduler.promised[c->id] = RANK_IDLE;
	TRACE(CPU_ONLINE, cpu_online, .cpu = c->id, .cpus = cpu_count);
	first = worker_take();
	ASSERT(first);
	c->current = NULL;
	change_stack(c, first, NULL);
	panic("a boot stack was resumed");
}

void executor_preempt(void) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct task *cur = c->current, *next;
	bool quantum_over;
	u64 now_ns;

	(void)spin_lock(&scheduler.lock);
	scheduler.seq++;
	now_ns = clock_ns();
	quantum_over = now_ns >= c->quantum_end_ns;
	hint_take(c);
	next = runqueue_first(c->id);
	if (!next || rank_of(next) >= rank_of(cur) + quantum_over)
		goto stay;

	struct worker *to = next->worker ? next->worker : worker_take();

	if (!to) {
		scheduler.starved = true;
		TRACE(WORKER_NONE, worker_exhausted, .tid = (i32)next->id, .seq = scheduler.seq);
		goto stay;
	}
	stop_running(cur, now_ns);
	cur->preemptions++;
	cur->quantum_left_ns = 0;
	if (cur->params.quantum_ns && !quantum_over)
		cur->quantum_left_ns = c->quantum_end_ns - now_ns;
	c->frozen_why = quantum_over ? TRACE_enqueue_why_quantum : TRACE_enqueue_why_preempt;
	place(c,
	      (struct leaver){cur, TRACE_task_state_ready,
			      quantum_over ? TRACE_switch_why_quantum
					   : TRACE_switch_why_preempted},
	      next, now_ns);
	next->worker = NULL;
	hint_rest();
	change_stack(c, to, cur);
	arrive(); /* resumed, perhaps on another CPU */
	return;
stay:
	if (quantum_over)
		c->quantum_end_ns = now_ns + cur->params.quantum_ns;
	hint_rest();
	spin_unlock_raw(&scheduler.lock);
	timer_program();
}
