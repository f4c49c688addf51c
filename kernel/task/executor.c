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
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/panic.h"
#include "core/start.h"
#include "core/time.h"
#include "task/fault.h"
#include "task/look.h"

#define SUSPENDED_MAX 64u /* polls that can be suspended at the same time, over all CPUs */

static void describe(void)
{
	const struct task *t = arch_cpu()->current;

	if (t)
		kprintf("  in task %u, %.16s, job %u\n", t->id, t->name, t->job);
}

/* shards=N: 1 is one lock for all. */
static unsigned shards_wanted(void)
{
	char text[8];
	u64 n;

	if (!words_find(board_cmdline(), "shards", text, sizeof text))
		return cpu_count;
	if (!parse_u64(text, &n) && n >= 1 && n <= SHARDS_MAX)
		return (unsigned)n;
	kprintf("shards=%s: expected a number from 1 to %u; taking %u\n", text, SHARDS_MAX,
		cpu_count);
	return cpu_count;
}

void executor_init(void)
{
	panic_describe = describe;
	fault_init();
	runqueue_init(shards_wanted());
	workers_init(2 * cpu_count + SUSPENDED_MAX); /* a CPU's own and one at hand */
}

ALWAYS_INLINE void reap(struct cpu *c)
{
	struct task *dead = c->dead;

	if (unlikely(dead)) {
		c->dead = NULL;
		task_put(dead);
	}
}

/* Sets the timer if the end of the quantum is not the one that it was set for. */
ALWAYS_INLINE void quantum_program(const struct cpu *c)
{
	if (c->quantum_end_ns != c->timer_quantum_ns)
		timer_program();
}

/* Counts what @p t ran since it began, or since the last call, and tells its policy. */
ALWAYS_INLINE void charge(struct task *t, u64 now_ns, bool quantum_over) REQUIRES(t->home->lock)
{
	u64 ran_ns = now_ns - t->since_ns;

	t->cpu_ns += ran_ns;
	t->since_ns = now_ns;
	if (t->policy->charge) {
		t->policy->charge(queue_of(t), &t->entity, &t->params, ran_ns, now_ns,
				  quantum_over);
		rank_update(t);
	}
}

/* Queues @p t, which was suspended, now that its stack is left. */
static void queue_suspended(const struct cpu *c, struct task *t)
{
	struct wanted w;

	home_lock(t);
	if (c->frozen_why == TRACE_enqueue_why_preempt) {
		charge(t, c->left_ns, false);
		t->quantum_left_ns = c->quantum_left_ns;
	} else {
		t->quantum_left_ns = 0;
	}
	t->worker = c->left;
	t->preemptions++;
	runqueue_add(t, c->frozen_why == TRACE_enqueue_why_preempt);
	runqueue_record(t, c->frozen_why, op_seq(traced()));
	w = wanted(t);
	home_unlock(t);
	hint_others(w);
}

/* First thing on every stack that was switched to. */
ALWAYS_INLINE void arrive(void)
{
	struct cpu *c = arch_cpu();
	struct task *frozen = c->frozen;

	c->frozen = NULL;
	if (frozen)
		queue_suspended(c, frozen);
	else if (c->left && worker_give(c, c->left))
		hint_rest();
	reap(c);
	quantum_program(c);
}

/* Leaves this stack for @p to. The poll of @p frozen stays here; NULL: nothing does, and the stack
 * is free once it is left. */
ALWAYS_INLINE void change_stack(struct cpu *c, struct worker *to, struct task *frozen)
{
	struct worker *from = c->worker;
	void *boot_sp;

	TRACE_OP(op_seq(traced()), WORKER_SWITCH, worker_switch, .from_worker = from ? from->id : 0,
		 .to_worker = to->id, .frozen_tid = frozen ? (i32)frozen->id : 0);
	c->frozen = frozen;
	c->left = from;
	c->worker = to;
	arch_switch(from ? &from->sp : &boot_sp, to->sp);
}

/* The task that leaves a CPU; a copy, because it may run elsewhere already, and be gone. */
struct leaver {
	u32 tid; /* 0 from idle */
	u8 level;
	u8 state; /* TRACE_task_state_* */
	u8 why;	  /* TRACE_switch_why_* */
};

/* @p suspended: the leaver, if it competes; @p next: NULL to idle. */
static __attribute__((noinline)) void record_switch(u32 seq, const struct leaver *prev,
						    const struct task *suspended,
						    const struct task *next, u64 now_ns)
{
	decision_record(seq, suspended, next, now_ns);
	TRACE_OP(seq, SCHED_SWITCH, sched_switch, .prev_tid = (i32)prev->tid,
		 .next_tid = next ? (i32)next->id : 0, .prev_state = prev->state,
		 .prev_prio = prev->level, .next_prio = next ? next->params.level : 0,
		 .why = prev->why);
}

/* relaxed, both: the home's lock orders them but for task_poll_again, which is on this CPU */
static inline bool noted(const struct task *t)
{
	return atomic_load_explicit(&t->noted, memory_order_relaxed);
}

static inline void note_clear(struct task *t)
{
	atomic_store_explicit(&t->noted, false, memory_order_relaxed);
}

/* Makes @p next, which is in no queue, what @p c runs; all but the stack. */
ALWAYS_INLINE void place(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	u64 quantum_ns = next->entity.quantum_ns;

	if (unlikely(next->quantum_left_ns))
		quantum_ns = MIN(quantum_ns, next->quantum_left_ns);
	next->state = TASK_RUNNING;
	next->cpu = c->id;
	next->since_ns = now_ns;
	if (likely(!next->worker))
		note_clear(next);
	c->quantum_end_ns = quantum_ns ? now_ns + quantum_ns : TIME_NEVER;
	c->current = next;
	c->switches++;
}

static inline void end_job(struct task *t, u64 now_ns) REQUIRES(t->home->lock)
{
	if (t->policy->leave)
		t->policy->leave(queue_of(t), &t->entity, &t->params);
	if (now_ns > t->deadline_ns)
		t->misses++;
	TRACE_OP(op_seq(traced()), JOB_DONE, sched_job_done, .tid = (i32)t->id, .job = t->job,
		 .done_ns = now_ns, .deadline_ns = t->deadline_ns);
}

/* What becomes of a task whose poll returned. Returns TRACE_switch_why_*. */
ALWAYS_INLINE u8 settle(struct cpu *c, struct task *t, enum poll result, u64 now_ns, bool on)
	REQUIRES(t->home->lock)
{
	charge(t, now_ns, now_ns >= c->quantum_end_ns);
	t->quantum_left_ns = 0;
	if (noted(t) && result == POLL_PENDING) {
		/* Woken while it ran: the wake-up is not lost, it is polled again. */
		bool next_job = t->next_deadline_ns;
		u32 seq;

		if (unlikely(next_job)) {
			end_job(t, now_ns);
			task_release(t, now_ns);
		}
		runqueue_add(t, false);
		seq = op_seq(on);
		if (on && next_job)
			task_record_release(t, seq);
		if (on)
			runqueue_record(t, TRACE_enqueue_why_yield, seq);
		return TRACE_switch_why_yielded;
	}
	t->state = TASK_WAITING;
	end_job(t, now_ns);
	if (likely(result == POLL_PENDING))
		return TRACE_switch_why_blocked;
	t->state = TASK_DEAD;
	c->dead = t;
	return TRACE_switch_why_exited;
}

static struct leaver leaver_after(const struct task *t, u8 why)
{
	static const u8 state[] = {
		[TRACE_switch_why_blocked] = TRACE_task_state_waiting,
		[TRACE_switch_why_exited] = TRACE_task_state_dead,
		[TRACE_switch_why_yielded] = TRACE_task_state_ready,
		[TRACE_switch_why_preempted] = TRACE_task_state_ready,
		[TRACE_switch_why_quantum] = TRACE_task_state_ready,
	};

	return (struct leaver){t->id, t->params.level, state[why], why};
}

/*
 * The way that most yields take where there is one shard: @p prev goes behind its equals, and the
 * first of them, which is returned, runs. That is what the queue would give, and nothing else
 * changes, neither the classes that wait nor the promise. NULL: it is not that simple.
 */
ALWAYS_INLINE struct task *take_turns(struct task *prev) REQUIRES(prev->home->lock)
{
	const struct shard *s = prev->home;
	u32 class = 1u << prev->policy->urgency;
	struct levels *l;
	struct task *next;

	if ((s->classes & -s->classes) != class || !(s->simple & class) || is_pinned(prev) ||
	    prev->next_deadline_ns)
		return NULL;
	l = queue_of(prev);
	next = CONTAINER_OF(levels_first(l), struct task, entity);
	if (next->entity.key != prev->entity.key || next->worker)
		return NULL;
	levels_rotate(l, &next->entity, &prev->entity);
	prev->state = TASK_READY;
	return next;
}

/* @p prev yielded, and this CPU goes on with @p next. */
static void hint_for_yielded(const struct wanted *prev, const struct task *next)
{
	/* next may run everywhere: then whoever could take prev could have taken next (hint.c). */
	if (next && (next->id == prev->tid || (next->rank == prev->rank && !is_pinned(next))))
		hint_none(prev);
	else
		hint_others(*prev);
}

/* Polls @p next, whose poll is suspended on another stack: there. Returns when this stack, which
 * is given up, is used again, with the task that this CPU was given then. */
static struct task *resume(struct cpu *c, struct task *next)
{
	struct worker *to = next->worker;

	next->worker = NULL;
	change_stack(c, to, NULL);
	arrive();
	return arch_cpu()->current;
}

/*
 * After a poll of @p prev (NULL: idle) that gave @p result: decides what this CPU does next.
 * Returns the task to poll on this stack, or NULL to idle. Interrupts masked.
 */
ALWAYS_INLINE struct task *dispatch(struct task *prev, enum poll result) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	const bool on = traced();
	struct look look = {.below = RANK_IDLE, .otherwise = RANK_IDLE};
	struct leaver leaver = {0, 0, TRACE_task_state_ready, TRACE_switch_why_from_idle};
	struct wanted yielded = {.tid = 0};
	struct shard *held = NULL;
	struct task *next;
	u64 now_ns = clock_ns();

	if (prev) {
		u8 why;

		home_lock(prev);
		if (shard_count == 1 && !on && noted(prev) && !result && !cpu_hinted(c)) {
			next = take_turns(prev);
			if (next) {
				charge(prev, now_ns, now_ns >= c->quantum_end_ns);
				prev->quantum_left_ns = 0;
				place(c, next, now_ns);
				home_unlock(next);
				quantum_program(c);
				return next;
			}
		}
		c->current = NULL;
		why = settle(c, prev, result, now_ns, on);
		if (on)
			leaver = leaver_after(prev, why);
		if (why == TRACE_switch_why_yielded && (on || others_online()))
			yielded = wanted(prev);
		if (shard_count == 1)
			held = prev->home;
		else
			home_unlock(prev);
	}
	look_begin(&look, c, on);
	next = look_take(&look, held);
	if (on && (next || prev))
		record_switch(op_seq(on), &leaver, NULL, next, now_ns);
	if (likely(next)) {
		runqueue_remove(next);
		place(c, next, now_ns);
		home_unlock(next);
	} else if (prev) {
		c->current = NULL;
		c->quantum_end_ns = TIME_NEVER;
		c->switches++;
	}
	if (unlikely(yielded.tid))
		hint_for_yielded(&yielded, next);
	look_end(&look, next || prev, on);
	if (next && unlikely(next->worker))
		return resume(c, next);
	reap(c);
	quantum_program(c);
	return next;
}

/* The joiners may outrank t; this CPU looks in a moment anyway. */
static void finish(struct task *t, int status)
{
	struct cpu *c = arch_cpu();

	c->preempt_off++;
	task_finish(t, status);
	c->preempt_off--;
}

ALWAYS_INLINE enum poll poll_task(struct task *t)
{
	enum poll result;

	t->polls++;
	TRACE(POLL_BEGIN, async_poll_begin, .tid = (i32)t->id, .worker = worker_here());
	arch_irq_enable();
	/* relaxed: see task_kill */
	result = atomic_load_explicit(&t->fn, memory_order_relaxed)(t->frame);
	if (unlikely(result == POLL_READY))
		task_let_go(t);
	arch_irq_disable();
	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = result);
	if (unlikely(result == POLL_READY))
		finish(t, *(const int *)t->frame);
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

static _Noreturn void go_on(struct task *t, enum poll result)
{
	for (;;) {
		t = dispatch(t, result);
		if (t)
			result = poll_task(t);
		else
			idle();
	}
}

void worker_main(void)
{
	arrive();
	/* A CPU's first worker arrives without a task, and must look before it idles. */
	struct task *t = arch_cpu()->current;

	go_on(t, t ? poll_task(t) : POLL_PENDING);
}

void worker_abandoned(void)
{
	struct task *t = arch_cpu()->current;

	task_end(t);
	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = TRACE_poll_result_abandoned);
	finish(t, t->status);
	go_on(t, POLL_READY);
}

void executor_run(void)
{
	struct cpu *c = arch_cpu();
	struct worker *first = worker_take(c);

	ASSERT(first);
	TRACE(CPU_ONLINE, cpu_online, .cpu = c->id, .cpus = cpu_count);
	(void)promise_set(c, RANK_IDLE);
	/* relaxed: a CPU that is not in the set yet looks by itself */
	atomic_fetch_or_explicit(&online_cpus, 1ull << c->id, memory_order_relaxed);
	c->current = NULL;
	change_stack(c, first, NULL);
	panic("a boot stack was resumed");
}

/* The running task goes on; its quantum begins anew if it is over. */
static void stay(const struct look *l, const struct task *cur, bool quantum_over, u64 now_ns)
{
	u64 quantum_ns = cur->entity.quantum_ns;

	if (quantum_over)
		l->cpu->quantum_end_ns = quantum_ns ? now_ns + quantum_ns : TIME_NEVER;
	look_end(l, false, traced());
	quantum_program(l->cpu);
}

/* The running task's quantum is over: that may change its rank. */
static void charge_quantum(struct task *cur, u64 now_ns)
{
	home_lock(cur);
	charge(cur, now_ns, true);
	home_unlock(cur);
}

/* @p next was found, and its home is locked: whether @p cur goes on all the same, because its
 * policy says so, or because there is no stack. Else *@p to is the stack to go to. */
static bool refuse(const struct look *l, const struct task *cur, const struct task *next,
		   struct worker **to) REQUIRES(next->home->lock)
{
	const struct sched_policy *p = cur->policy;

	if (next->rank == l->otherwise && p->keeps && p == next->policy &&
	    p->keeps(queue_of(next), &cur->entity, &next->entity, l->cpu->id))
		return true;
	*to = next->worker ? next->worker : worker_take(l->cpu);
	if (*to)
		return false;
	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)next->id);
	return true;
}

/* Makes @p next, whose home is locked, what @p c runs in place of its task; all but the stack. */
ALWAYS_INLINE void replace(struct cpu *c, struct task *next, u64 now_ns)
	REQUIRES(next->home->lock)
{
	c->left_ns = now_ns;
	c->quantum_left_ns = c->quantum_end_ns == TIME_NEVER ? 0 : c->quantum_end_ns - now_ns;
	place(c, next, now_ns);
	next->worker = NULL;
}

static void preempt(const struct look *l, struct task *cur, struct task *next, struct worker *to,
		    u64 now_ns, bool quantum_over) RELEASE(next->home->lock)
{
	const bool on = traced();
	struct cpu *c = l->cpu;

	c->frozen_why = quantum_over ? TRACE_enqueue_why_quantum : TRACE_enqueue_why_preempt;
	if (on) {
		struct leaver leaver = leaver_after(cur, quantum_over ? TRACE_switch_why_quantum
								      : TRACE_switch_why_preempted);

		record_switch(op_seq(on), &leaver, cur, next, now_ns);
	}
	runqueue_remove(next);
	replace(c, next, now_ns);
	home_unlock(next);
	look_end(l, true, on);
	change_stack(c, to, cur);
	arrive(); /* resumed, perhaps on another CPU */
}

void executor_preempt(void) NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();
	struct task *cur = c->current, *next;
	u64 now_ns = clock_ns();
	bool quantum_over = now_ns >= c->quantum_end_ns;
	struct look look;
	struct worker *to;

	cpu_attended(c);
	if (quantum_over)
		charge_quantum(cur, now_ns);
	look.otherwise = cur->rank;
	look.below = look.otherwise + quantum_over;
	look_begin(&look, c, traced());
	next = look_take(&look, NULL);
	if (!next) {
		stay(&look, cur, quantum_over, now_ns);
	} else if (refuse(&look, cur, next, &to)) {
		(void)promise_set(c, look.otherwise);
		home_unlock(next);
		stay(&look, cur, quantum_over, now_ns);
	} else {
		preempt(&look, cur, next, to, now_ns, quantum_over);
	}
	fault_point();
}

/* True when @p t, which was just released and is in no queue, is what this CPU would run next. */
ALWAYS_INLINE bool comes_next(const struct cpu *c, const struct task *t) REQUIRES(t->home->lock)
{
	const struct task *first;

	if (shard_count > 1 || others_online() || traced() || cpu_hinted(c))
		return false;
	if (!c->current || c->irq_depth || c->preempt_off || t->rank >= c->current->rank)
		return false;
	if (!t->policy->levels || !(t->entity.cpus >> c->id & 1))
		return false;
	first = shard_first(t->home, c->id);
	return !first || t->rank < first->rank;
}

/*
 * The way that most preempting wakes take on one CPU: @p t, just released, runs here at once, as
 * it would by way of its queue, a hint and a look. False: it is not that simple; nothing was done.
 */
bool executor_hand_over(struct cpu *c, struct task *t, u64 now_ns) NO_THREAD_SAFETY_ANALYSIS
{
	struct worker *to;
	struct task *cur;

	if (!comes_next(c, t) || now_ns >= c->quantum_end_ns)
		return false;
	to = worker_take(c);
	if (!to)
		return false;
	(void)promise_set(c, t->rank);
	c->frozen_why = TRACE_enqueue_why_preempt;
	cur = c->current;
	replace(c, t, now_ns);
	home_unlock(t);
	change_stack(c, to, cur);
	arrive();
	fault_point();
	return true;
}
