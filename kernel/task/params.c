/*
 * Changing a task's place in the order while it waits, is queued, runs, or is on its way from one
 * to the other.
 *
 * Its own lock (t->lock) keeps two such changes apart, so a task that is ready and in no queue is
 * so for us alone; to all others a ready task is one that is noted when it is woken.
 *
 * The tasks of a policy whose keys compare only within one queue (single) are at home in shard 0. To
 * move one there, two shards' locks are held, that of shard 0 last: no other operation takes two, so
 * nobody waits in a circle. Who waited for the old home's lock sees that it moved (home_lock).
 *
 * Why the right tasks run afterwards: a queued task is queued anew, with a hint like any other. A
 * running one has its CPU hinted, which then sets its promise to the new rank and looks; so the
 * proof in hint.c holds, with the look in the place of a task that begins to run.
 */
#include "base/printf.h"
#include "base/string.h"
#include "core/time.h"
#include "task/runqueue.h"

static void record(const struct task *t, u32 seq) REQUIRES(t->home->lock)
{
	TRACE_OP(seq, SCHED_PARAMS, sched_params, .tid = (i32)t->id, .class = (u8)t->params.class,
		 .prio = t->params.level, .share = t->params.share,
		 .key = t->state == TASK_WAITING ? 0 : t->entity.key,
		 .deadline_ns = t->deadline_ns, .quantum_ns = t->entity.quantum_ns,
		 .cpus = t->entity.cpus);
}

/* Under the home's lock; leaves with the new home's, or the same. */
static void requeue(struct task *t, const struct sched_policy *policy,
		    void (*change)(struct task *t, const void *arg), const void *arg)
	NO_THREAD_SAFETY_ANALYSIS
{
	bool queued = t->state == TASK_READY;
	struct shard *old = t->home;
	bool moves = policy->single && old != &shards[0];
	u32 seq;

	if (queued) {
		runqueue_remove(t);
		TRACE_OP(op_seq(traced()), SCHED_DEQUEUE, sched_dequeue, .tid = (i32)t->id);
	}
	if (moves)
		spin_lock_raw(&shards[0].lock);
	change(t, arg);
	rank_update(t);
	if (queued)
		runqueue_add(t, false);
	seq = op_seq(traced());
	record(t, seq);
	if (queued)
		runqueue_record(t, TRACE_enqueue_why_params, seq);
	if (moves)
		spin_unlock_raw(&old->lock);
}

int task_requeue(struct task *t, const struct sched_policy *policy,
		 void (*change)(struct task *t, const void *arg), const void *arg)
	NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = spin_lock(&t->lock);
	struct cpu *c = arch_cpu();
	unsigned target = TRACE_NO_CPU;
	enum task_state state;
	struct wanted w;

	home_lock(t);
	state = t->state;
	if (state != TASK_DEAD)
		requeue(t, policy, change, arg);
	w = wanted(t);
	home_unlock(t);
	if (state == TASK_READY)
		target = hint_for(w);
	else if (state == TASK_RUNNING)
		target = hint_runner(w);
	spin_unlock_raw(&t->lock);
	if (target == c->id)
		act_on_own_hint(c, irqs);
	arch_irq_restore(irqs);
	return state == TASK_DEAD ? ERR_CLOSED : 0;
}

static void change_params(struct task *t, const void *arg) NO_THREAD_SAFETY_ANALYSIS
{
	const struct sched_params *p = arg;
	const struct sched_policy *policy = sched_policy_of(p->class);
	bool job = t->state != TASK_WAITING;

	if (job && t->policy->leave)
		t->policy->leave(queue_of(t), &t->entity, &t->params);
	if (policy != t->policy)
		memset(&t->entity.own, 0, sizeof t->entity.own);
	t->params = *p;
	t->policy = policy;
	t->entity.cpus = sched_cpus(p);
	t->quantum_left_ns = 0;
	if (policy->single) /* relaxed: both locks are held */
		__atomic_store_n(&t->home, &shards[0], __ATOMIC_RELAXED);
	/* relaxed: the hint that follows orders it */
	atomic_store_explicit(&t->requantum, t->state == TASK_RUNNING, memory_order_relaxed);
	if (!job)
		return;
	t->deadline_ns = p->deadline_ns ? t->release_ns + p->deadline_ns : TIME_NEVER;
	policy->release(queue_of(t), &t->entity, &t->params, t->release_ns);
}

int task_set_params(struct task *t, const struct sched_params *p)
{
	char why[SCHED_WHY_BYTES] = "a task with a server or an admission keeps its parameters";
	int err = ERR_INVAL;

	if (!p->budget_ns && !t->params.budget_ns && !t->admitted)
		err = sched_validate(p, why);
	if (err)
		kprintf("task_set_params: %s: %s\n", t->name, why);
	else
		err = task_requeue(t, sched_policy_of(p->class), change_params, p);
	return err;
}
