/* What each event says, held against the model. */
#include "inv_model.h"

static void name_task(struct model_task *t, const char *name)
{
	if (t)
		__builtin_memcpy(t->name, name, sizeof t->name);
}

static void on_fork(struct inv *v, const struct trace_sched_process_fork *p)
{
	struct model_task *t = model_task(v, p->child_tid);

	name_task(t, p->child_comm);
	if (t)
		policy_spawn(v, t, p);
	if (t && t->state == MODEL_UNKNOWN) {
		t->state = MODEL_WAITING;
		t->poll = POLL_CLOSED;
	}
}

static void on_exit(struct inv *v, const struct trace_sched_process_exit *p)
{
	struct model_task *t = model_find(v, p->tid);

	if (t)
		t->ends = true;
}

static void on_release(struct inv *v, const struct trace_sched_release *p)
{
	struct model_task *t = model_task(v, p->tid);

	v->counts.releases++;
	if (!t)
		return;
	if (inv_broken(v, RULE_R2, t->state != MODEL_WAITING && t->state != MODEL_UNKNOWN))
		inv_say(v, RULE_R2, t,
			"%t gets a new job, and so a new deadline, although it does not wait", t);
	if (t->job && inv_broken(v, RULE_J, p->job != t->job + 1))
		inv_say(v, RULE_J, t, "%t goes from job %u to job %u", t, t->job, p->job);
	else if (t->job && t->job_open)
		inv_say(v, RULE_J, t, "%t begins job %u before job %u is done", t, p->job, t->job);
	t->job = p->job;
	t->job_open = t->released = true;
	t->deadline = p->deadline_ns;
	policy_release(v, t, p);
}

static void check_job_end(struct inv *v, const struct model_task *t,
			  const struct trace_sched_job_done *p)
{
	if (t->job && inv_broken(v, RULE_J, p->job != t->job || !t->job_open))
		inv_say(v, RULE_J, t, "job %u of %t is done, but its last release began job %u", p->job, t,
			t->job);
	if (t->released && inv_broken(v, RULE_R2, p->deadline_ns != t->deadline))
		inv_say(v, RULE_R2, t, "job %u of %t ends with deadline %k ns, but was released with %k ns",
			p->job, t, p->deadline_ns, t->deadline);
}

/* This CPU's task has left it; the sched_switch that says so is still to come. */
static void settle(struct inv *v, const struct model_task *t)
{
	if (t->state == MODEL_UNKNOWN || (t->state == MODEL_RUNNING && t->cpu == v->now->cpu))
		model_here(v)->left = t->tid;
}

/* The task waits now, or is dead. */
static void stop(struct inv *v, struct model_task *t, bool dead)
{
	if (t->state == MODEL_QUEUED) {
		inv_say(v, RULE_R3, t, "%t %s, but is in a run queue", t, dead ? "ends" : "goes to wait");
		model_dequeue(v, t);
	}
	if (!dead && t->state == MODEL_RUNNING && inv_broken(v, RULE_R6, t->noted))
		model_here(v)->ended = t->tid; /* unless its next job is released at once */
	t->noted = false;
	t->state = dead ? MODEL_DEAD : MODEL_WAITING;
}

static void on_job_done(struct inv *v, const struct trace_sched_job_done *p)
{
	struct model_task *t = model_task(v, p->tid);

	v->counts.jobs++;
	if (p->done_ns > p->deadline_ns)
		v->counts.misses++;
	if (!t)
		return;
	check_job_end(v, t, p);
	policy_job_done(v, t, p);
	t->job = p->job;
	t->job_open = false;
	share_leave(v, t);
	t->done_ns = p->done_ns;
	settle(v, t);
	stop(v, t, t->ends);
}

static void check_key(struct inv *v, const struct model_task *t,
		      const struct trace_sched_enqueue *p)
{
	bool edf = p->class == TRACE_sched_class_edf || p->class == TRACE_sched_class_cedf;
	bool level = p->class == TRACE_sched_class_fifo || p->class == TRACE_sched_class_rr;
	bool head = p->why == TRACE_enqueue_why_preempt;

	/* Without its parameters it may have a server, which has deadlines of its own. */
	if (edf && t->released && t->params_known && !t->budget_ns && !t->inherits &&
	    inv_broken(v, RULE_R2, p->key != t->deadline))
		inv_say(v, RULE_R2, t,
			"%t is queued with key %k, but its job was released with deadline %k", t, p->key,
			t->deadline);
	if (level && inv_broken(v, RULE_R2, p->key != 31u - p->prio))
		inv_say(v, RULE_R2, t, "%t of level %u is queued with key %k instead of %u", t, p->prio,
			p->key, 31u - p->prio);
	if (inv_broken(v, RULE_R2, p->at_head != head))
		inv_say(v, RULE_R2, t, head ? "%t was preempted, but is queued behind its equals"
					    : "%t was not preempted, but is queued before its equals", t);
}

/* Arrival numbers are taken on all CPUs at once. What is sure: a task that was queued before this
 * CPU's last operation came earlier. */
static void check_order(struct inv *v, const struct model_task *t,
			const struct trace_sched_enqueue *p)
{
	u32 before = model_here(v)->previous_op;

	if (!model_here(v)->had_op)
		return;
	v->counts.judged[RULE_R2]++;
	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];

		if (o == t || seq_before(before, o->queued_seq) ||
		    (p->at_head ? p->order < o->order : p->order > o->order))
			continue;
		inv_say(v, RULE_R2, t, "%t is queued %s all others with arrival number %k, but %t has %k", t,
			p->at_head ? "before" : "behind", p->order, o, o->order);
		return;
	}
}

/* May the task enter a queue, seen from its state? */
static void check_entry(struct inv *v, struct model_task *t, u8 why)
{
	bool comes = why == TRACE_enqueue_why_wake || why == TRACE_enqueue_why_spawn;

	v->counts.judged[RULE_R3]++;
	if (t->state == MODEL_QUEUED)
		inv_say(v, RULE_R3, t, "%t enters a run queue a second time", t);
	else if (t->state == MODEL_DEAD)
		inv_say(v, RULE_R3, t, "%t is dead, but enters a run queue", t);
	else if (t->state == MODEL_RUNNING && (comes || t->cpu != v->now->cpu))
		inv_say(v, RULE_R3, t, "%t enters a run queue while it runs on CPU %u", t, t->cpu);
	else if (t->state == MODEL_RUNNING && why != TRACE_enqueue_why_yield)
		inv_say(v, RULE_R3, t, "%t is in a run queue, but CPU %u still runs it", t, t->cpu);
	else if ((t->state == MODEL_PARKED) != (why == TRACE_enqueue_why_replenish) &&
		 t->state != MODEL_UNKNOWN)
		inv_say(v, RULE_R3, t, t->state == MODEL_PARKED
			? "%t is throttled, but is queued before its budget is replenished"
			: "%t is queued as if it had been throttled", t);
	else if (t->state == MODEL_LIMBO && comes)
		inv_say(v, RULE_R3, t, "%t did not wait, but is queued as if it had", t);
	else if (t->state == MODEL_WAITING && !comes && model_here(v)->left != t->tid)
		inv_say(v, RULE_R3, t, "%t waited, but is queued as if it had run", t);
}

static void on_enqueue(struct inv *v, const struct trace_sched_enqueue *p)
{
	struct model_task *t = model_task(v, p->tid);
	struct model_cpu *c = model_here(v);

	if (c->stack < 0)
		c->stack = p->on_worker;
	if (!t)
		return;
	if (p->task_worker && inv_broken(v, RULE_R8, p->task_worker == p->on_worker))
		inv_say(v, RULE_R8, t, "%t is queued by code that still runs on its stack %u", t,
			p->task_worker);
	check_entry(v, t, p->why);
	check_key(v, t, p);
	check_order(v, t, p);
	policy_enqueue(v, t, p);
	if (p->why == TRACE_enqueue_why_yield)
		settle(v, t);
	if (c->limbo == p->tid)
		c->limbo = 0;
	if (t->state == MODEL_QUEUED)
		model_dequeue(v, t);
	t->class = p->class;
	t->prio = p->prio;
	t->key = p->key;
	t->order = p->order;
	t->key_known = true;
	t->worker = p->task_worker;
	t->cpus = ~0ull; /* a sched_affinity behind this event says otherwise */
	model_enqueue(v, t);
	cpu_owes(v, t, p->why);
}

static void on_affinity(struct inv *v, const struct trace_sched_affinity *p)
{
	struct model_task *t = model_find(v, p->tid);

	if (t && t->state == MODEL_QUEUED)
		t->cpus = p->cpus;
}

/* Out of its queue, to enter it with other parameters at once; or throttled, in place of a queue. */
static void on_dequeue(struct inv *v, const struct trace_sched_dequeue *p)
{
	struct model_task *t = model_find(v, p->tid);
	struct model_cpu *c = model_here(v);

	if (!t)
		return;
	v->counts.judged[RULE_R3]++;
	if (c->limbo == p->tid)
		c->limbo = 0;
	if (t->state == MODEL_QUEUED) {
		lottery_pick(v, t); /* the race goes on from there all the same */
		model_dequeue(v, t);
		t->state = MODEL_LIMBO;
		c->limbo = t->tid;
	} else if (t->state == MODEL_DEAD || t->state == MODEL_PARKED) {
		inv_say(v, RULE_R3, t, "%t leaves a run queue, but is in none", t);
	} else {
		settle(v, t);
		t->state = MODEL_PARKED;
		policy_parked(v, t);
	}
}

/* A queued task left its queue before, and must enter one next; so must one that was throttled, or
 * be so still. The CPU of a running one must look: until then it goes by what was. */
static void on_params(struct inv *v, const struct trace_sched_params *p)
{
	struct model_task *t = model_task(v, p->tid);

	if (!t)
		return;
	if (inv_broken(v, RULE_R3, t->state == MODEL_QUEUED || t->state == MODEL_DEAD))
		inv_say(v, RULE_R3, t, "the parameters of %t change while it is %s", t,
			t->state == MODEL_DEAD ? "dead" : "in a run queue");
	if (t->state == MODEL_PARKED) {
		t->state = MODEL_LIMBO;
		model_here(v)->limbo = t->tid;
	}
	policy_params(v, t, p);
	t->prio = p->prio;
	t->key = p->key;
	t->cpus = p->cpus;
	t->inherits = p->inherited;
	if (t->state != MODEL_WAITING)
		t->deadline = p->deadline_ns;
	if (t->state == MODEL_RUNNING) {
		t->key_known = false;
		t->key_since = v->seq;
	} else if (t->state != MODEL_LIMBO || model_here(v)->limbo == t->tid) {
		return;
	}
	cpu_owes(v, t, TRACE_enqueue_why_params); /* whoever leaves it may find that CPU hinted */
}

/* The task that a CPU gives up, unless it settled before. */
static void leave(struct inv *v, struct model_task *t, const struct model_task *next, u8 state,
		  u8 why)
{
	struct model_cpu *c = model_here(v);
	bool preempted = why == TRACE_switch_why_preempted ||
			 why == TRACE_switch_why_quantum || why == TRACE_switch_why_throttled ||
			 why == TRACE_switch_why_unfit;

	if (c->left == t->tid || (c->activity == CPU_UNKNOWN && !preempted))
		return;
	if (inv_broken(v, RULE_R3, t->state == MODEL_RUNNING && t->cpu != v->now->cpu))
		inv_say(v, RULE_R3, t, "CPU %u switches away from %t, which runs on CPU %u", v->now->cpu, t,
			t->cpu);
	if (state != TRACE_task_state_ready && why != TRACE_switch_why_throttled) {
		stop(v, t, state == TRACE_task_state_dead);
	} else if (t->state == MODEL_RUNNING || t->state == MODEL_UNKNOWN) {
		v->counts.preemptions++;
		policy_loses(v, t, next, why);
		t->state = MODEL_LIMBO;
		t->cpu = v->now->cpu;
		c->limbo = t->tid;
	}
}

/* The task that a CPU takes. */
static void take(struct inv *v, struct model_task *t)
{
	static const char *const states[] = {
		[MODEL_WAITING] = "it waits",
		[MODEL_RUNNING] = "it runs on a CPU",
		[MODEL_PARKED] = "its server is throttled",
		[MODEL_LIMBO] = "it just left a CPU",
		[MODEL_DEAD] = "it is dead",
	};
	struct model_cpu *c = model_here(v);

	if (inv_broken(v, RULE_A, c->out))
		inv_say(v, RULE_A, t, "CPU %u takes %t, but is out of scheduling", v->now->cpu, t);
	policy_takes(v, t);
	if (t->state == MODEL_QUEUED) {
		cpu_picks(v, t);
		model_dequeue(v, t);
	} else if (t->state != MODEL_UNKNOWN) {
		inv_say(v, RULE_R3, t, "CPU %u takes %t, which is in no run queue: %s", v->now->cpu, t,
			states[t->state]);
	}
	if (c->duty == t->tid && c->yields)
		c->duty = 0;
	t->state = MODEL_RUNNING;
	t->cpu = v->now->cpu;
	if (!t->worker)
		t->noted = false;
}

static void on_switch(struct inv *v, const struct trace_sched_switch *p)
{
	struct model_cpu *c = model_here(v);
	struct model_task *prev = model_task(v, p->prev_tid), *next = model_task(v, p->next_tid);
	i32 runs = c->activity == CPU_BUSY ? c->tid : 0;

	/* Making the second may have moved the first. */
	prev = model_find(v, p->prev_tid);
	if (c->activity != CPU_UNKNOWN && inv_broken(v, RULE_R3, runs != p->prev_tid))
		inv_say(v, RULE_R3, prev, "CPU %u switches away from %t, but %t runs there", v->now->cpu,
			prev, model_find(v, runs));
	if (c->decision && inv_broken(v, RULE_R11, c->decided != p->next_tid))
		inv_say(v, RULE_R11, next, "CPU %u switches to %t, but its decision names %t", v->now->cpu,
			next, model_find(v, c->decided));
	c->decision = false;
	if (prev)
		leave(v, prev, next, p->prev_state, p->why);
	c->left = 0;
	if (next)
		take(v, next);
	cpu_picked(v);
	v->counts.cpu0_switches += !v->now->cpu && p->next_tid;
	c->tid = p->next_tid;
	c->activity = p->next_tid ? CPU_BUSY : CPU_IDLE;
	if (p->next_tid && !next)
		c->activity = CPU_UNKNOWN;
}

static void on_decision(struct inv *v, const struct trace_sched_decision *p)
{
	const struct trace_candidate *all = (const void *)(p + 1);
	struct model_cpu *c = model_here(v);

	c->decision = p->chosen == 255 || p->chosen < p->candidates_len;
	c->decided = p->chosen < p->candidates_len ? all[p->chosen].tid : 0;
	if (inv_broken(v, RULE_R11, (p->rule == TRACE_rule_leaves) != c->out && p->chosen == 255))
		inv_say(v, RULE_R11, NULL, "CPU %u decides to idle because %s", v->now->cpu,
			c->out ? "no task waits, but it is out of scheduling" : "it is out of scheduling, but is not");
}

static void on_wakeup(struct inv *v, const struct trace_sched_wakeup *p)
{
	struct model_task *t;

	if (p->result != TRACE_wake_result_noted)
		return;
	v->counts.notes++;
	t = model_task(v, p->tid);
	if (t && inv_broken(v, RULE_R6, t->state == MODEL_WAITING))
		inv_say(v, RULE_R6, t, "%t waits, but its wake-up is only noted", t);
	else if (t && t->state != MODEL_UNKNOWN && t->state != MODEL_DEAD)
		t->noted = true;
}

static void on_poll_begin(struct inv *v, const struct trace_async_poll_begin *p)
{
	struct model_task *t = model_task(v, p->tid);
	const struct model_cpu *c = model_here(v);

	if (!t)
		return;
	v->counts.judged[RULE_J]++;
	if (c->activity == CPU_IDLE || (c->activity == CPU_BUSY && c->tid != p->tid))
		inv_say(v, RULE_J, t, "%t is polled on CPU %u, which does not run it", t, v->now->cpu);
	if (t->poll == POLL_OPEN)
		inv_say(v, RULE_J, t, "%t is polled before its last poll has returned", t);
	t->poll = POLL_OPEN;
	t->ends = false;
}

static void on_poll_end(struct inv *v, const struct trace_async_poll_end *p)
{
	struct model_task *t = model_task(v, p->tid);

	if (!t)
		return;
	if (t->poll == POLL_CLOSED)
		inv_say(v, RULE_J, t, "a poll of %t returns, but none had begun", t);
	t->poll = POLL_CLOSED;
	t->ends |= p->result == TRACE_poll_result_ready;
}

static void on_worker_switch(struct inv *v, const struct trace_worker_switch *p)
{
	struct model_cpu *c = model_here(v);

	v->counts.judged[RULE_R8]++;
	if (c->stack >= 0 && c->stack != (i32)p->from_worker)
		inv_say(v, RULE_R8, NULL, "CPU %u leaves stack %u, but is on stack %u", v->now->cpu,
			p->from_worker, (unsigned)c->stack);
	for (unsigned i = 0; p->to_worker && i < CPUS_MAX; i++)
		if (i != v->now->cpu && v->cpus[i].stack == (i32)p->to_worker)
			inv_say(v, RULE_R8, NULL, "CPU %u enters stack %u, which CPU %u is on", v->now->cpu,
				p->to_worker, i);
	c->stack = (i32)p->to_worker;
}

static void on_idle(struct inv *v, const struct trace_power_cpu_idle *p)
{
	struct model_cpu *c = model_here(v);

	if (p->state != 1)
		return;
	if (inv_broken(v, RULE_R7, c->activity == CPU_BUSY))
		inv_say(v, RULE_R7, model_find(v, c->tid), "CPU %u halts while it runs %t", v->now->cpu,
			model_find(v, c->tid));
	/* Nothing but the CPU itself knows of such a hint: no interrupt will end the halt. */
	if (!c->hint_unknown && c->own && (i32)(c->own - c->spent_to) > 0)
		inv_say(v, RULE_R7, NULL, "CPU %u halts although it told itself to look", v->now->cpu);
	c->activity = CPU_IDLE;
	c->tid = 0;
}

static void on_irq(struct inv *v, u16 from)
{
	if (inv_broken(v, RULE_R7, from == TRACE_irq_from_open_window))
		inv_say(v, RULE_R7, NULL, "an interrupt struck CPU %u after it had enabled interrupts and "
			"before it halted: a hint could be slept over", v->now->cpu);
}

static void on_ipi(struct inv *v)
{
	struct model_cpu *c = model_here(v);

	v->counts.ipis++;
	if (c->waking && ++c->ipis == 2)
		inv_say(v, RULE_R5, NULL, "one wake-up sent more than one interrupt");
}

static void on_exhausted(struct inv *v, const struct trace_worker_exhausted *p)
{
	struct model_task *t = model_task(v, p->tid);

	v->counts.exhausted++;
	if (t)
		t->exhausted = true;
}

static void on_online(struct inv *v)
{
	struct model_cpu *c = model_here(v);

	if (c->activity == CPU_UNKNOWN || c->out)
		c->activity = CPU_STARTING;
	c->out = false;
}

void inv_apply(struct inv *v, const struct trace_event *e)
{
	switch (e->id) {
	case TRACE_EV_TASK_SPAWN: on_fork(v, TRACE_PAYLOAD(e, sched_process_fork)); break;
	case TRACE_EV_STATEDUMP: {
		const struct trace_lttng_statedump_process_state *p =
			TRACE_PAYLOAD(e, lttng_statedump_process_state);

		name_task(model_task(v, p->tid), p->name);
		break;
	}
	case TRACE_EV_TASK_EXIT: on_exit(v, TRACE_PAYLOAD(e, sched_process_exit)); break;
	case TRACE_EV_SCHED_RELEASE: on_release(v, TRACE_PAYLOAD(e, sched_release)); break;
	case TRACE_EV_JOB_DONE: on_job_done(v, TRACE_PAYLOAD(e, sched_job_done)); break;
	case TRACE_EV_SCHED_ENQUEUE: on_enqueue(v, TRACE_PAYLOAD(e, sched_enqueue)); break;
	case TRACE_EV_SCHED_AFFINITY: on_affinity(v, TRACE_PAYLOAD(e, sched_affinity)); break;
	case TRACE_EV_SCHED_SWITCH: on_switch(v, TRACE_PAYLOAD(e, sched_switch)); break;
	case TRACE_EV_SCHED_DECISION: on_decision(v, TRACE_PAYLOAD(e, sched_decision)); break;
	case TRACE_EV_SCHED_WAKEUP: on_wakeup(v, TRACE_PAYLOAD(e, sched_wakeup)); break;
	case TRACE_EV_POLL_BEGIN: on_poll_begin(v, TRACE_PAYLOAD(e, async_poll_begin)); break;
	case TRACE_EV_POLL_END: on_poll_end(v, TRACE_PAYLOAD(e, async_poll_end)); break;
	case TRACE_EV_WORKER_SWITCH: on_worker_switch(v, TRACE_PAYLOAD(e, worker_switch)); break;
	case TRACE_EV_WORKER_NONE: on_exhausted(v, TRACE_PAYLOAD(e, worker_exhausted)); break;
	case TRACE_EV_SCHED_HINT: cpu_hint(v, TRACE_PAYLOAD(e, sched_hint)); break;
	case TRACE_EV_SCHED_LOOK: cpu_look(v, TRACE_PAYLOAD(e, sched_look)); break;
	case TRACE_EV_SCHED_SETTLED: cpu_settled(v); break;
	case TRACE_EV_SCHED_CHARGE: policy_charge(v, TRACE_PAYLOAD(e, sched_charge)); break;
	case TRACE_EV_SCHED_SERVER: policy_server(v, TRACE_PAYLOAD(e, sched_server)); break;
	case TRACE_EV_SCHED_MISS: policy_miss(v, TRACE_PAYLOAD(e, sched_miss)); break;
	case TRACE_EV_SCHED_PARAMS: on_params(v, TRACE_PAYLOAD(e, sched_params)); break;
	case TRACE_EV_CPU_OFFLINE: cpu_offline(v); break;
	case TRACE_EV_CPU_LEAVES: cpu_leaves(v, TRACE_PAYLOAD(e, cpu_leaves)); break;
	case TRACE_EV_SCHED_DEQUEUE: on_dequeue(v, TRACE_PAYLOAD(e, sched_dequeue)); break;
	case TRACE_EV_IPI_SEND: on_ipi(v); break;
	case TRACE_EV_IRQ_ENTRY: on_irq(v, TRACE_PAYLOAD(e, irq_handler_entry)->from); break;
	case TRACE_EV_HINT_ENTRY:
		on_irq(v, TRACE_PAYLOAD(e, x86_irq_vectors_reschedule_entry)->from);
		break;
	case TRACE_EV_CPU_IDLE: on_idle(v, TRACE_PAYLOAD(e, power_cpu_idle)); break;
	case TRACE_EV_CPU_ONLINE: on_online(v); break;
	default: inv_dag(v, e); break;
	}
}
