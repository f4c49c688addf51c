/*
 * What each policy promises of its own tasks, recomputed from the trace alone: deadlines and
 * servers, who takes a CPU from whom, turns, levels (P1 to P3, P6, P9). Shares and lots have files
 * of their own.
 *
 * The recorded time of an event is a little later than the time that the kernel reckoned with. So
 * service is kept as two numbers that it lies between: since the last event before the CPU's
 * operation began is the most that it can be, since the switch is the least.
 */
#include "inv_model.h"

#define MLFQ_LEVELS 8u
#define MLFQ_BOOST_NS (200 * 1000000ull)

static u64 ticks_ns(const struct inv *v, u64 ticks)
{
	u64 hz = v->config.clock_hz;

	return hz ? ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz : 0;
}

static u64 since(u64 now, u64 then)
{
	return now > then ? now - then : 0;
}

/* A trace may be wrong; a share of zero must not stop the check. */
static u16 share_of(u16 recorded)
{
	return recorded ? recorded : 1;
}

void policy_spawn(struct inv *v, struct model_task *t, const struct trace_sched_process_fork *p)
{
	(void)v;
	t->class = p->class;
	t->share = share_of(p->share);
	t->quantum_ns = p->quantum_ns;
	t->relative_ns = p->deadline_ns;
	t->budget_ns = p->budget_ns;
	t->period_ns = p->period_ns;
	t->hard = p->hard;
	t->params_known = true;
}

static bool has_deadline(const struct model_task *t)
{
	return t->class == TRACE_sched_class_edf || t->class == TRACE_sched_class_cedf;
}

/* P6: what a charge at epoch @p epoch does to the level. */
static void mlfq_charge(struct model_task *t, u64 ran_ns, u64 epoch)
{
	t->used_ns += ran_ns;
	if (t->used_ns >= t->quantum_ns * (t->level + 1u)) {
		t->level = (u8)MIN(t->level + 1u, MLFQ_LEVELS - 1);
		t->used_ns = 0;
	}
	if (epoch != t->epoch)
		t->level = 0, t->used_ns = 0;
	t->epoch = epoch;
}

static void judge_mlfq_charge(struct inv *v, struct model_task *t,
			      const struct trace_sched_charge *p)
{
	u64 epoch = p->key / MLFQ_LEVELS;
	u64 now_epoch = ticks_ns(v, v->now->ticks) / MLFQ_BOOST_NS;
	u8 is = (u8)(p->key % MLFQ_LEVELS);

	if (!t->params_known || !t->level_known)
		return;
	mlfq_charge(t, p->ran_ns, epoch);
	if (inv_broken(v, RULE_P6, is != t->level && !(t->boosted && is <= 1)))
		inv_say(v, RULE_P6, t, "%t is charged to level %u, but what it used puts it at level %u", t,
			is, t->level);
	else if (v->config.clock_hz && epoch > now_epoch)
		inv_say(v, RULE_P6, t, "%t counts boost %k, but it is the time of boost %k", t, epoch,
			now_epoch);
	t->level = is;
	t->boosted = false;
}

/* A boost may have come while it waited: the queue knows, the trace does not. */
static void mlfq_pick(struct model_task *t, u64 epoch)
{
	if (t->level_known && t->epoch < epoch)
		t->boosted = true;
}

/* P9: constant-bandwidth servers (Abeni and Buttazzo, 1998). */
static void server_renew(struct model_task *t)
{
	while (t->left_ns <= 0 && !t->hard) {
		t->left_ns += (i64)t->budget_ns;
		t->server_deadline += t->period_ns;
	}
}

static void server_release(struct inv *v, struct model_task *t, u64 now_ns)
{
	struct product owed = product((u64)MAX(t->left_ns, 0), t->period_ns);
	struct product may = product(t->server_deadline - now_ns, t->budget_ns);

	if (!t->server_known || now_ns >= t->server_deadline || owed.high > may.high ||
	    (owed.high == may.high && owed.low > may.low)) {
		t->left_ns = (i64)t->budget_ns + MIN(t->left_ns, 0);
		t->server_deadline = now_ns + t->period_ns;
	}
	t->server_known = v->complete;
	server_renew(t);
}

/* A period later; or, when that has passed already, a period from the time of this event. */
static void server_replenish(struct inv *v, struct model_task *t, u64 deadline_ns)
{
	u64 from_ns = ticks_ns(v, model_here(v)->outside_ticks), to_ns = ticks_ns(v, v->now->ticks);

	t->left_ns += (i64)t->budget_ns;
	t->server_deadline += t->period_ns;
	if (v->config.clock_hz && t->server_deadline <= to_ns &&
	    deadline_ns >= MAX(from_ns, t->server_deadline) + t->period_ns &&
	    deadline_ns <= to_ns + t->period_ns)
		t->server_deadline = deadline_ns;
	server_renew(t);
}

static void judge_server(struct inv *v, const struct model_task *t, u64 key)
{
	if (t->server_known && inv_broken(v, RULE_P9, key != t->server_deadline))
		inv_say(v, RULE_P9, t, "%t has key %k, but its server's deadline is %k", t, key,
			t->server_deadline);
}

/* What the kernel says of a server, after each step of it. */
void policy_server(struct inv *v, const struct trace_sched_server *p)
{
	struct model_task *t = model_find(v, p->tid);

	if (!t)
		return;
	if (t->server_known && t->state == MODEL_PARKED && p->deadline_ns != t->server_deadline)
		server_replenish(v, t, p->deadline_ns);
	t->resume_ns = p->resume_ns;
	if (!t->server_known)
		return;
	judge_server(v, t, p->deadline_ns);
	if (inv_broken(v, RULE_P9, p->left_ns != (u64)MAX(t->left_ns, 0)))
		inv_say(v, RULE_P9, t, "%t has %k ns of its budget left, but what it used leaves %k", t,
			p->left_ns, (u64)MAX(t->left_ns, 0));
	if (inv_broken(v, RULE_P9, p->resume_ns != (t->left_ns > 0 ? 0 : t->server_deadline)))
		inv_say(v, RULE_P9, t, "the server of %t, with deadline %k, is throttled until %k", t,
			t->server_deadline, p->resume_ns);
}

void policy_parked(struct inv *v, struct model_task *t)
{
	if (t->server_known && inv_broken(v, RULE_P9, !t->hard || t->left_ns > 0))
		inv_say(v, RULE_P9, t, "%t is throttled, but its server is %s", t,
			t->hard ? "not used up" : "a soft one");
}

void policy_job_done(struct inv *v, const struct model_task *t,
		     const struct trace_sched_job_done *p)
{
	if (p->deadline_ns == TIME_NEVER)
		return;
	v->counts.judged[RULE_P10]++;
	if (p->done_ns > p->deadline_ns)
		model_here(v)->late = t->tid;
}

/* Nothing comes between the end of a job that is late and the event that says so. */
void policy_miss_untold(struct inv *v)
{
	struct model_cpu *c = model_here(v);
	const struct model_task *t = model_find(v, c->late);

	if (v->now->id == TRACE_EV_SCHED_MISS && TRACE_PAYLOAD(v->now, sched_miss)->tid == c->late)
		return;
	c->late = 0;
	if (t)
		inv_say(v, RULE_P10, t, "job %u of %t ended after its deadline, but no miss is told",
			t->job, t);
}

void policy_miss(struct inv *v, const struct trace_sched_miss *p)
{
	const struct model_task *t = model_find(v, p->tid);

	model_here(v)->late = 0;
	if (!t || !t->released || p->job != t->job)
		return;
	if (p->deadline_ns != t->deadline || t->done_ns <= p->deadline_ns ||
	    t->done_ns - p->deadline_ns != p->late_ns)
		inv_say(v, RULE_P10, t, "job %u of %t is said to be %k ns late for %k", p->job, t,
			p->late_ns, p->deadline_ns);
}

static void mlfq_release(struct inv *v, struct model_task *t, u64 epoch)
{
	if (t->class != TRACE_sched_class_mlfq)
		return;
	if (!t->level_known || epoch != t->epoch)
		t->level = 0, t->used_ns = 0;
	t->level_known = v->complete;
	t->epoch = epoch;
	v->epoch = MAX(v->epoch, epoch);
}

void policy_release(struct inv *v, struct model_task *t, const struct trace_sched_release *p)
{
	if (!t->params_known)
		return;
	if (has_deadline(t) && !t->in_dag && !t->inherits &&
	    inv_broken(v, RULE_P1, p->deadline_ns != p->release_ns + t->relative_ns))
		inv_say(v, RULE_P1, t, "job %u of %t is released at %k ns with deadline %k, which is not %k later",
			p->job, t, p->release_ns, p->deadline_ns, t->relative_ns);
	if (has_deadline(t) && t->budget_ns)
		server_release(v, t, p->deadline_ns - t->relative_ns);
	mlfq_release(v, t, MAX(v->epoch, p->release_ns / MLFQ_BOOST_NS));
	share_release(v, t);
}

/* What a job of another class, or with other parameters, begins with. */
void policy_params(struct inv *v, struct model_task *t, const struct trace_sched_params *p)
{
	bool job = t->job_open, same = t->class == p->class;
	struct model_server was = {t->server_known, t->left_ns, t->server_deadline, t->budget_ns, t->period_ns};

	if (job)
		share_leave(v, t);
	t->class = p->class;
	t->share = share_of(p->share);
	t->quantum_ns = p->quantum_ns;
	t->relative_ns = p->relative_ns;
	t->hard = p->hard;
	if (!same) {
		t->ahead = 0;
		t->used_ns = 0;
		t->level_known = false;
	}
	t->turn_known = t->told_known = false;
	t->server_known = false;
	t->left_ns = 0;
	t->server_deadline = 0;
	t->budget_ns = p->budget_ns;
	t->period_ns = p->period_ns;
	t->params_known = true;
	if (p->inherited && !t->inherits)
		t->own_server = was;
	was = t->own_server;
	if (!p->inherited && t->inherits && p->budget_ns == was.budget_ns && p->period_ns == was.period_ns) {
		t->server_known = was.known;
		t->left_ns = was.left_ns;
		t->server_deadline = was.deadline;
	}
	if (has_deadline(t) && t->budget_ns)
		server_release(v, t, p->from_ns);
	mlfq_release(v, t, p->key / MLFQ_LEVELS); /* its shard knows of the boosts that came there */
	if (job)
		share_params(v, t, p->key);
}

/* A turn is what a task may run until its quantum ends; it begins at the tail of the queue. */
static void begin_turn(struct model_task *t)
{
	t->least_ticks = t->most_ticks = 0;
	t->turn_known = true;
}

void policy_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p)
{
	if (!p->at_head)
		begin_turn(t);
	judge_server(v, t, p->key);
	if (p->why == TRACE_enqueue_why_replenish && v->config.clock_hz &&
	    inv_broken(v, RULE_P9, ticks_ns(v, v->now->ticks) < t->resume_ns))
		inv_say(v, RULE_P9, t, "%t is queued at %k ns, before its server resumes at %k", t,
			ticks_ns(v, v->now->ticks), t->resume_ns);
	share_enqueue(v, t, p);
	lottery_enqueue(v, t, p);
	if (t->level_known && p->class == TRACE_sched_class_mlfq &&
	    inv_broken(v, RULE_P6, p->key % MLFQ_LEVELS != t->level))
		inv_say(v, RULE_P6, t, "%t of level %u is queued with that of %u", t, t->level,
			(unsigned)(p->key % MLFQ_LEVELS));
}

/* P11. From now on it is charged for what it runs from here. */
static void tell_charge(struct inv *v, struct model_task *t)
{
	t->told_most = model_here(v)->outside_ticks;
	t->told_least = v->now->ticks;
	t->told_known = v->config.clock_hz;
}

static void judge_charge(struct inv *v, struct model_task *t, u64 ran_ns)
{
	bool runs = (t->state == MODEL_RUNNING || t->state == MODEL_LIMBO) && t->cpu == v->now->cpu;
	u64 least_ns = ticks_ns(v, since(model_here(v)->outside_ticks, t->told_least));
	u64 most_ns = ticks_ns(v, since(v->now->ticks, t->told_most));

	/* A time in ns is rounded, so a difference is off by up to two. */
	if (t->told_known && runs &&
	    inv_broken(v, RULE_P11, ran_ns + 2 < least_ns || ran_ns > most_ns + 2))
		inv_say(v, RULE_P11, t, "%t is charged %k ns, but it ran for %k to %k ns", t, ran_ns, least_ns,
			most_ns);
	tell_charge(v, t);
	t->told_known &= runs;
}

void policy_charge(struct inv *v, const struct trace_sched_charge *p)
{
	struct model_task *t = model_find(v, p->tid);

	if (!t)
		return;
	judge_charge(v, t, p->ran_ns);
	if (t->class == TRACE_sched_class_mlfq) {
		judge_mlfq_charge(v, t, p);
		v->epoch = MAX(v->epoch, p->key / MLFQ_LEVELS);
	}
	if (t->server_known) {
		t->left_ns -= (i64)p->ran_ns;
		server_renew(t);
		judge_server(v, t, p->key);
	}
	share_charge(v, t, p);
	lottery_charge(v, t, p);
	t->key = p->key;
	if (t->state != MODEL_RUNNING)
		return;
	if (t->cpu == v->now->cpu) {
		model_here(v)->charged = model_here(v)->expired = p->quantum_over;
		model_here(v)->charging = true;
	} else { /* its parameters are about to change, and its CPU to be hinted */
		t->key_known = false;
		t->key_since = v->seq;
	}
}

void policy_takes(struct inv *v, struct model_task *t)
{
	struct model_cpu *c = model_here(v);

	c->expired = false;
	t->since_most = c->outside_ticks;
	t->since_least = v->now->ticks;
	tell_charge(v, t);
	if (t->state == MODEL_QUEUED) {
		share_pick(v, t);
		lottery_pick(v, t);
	}
	if (t->class == TRACE_sched_class_mlfq)
		mlfq_pick(t, v->epoch);
}

/* Without a quantum, a turn ends with the job. */
static bool has_turns(const struct inv *v, const struct model_task *t)
{
	return t->class == TRACE_sched_class_rr && t->turn_known && t->params_known && t->quantum_ns &&
	       v->config.clock_hz;
}

static void judge_quantum(struct inv *v, const struct model_task *t)
{
	if (!has_turns(v, t))
		return;
	if (inv_broken(v, RULE_P3, ticks_ns(v, t->most_ticks) < t->quantum_ns))
		inv_say(v, RULE_P3, t, "the quantum of %t ends after %k ns at most, of %k", t,
			ticks_ns(v, t->most_ticks), t->quantum_ns);
}

/* Prev, which goes on, loses the CPU to next. */
void policy_loses(struct inv *v, struct model_task *prev, const struct model_task *next, u8 why)
{
	const struct model_cpu *c = model_here(v);
	bool quantum = why == TRACE_switch_why_quantum;

	prev->most_ticks += since(v->now->ticks, prev->since_most);
	prev->least_ticks += since(c->outside_ticks, prev->since_least);
	if (quantum)
		judge_quantum(v, prev);
	if (!next || !prev->key_known || !next->key_known || why == TRACE_switch_why_throttled ||
	    why == TRACE_switch_why_unfit)
		return;
	if (inv_broken(v, RULE_P2, quantum ? model_outranks(v, prev, next)
					   : !model_outranks(v, next, prev)))
		inv_say(v, RULE_P2, prev, "%t (%s, key %k) %s %t (%s, key %k)", prev, class_name(prev->class),
			prev->key, quantum ? "ends its quantum for the less urgent"
					   : "is preempted by the no more urgent",
			next, class_name(next->class), next->key);
}

static const struct model_task *waiting_equal(const struct inv *v, const struct model_task *t)
{
	const struct model_cpu *c = &v->cpus[v->now->cpu];

	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];

		if (o->class == t->class && o->key == t->key && o->cpus >> v->now->cpu & 1 &&
		    seq_before(o->queued_seq, c->look) && !o->exhausted)
			return o;
	}
	return NULL;
}

static void turn_stays(struct inv *v, struct model_task *t)
{
	const struct model_cpu *c = model_here(v);
	const struct model_task *equal;
	u64 least_ns = ticks_ns(v, t->least_ticks + since(c->look_outside_ticks, t->since_least));
	u64 most_ns = ticks_ns(v, t->most_ticks + since(v->now->ticks, t->since_most));

	if (!has_turns(v, t) || most_ns < t->quantum_ns)
		return;
	if (least_ns < t->quantum_ns) {
		t->turn_known = false; /* it may have begun a new one */
		return;
	}
	equal = waiting_equal(v, t);
	if (inv_broken(v, RULE_P3, equal))
		inv_say(v, RULE_P3, t, "%t goes on after %k ns, longer than its quantum, while %t waits, its "
			"equal", t, least_ns, equal);
	begin_turn(t);
	t->since_most = c->look_outside_ticks;
	t->since_least = v->now->ticks;
}

/* A look ended, and the task goes on. */
void policy_stays(struct inv *v, struct model_task *t)
{
	turn_stays(v, t);
	if (model_here(v)->expired)
		share_stays(v, t);
}
