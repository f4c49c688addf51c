/*
 * The executor: each CPU runs a worker, which takes the most urgent task and polls it on its own
 * stack. Going from one task to the next at an await is a return and a call. Preemption is the
 * other way to give a CPU on: the task's poll stays where it is, suspended on the worker's stack,
 * and another worker, with the more urgent task, takes the CPU.
 *
 * A suspended task stays "running", in no queue, until its stack is left: whoever arrives on the
 * next stack queues it (arrive). Nobody can resume or queue a stack that is still in use, and no
 * lock is held from one stack to the other. A wake in between is noted.
 */
#include "base/printf.h"
#include "core/boot.h"
#include "task/handover.h"

#define SUSPENDED_MAX 64u /* polls that can be suspended at the same time, over all CPUs */

static void describe(void)
{
	const struct task *t = arch_cpu()->current;

	if (t)
		kprintf("  in task %u, %.16s, job %u\n", t->id, t->name, t->job);
}

void executor_init(void)
{
	panic_describe = describe;
	fault_init();
	inherit_default = boot_word(BOOT_INHERIT) == BOOT_INHERIT_ON;
	runqueue_init((unsigned)boot_word(BOOT_SHARDS)); /* else one for all: docs/performance.md */
	workers_init(2 * cpu_count + SUSPENDED_MAX); /* a CPU's own and one at hand */
}

void charge_policy(struct task *t, u64 since_ns, u64 now_ns, bool quantum_over)
{
	u64 from_ns = MAX(since_ns, t->changed_ns), ran_ns = now_ns - MIN(from_ns, now_ns);
	u32 seq;

	if (!t->policy->charge || !t->entity.quantum_ns)
		return;
	t->policy->charge(queue_of(t), &t->entity, &t->params, ran_ns, now_ns, quantum_over);
	rank_update(t);
	seq = op_seq(traced());
	TRACE_OP(seq, SCHED_CHARGE, sched_charge, .tid = (i32)t->id, .ran_ns = ran_ns,
		 .key = t->entity.key, .quantum_over = quantum_over);
	server_record(t, seq);
}

void queue_suspended_any(const struct cpu *c, struct task *t)
{
	struct wanted w;

	if (c->frozen_why == TRACE_enqueue_why_preempt)
		charge(t, c->left_ns, false);
	if (server_throttles(t)) {
		server_park(t, op_seq(traced()));
		home_unlock(t);
		server_arm(t);
		return;
	}
	runqueue_add(t, c->frozen_why == TRACE_enqueue_why_preempt);
	runqueue_record(t, c->frozen_why, op_seq(traced()));
	w = wanted(t);
	home_unlock(t);
	hint_others(w);
}

static void leave_policy(struct task *t) REQUIRES(t->home->lock)
{
	if (t->policy->leave)
		t->policy->leave(queue_of(t), &t->entity, &t->params);
}

ALWAYS_INLINE void end_job(struct task *t, u64 now_ns, bool on) REQUIRES(t->home->lock)
{
	u32 seq = op_seq(on);

	TRACE_OP(seq, JOB_DONE, sched_job_done, .tid = (i32)t->id, .job = t->job,
		 .done_ns = now_ns, .deadline_ns = t->deadline_ns);
	if (now_ns <= t->deadline_ns)
		return;
	t->misses++;
	TRACE_OP(seq, SCHED_MISS, sched_miss, .tid = (i32)t->id, .job = t->job,
		 .deadline_ns = t->deadline_ns, .late_ns = now_ns - t->deadline_ns);
}

/* What becomes of a task whose poll returned. Returns TRACE_switch_why_*. */
ALWAYS_INLINE u8 settle(struct cpu *c, struct task *t, enum poll result, u64 now_ns, bool on)
	REQUIRES(t->home->lock)
{
	charge(t, now_ns, now_ns >= c->quantum_end_ns);
	if (noted(t) && result == POLL_PENDING) {
		/* Woken while it ran: the wake-up is not lost, it is polled again. */
		bool next_job = t->next_deadline_ns;
		u32 seq;

		if (unlikely(next_job)) {
			leave_policy(t);
			end_job(t, now_ns, on);
			task_release(t, now_ns);
		}
		if (!server_throttles(t))
			runqueue_add(t, false);
		seq = op_seq(on);
		if (on && next_job)
			task_record_release(t, seq);
		if (server_throttles(t)) {
			server_park(t, seq);
			return TRACE_switch_why_throttled;
		}
		if (on)
			runqueue_record(t, TRACE_enqueue_why_yield, seq);
		return TRACE_switch_why_yielded;
	}
	t->state = TASK_WAITING;
	leave_policy(t);
	end_job(t, now_ns, on);
	if (likely(result == POLL_PENDING))
		return TRACE_switch_why_blocked;
	t->state = TASK_DEAD;
	return TRACE_switch_why_exited;
}

/* relaxed, all: left_out is the CPU's own */
void leave_out(struct cpu *c)
{
	if (atomic_load_explicit(&c->left_out, memory_order_relaxed))
		return;
	atomic_store_explicit(&c->left_out, true, memory_order_relaxed);
	TRACE_OP(op_seq(traced()), CPU_OFFLINE, cpu_offline, .cpu = c->id);
	if (c->spare && worker_give_other(c->spare))
		hint_rest();
	c->spare = NULL;
}

/* Whether @p c, which looks, is to take nothing. */
static bool is_to_leave(struct cpu *c)
{
	bool leaving = is_leaving(c);

	if (!leaving && atomic_load_explicit(&c->left_out, memory_order_relaxed)) {
		atomic_store_explicit(&c->left_out, false, memory_order_relaxed);
		TRACE(CPU_ONLINE, cpu_online, .cpu = c->id, .cpus = cpu_count);
	}
	return leaving;
}

/* take_next where shard_take gives nothing: who comes next in a queue of any kind, or @p prev itself. */
ALWAYS_INLINE struct task *take_any(const struct cpu *c, struct task *prev, bool again)
	NO_THREAD_SAFETY_ANALYSIS
{
	struct task *next = shard_first(prev->home, c->id);

	if (prev->home->shared || !prev->policy->passes)
		return NULL;
	if (again) {
		if (!alone || prev->entity.quantum_ns || (next && next->rank < prev->rank))
			return NULL;
		if (!next || next->rank > prev->rank)
			return prev;
		runqueue_add(prev, false);
	}
	if (next)
		runqueue_remove(next);
	return next;
}

/*
 * The way that most ends of polls take where nothing is recorded, and yields in any case. The task
 * that is returned runs: the first that waits, as the job of @p prev is done; or, if prev is to be
 * polled @p again, the first of its equals, behind whom it goes. That is what the queue would give,
 * and with an equal neither the classes that wait nor the promise change. On one CPU, who comes
 * before all others goes on at once. NULL: it is not that simple; nothing was done.
 */
ALWAYS_INLINE struct task *take_next(struct cpu *c, struct task *prev, u64 now_ns, bool again, bool on,
				     struct worker **holds) NO_THREAD_SAFETY_ANALYSIS
{
	struct shard *s = prev->home;
	struct task *next;

	if (again && (is_pinned(prev) || prev->next_deadline_ns))
		return NULL;
	next = shard_take(s, again ? prev : NULL);
	if (unlikely(!next) && !on)
		next = take_any(c, prev, again);
	if (unlikely(!next))
		return NULL;
	if (likely(prev->policy->levels)) { /* it need not be told */
		account(prev, now_ns);
	} else {
		charge(prev, now_ns, now_ns >= c->quantum_end_ns);
		if (!again)
			leave_policy(prev);
	}
	prev->state = again ? TASK_READY : TASK_WAITING;
	if (on)
		record_yield(c, prev, next, now_ns);
	if (!again) {
		end_job(prev, now_ns, false);
		/* relaxed: as in hand_over */
		atomic_store_explicit(&c->promised, next->rank, memory_order_relaxed);
	}
	*holds = place(c, next, now_ns);
	spin_unlock_raw(&s->lock);
	return next;
}

/* @p prev yielded, and this CPU goes on with @p next. */
static void hint_for_yielded(const struct wanted *prev, const struct task *next)
{
	/* next may run everywhere: then whoever could take prev could have taken next (hint.c).
	 * relaxed, both: who changes them meanwhile hints this CPU behind it */
	if (next && (next->id == prev->tid ||
		     (__atomic_load_n(&next->rank, __ATOMIC_RELAXED) == prev->rank &&
		      __atomic_load_n(&next->entity.cpus, __ATOMIC_RELAXED) == SCHED_CPUS_ALL)))
		hint_none(prev);
	else
		hint_others(*prev);
}

/* @p c goes on with @p next (NULL: idle): here, or on the stack that @p holds its suspended poll.
 * Returns what this stack is to poll, when it is used. @p on: traced. */
ALWAYS_INLINE struct task *go_to(struct cpu *c, struct task *next, struct worker *holds, bool on)
{
	if (unlikely(holds)) {
		next->worker = NULL;
		change_stack(c, holds, NULL, on);
		return arrive()->current; /* given to the CPU that uses this stack again */
	}
	quantum_program(c);
	return next;
}

/* dispatch in general: after a poll of @p prev (NULL: idle), which is locked since @p now_ns, that
 * gave @p result. */
static __attribute__((noinline)) struct task *
dispatch_any(struct task *prev, enum poll result, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	const bool on = traced();
	struct look look = {.below = RANK_IDLE, .otherwise = RANK_IDLE};
	struct trace_sched_switch leaver = {.why = TRACE_switch_why_from_idle};
	struct wanted yielded = {.tid = 0};
	struct worker *holds = NULL;
	struct shard *held = NULL;
	struct task *next;
	u8 why = TRACE_switch_why_none;

	if (prev) {
		why = settle(c, prev, result, now_ns, on);
		if (on)
			leaver = leaver_after(prev, why, prev->params.level);
		if (why == TRACE_switch_why_yielded && (on || others_online()))
			yielded = wanted(prev);
		if (shard_count == 1)
			held = prev->home;
		else
			home_unlock(prev);
	}
	look_begin(&look, c, on);
	if (unlikely(look.spent || !prev) && is_to_leave(c))
		look.below = look.otherwise = 0; /* nothing is that urgent */
	next = look_take(&look, held);
	if (unlikely(!look.otherwise))
		leave_out(c);
	if (on && (next || prev))
		record_switch(op_seq(on), &leaver, NULL, next, false, now_ns);
	if (likely(next)) {
		runqueue_remove(next);
		holds = place(c, next, now_ns);
		home_unlock(next);
	} else if (prev) {
		place_none(c);
	}
	if (unlikely(yielded.tid))
		hint_for_yielded(&yielded, next);
	look_end(&look, next || prev, on);
	if (unlikely(why == TRACE_switch_why_throttled))
		server_arm(prev);
	if (unlikely(why == TRACE_switch_why_exited))
		task_unref(prev);
	return go_to(c, next, holds, on);
}

/*
 * After a poll of @p prev (NULL: idle) that gave @p result: decides what this CPU does next. A task
 * whose poll is suspended goes on on its own stack, and this one is given up. Returns the task to
 * poll on this stack, or NULL to idle. @p on: something may be recorded. Interrupts masked.
 */
ALWAYS_INLINE struct task *dispatch(struct task *prev, enum poll result, bool on) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct worker *holds = NULL;
	struct task *next = NULL;
	u64 now_ns = clock_ns();

	if (likely(prev)) {
		home_lock(prev);
		if (likely(!result && !cpu_hinted(c)) && (!on || noted(prev)))
			next = noted(prev) ? take_next(c, prev, now_ns, true, on, &holds)
					   : take_next(c, prev, now_ns, false, false, &holds);
	}
	return likely(next) ? go_to(c, next, holds, on) : dispatch_any(prev, result, now_ns);
}

static __attribute__((noinline)) struct task *dispatch_told(struct task *prev, enum poll result)
{
	return dispatch(prev, result, true);
}

/* @p t is done. Its joiners may outrank it; this CPU looks in a moment anyway. */
static void finish(struct task *t, int status)
{
	arch_cpu()->preempt_off++;
	task_finish(t, status);
	arch_cpu()->preempt_off--;
}

/* deadline_ns and job change when a job is released, and not while its task runs; or with its
 * parameters: then either deadline will do. */
static void tell_miss(struct task *t) NO_THREAD_SAFETY_ANALYSIS
{
	u64 now_ns = clock_ns();

	if (!t->on_miss || now_ns <= t->deadline_ns || t->missed_job == t->job)
		return;
	t->missed_job = t->job;
	t->on_miss(t->frame, t->job, now_ns - t->deadline_ns);
}

/* The last poll of @p t returned. */
static __attribute__((noinline)) void end(struct task *t)
{
	task_shield(t); /* it has ended: nobody kills it any more */
	fault_release(t);
	arena_release(&t->arena);
	arch_irq_disable();
	arch_lock_none();
	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = POLL_READY);
	finish(t, *(const int *)t->frame);
}

/* True: it is pending, and nothing is recorded. */
ALWAYS_INLINE bool poll_task(struct task *t, enum poll *result)
{
	*result = POLL_READY;
	if (is_killed(t)) {
		fault_end_between_polls(t);
		finish(t, ERR_KILLED);
		return false;
	}
	TRACE(POLL_BEGIN, async_poll_begin, .tid = (i32)t->id, .worker = worker_here());
	arch_irq_enable();
	*result = t->fn(t->frame);
	if (unlikely(*result != POLL_PENDING || t->on_miss)) {
		tell_miss(t);
		if (*result == POLL_READY) {
			end(t);
			return false;
		}
	}
	arch_irq_disable();
	arch_lock_none();
	if (likely(!traced()))
		return true;
	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = POLL_PENDING);
	return false;
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

/* A poll of @p t (NULL: none) gave @p result. What follows. */
static _Noreturn void work(struct task *t, enum poll result)
{
	for (;;) {
		t = dispatch_told(t, result);
		while (likely(t) && poll_task(t, &result))
			t = dispatch(t, POLL_PENDING, false);
		if (!t)
			idle();
	}
}

void worker_main(void)
{
	/* A CPU's first worker arrives without a task, and must look before it idles. */
	struct task *t = arrive()->current;
	enum poll result = POLL_PENDING;

	if (t)
		(void)poll_task(t, &result);
	work(t, result);
}

void executor_end(int status)
{
	struct task *t = arch_cpu()->current;

	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = POLL_READY);
	finish(t, status);
	work(t, POLL_READY);
}

void executor_run(void)
{
	struct cpu *c = arch_cpu();
	struct worker *first = worker_take(c);
	void *boot_sp;

	ASSERT(first);
	TRACE(CPU_ONLINE, cpu_online, .cpu = c->id, .cpus = cpu_count);
	(void)promise_set(c, RANK_IDLE);
	/* relaxed: a CPU that is not in the set yet looks by itself */
	atomic_fetch_or_explicit(&online_cpus, 1ull << c->id, memory_order_relaxed);
	/* Others may have used the stack already; where they left it, nobody looks for a task. */
	first->sp = worker_fresh(first, worker_main);
	TRACE_OP(op_seq(traced()), WORKER_SWITCH, worker_switch, .to_worker = first->id);
	c->worker = first;
	arch_switch(&boot_sp, first->sp);
	panic("a boot stack was resumed");
}
