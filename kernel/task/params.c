/*
 * Changing a task's place in the order while it waits, is queued, runs, is throttled, or is on its
 * way from one to the other.
 *
 * All of it happens under the lock of the task's home, so nobody sees it half done. A throttled task
 * is its timer's, so the timer is stopped first.
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
#include "task/handover.h"

static void record(const struct task *t, const struct order *o, u32 seq) REQUIRES(t->home->lock)
{
	TRACE_OP(seq, SCHED_PARAMS, sched_params, .tid = (i32)t->id, .class = (u8)t->params.class,
		 .prio = t->params.level, .share = t->params.share, .hard = t->params.hard,
		 .inherited = t->own != NULL, .key = t->entity.key, .from_ns = o->from_ns, .deadline_ns = t->deadline_ns,
		 .relative_ns = t->params.deadline_ns, .quantum_ns = t->params.quantum_ns,
		 .budget_ns = t->params.budget_ns, .period_ns = t->params.period_ns,
		 .cpus = t->entity.cpus);
}

/* The policy that it leaves is told what it ran up to now. */
static void leave_policy(struct task *t, u64 now_ns) REQUIRES(t->home->lock)
{
	if (t->state == TASK_RUNNING)
		charge_policy(t, t->since_ns, now_ns, false);
	if (t->policy->leave)
		t->policy->leave(queue_of(t), &t->entity, &t->params);
}

/* All that its policy owns, but for the CPUs, which its own CPU reads meanwhile. */
static void begin_anew(struct sched_entity *e, const struct sched_server *server)
{
	e->key = 0;
	e->quantum_ns = 0;
	memset(&e->own, 0, sizeof e->own);
	e->own.server = *server;
}

/* @p t is in no queue; @p policy: of @p o. Under its home's lock and that of its home to be. */
static void reorder(struct task *t, const struct order *o, const struct sched_policy *policy)
	NO_THREAD_SAFETY_ANALYSIS
{
	bool job = t->state != TASK_WAITING;
	u64 now_ns = clock_ns();

	if (job)
		leave_policy(t, now_ns);
	if (o->left)
		*o->left = t->entity.own.server;
	if (policy != t->policy || o->params.budget_ns || t->params.budget_ns)
		begin_anew(&t->entity, &o->server);
	t->params = o->params;
	__atomic_store_n(&t->policy, policy, __ATOMIC_RELAXED); /* see refuse, in preempt.c */
	t->quantum_left_ns = 0;
	if (policy->single) /* relaxed: both locks are held */
		__atomic_store_n(&t->home, &shards[0], __ATOMIC_RELAXED);
	/* Of a waiting task it only says how urgent it will be, unless a class counts who is in it. */
	if (job || !policy->leave)
		policy->release(queue_of(t), &t->entity, &t->params, o->from_ns);
	rank_update(t);
	/* relaxed, both: its CPU is hinted behind them */
	__atomic_store_n(&t->entity.cpus, sched_cpus(&t->params), __ATOMIC_RELAXED);
	__atomic_store_n(&t->changed_ns, now_ns, __ATOMIC_RELAXED);
}

/* Takes it out of its queue, if it is in one, and queues it again. Under its home's lock; leaves
 * with that of its new home, which may be the same. */
static void requeue(struct task *t, const struct order *o) NO_THREAD_SAFETY_ANALYSIS
{
	const struct sched_policy *policy = sched_policy_of(o->params.class);
	bool ready = t->state == TASK_READY, stands = ready || t->state == TASK_THROTTLED;
	struct shard *old = t->home;
	bool moves = policy->single && old != &shards[0];
	u32 seq;

	if (ready) { /* numbered before others can see it */
		TRACE_OP(op_seq(traced()), SCHED_DEQUEUE, sched_dequeue, .tid = (i32)t->id);
		runqueue_remove(t);
	}
	if (moves)
		spin_lock_raw(&shards[0].lock);
	reorder(t, o, policy);
	if (stands && !server_throttles(t))
		runqueue_add(t, false);
	seq = op_seq(traced());
	record(t, o, seq);
	if (stands && server_throttles(t))
		server_park(t, seq);
	else if (stands)
		runqueue_record(t, TRACE_enqueue_why_params, seq);
	if (moves)
		spin_unlock_raw(&old->lock);
}

/* Locks the home of @p t, which is throttled only if its timer is stopped. Between the two steps of
 * one that is being parked the timer is not armed yet; its CPU does it now. */
static void lock_and_stop(struct task *t) ACQUIRE(t->home->lock) NO_THREAD_SAFETY_ANALYSIS
{
	for (;; arch_relax()) {
		/* acquire: the timer was made before the release in server_init. Where it is throttled,
		 * another turn sees it */
		struct server *s = __atomic_load_n(&t->server, __ATOMIC_ACQUIRE);
		bool stopped = s && timer_cancel(&s->timer);

		home_lock(t);
		if (t->state != TASK_THROTTLED || stopped)
			return;
		home_unlock(t);
	}
}

int task_requeue(struct task *t, int (*decide)(struct task *t, const void *arg, struct order *o),
		 const void *arg) NO_THREAD_SAFETY_ANALYSIS
{
	bool irqs = arch_irq_save();
	struct cpu *c = arch_cpu();
	unsigned target = TRACE_NO_CPU;
	enum task_state state;
	struct order order = {.left = NULL};
	struct wanted w;
	int err;

	lock_and_stop(t);
	err = t->state == TASK_DEAD ? ERR_CLOSED : decide(t, arg, &order);
	if (!err)
		requeue(t, &order);
	state = t->state;
	w = wanted(t);
	home_unlock(t);
	if (state == TASK_THROTTLED)
		server_arm(t);
	else if (!err && state == TASK_READY)
		target = hint_for(w);
	else if (!err && state == TASK_RUNNING)
		target = hint_runner(w);
	if (target == c->id)
		act_on_own_hint(c, irqs);
	arch_irq_restore(irqs);
	return err;
}

struct wish {
	const struct sched_params *params;
	void *server; /* memory for one, or NULL; becomes NULL when it was used */
	const char *why;
};

/* What a task asks for itself. While it inherits, only its CPUs change at once. */
static int decide_params(struct task *t, const void *arg, struct order *o) NO_THREAD_SAFETY_ANALYSIS
{
	struct wish *w = (struct wish *)(uptr)arg;

	if (t->admitted) {
		w->why = "it was admitted with the parameters that it has";
		return ERR_REFUSED;
	}
	/* relaxed: see cpus_out */
	if (!task_can_run(t, sched_cpus(w->params),
			  atomic_load_explicit(&cpus_out, memory_order_relaxed))) {
		w->why = "all CPUs that it may run on are out of scheduling";
		return ERR_BUSY;
	}
	if (w->params->hard && !t->server) {
		server_init(t, w->server);
		w->server = NULL;
	}
	o->params = *w->params;
	o->from_ns = o->params.budget_ns ? clock_ns() : t->release_ns;
	if (t->state != TASK_WAITING)
		t->deadline_ns = o->params.deadline_ns ? t->release_ns + o->params.deadline_ns
						       : TIME_NEVER;
	if (t->own)
		inherit_keep(t, o);
	return 0;
}

int task_set_params(struct task *t, const struct sched_params *p)
{
	char why[SCHED_WHY_BYTES];
	struct wish w = {.params = p, .why = why};
	int err = sched_validate(p, why);

	if (!err && server_bytes(p)) {
		w.server = kmalloc(server_bytes(p));
		if (!w.server)
			return ERR_NOMEM;
	}
	if (!err) {
		w.why = NULL;
		err = task_requeue(t, decide_params, &w);
		inherit_changed(t);
		kfree(w.server);
	}
	if (err && w.why)
		kprintf("task_set_params: %s: %s\n", t->name, w.why);
	return err;
}
