/*
 * Looks, hints, and what holds of all CPUs together. The proof that the kernel's hints suffice
 * (task/hint.c) rests on steps that the judge sees one by one: who queues a task takes a hint
 * step for it; a hint is spent by a look that begins after it was sent; a look takes the best of
 * what was queued before it began.
 */
#include "inv_model.h"

static struct model_task *runs_on(const struct inv *v, const struct model_cpu *c)
{
	return c->activity == CPU_BUSY ? model_find(v, c->tid) : NULL;
}

/* The task between a CPU and a queue may only be queued now. */
static void check_limbo(struct inv *v, struct model_cpu *c, bool has_seq)
{
	struct model_task *t = model_find(v, c->limbo);

	switch (v->now->id) {
	case TRACE_EV_WORKER_SWITCH:
	case TRACE_EV_WORKER_NONE:
	case TRACE_EV_SCHED_HINT:
	case TRACE_EV_IPI_SEND:
	case TRACE_EV_SCHED_SETTLED:
	case TRACE_EV_SCHED_CHARGE:
	case TRACE_EV_SCHED_SERVER:
	case TRACE_EV_SCHED_MISS:
	case TRACE_EV_SCHED_PARAMS:
	case TRACE_EV_CPU_OFFLINE:
		return;
	case TRACE_EV_SCHED_DEQUEUE:
		if (TRACE_PAYLOAD(v->now, sched_dequeue)->tid == c->limbo)
			return;
		break;
	case TRACE_EV_SCHED_ENQUEUE:
		if (TRACE_PAYLOAD(v->now, sched_enqueue)->tid == c->limbo)
			return;
		break;
	default:
		if (!has_seq && v->now->id != TRACE_EV_POLL_BEGIN && v->now->id != TRACE_EV_CPU_IDLE)
			return;
	}
	c->limbo = 0;
	if (!t || t->state != MODEL_LIMBO)
		return;
	inv_say(v, RULE_R3, t, "%t left CPU %u as ready, but is in no run queue", t, t->cpu);
	t->state = MODEL_UNKNOWN;
}

/* Who queued a task must take its hint step now. */
static void check_duty(struct inv *v, struct model_cpu *c)
{
	struct model_task *t = model_find(v, c->duty);

	switch (v->now->id) {
	case TRACE_EV_SCHED_HINT:
	case TRACE_EV_IPI_SEND:
		if (c->yields || TRACE_PAYLOAD(v->now, sched_hint)->tid == c->duty)
			return;
		break;
	case TRACE_EV_SCHED_LOOK:
	case TRACE_EV_SCHED_DECISION:
	case TRACE_EV_SCHED_SWITCH:
	case TRACE_EV_SCHED_SETTLED:
	case TRACE_EV_SCHED_CHARGE:
	case TRACE_EV_SCHED_SERVER:
	case TRACE_EV_SCHED_MISS:
	case TRACE_EV_CPU_OFFLINE:
		if (c->yields)
			return;
		break;
	}
	c->duty = 0;
	if (t)
		inv_say(v, RULE_H, t, "CPU %u queued %t and goes on without asking which CPU should look",
			v->now->cpu, t);
}

/* Its next operation shows that a CPU's hint step is over: the number is there to be seen. */
static void hint_made(struct inv *v, struct model_cpu *c)
{
	struct model_cpu *target = &v->cpus[c->making_for];

	c->making = false;
	if (target->made_by && (i32)(c->making_number - target->made) < 0)
		return;
	target->made = c->making_number;
	target->made_by = v->seq;
}

/* A job ended although its task was woken: then the next one must begin now. */
static void check_ended(struct inv *v, struct model_cpu *c)
{
	const struct model_task *t = model_find(v, c->ended);
	bool begins = v->now->id == TRACE_EV_SCHED_RELEASE &&
		      TRACE_PAYLOAD(v->now, sched_release)->tid == c->ended;

	if (v->now->id == TRACE_EV_SCHED_MISS)
		return; /* of the job that ended */
	c->ended = 0;
	if (t && !begins)
		inv_say(v, RULE_R6, t, "%t goes to wait, but was woken since its poll began", t);
}

void cpu_goes_on(struct inv *v, bool has_seq, u32 seq)
{
	struct model_cpu *c = model_here(v);

	if (c->late)
		policy_miss_untold(v);
	if (c->ended)
		check_ended(v, c);
	if (has_seq && c->have_op && seq == c->op)
		return;
	if (has_seq) {
		c->had_op = c->have_op;
		c->previous_op = c->op;
		c->op = seq;
		c->have_op = true;
		c->charging = false;
		if (c->making)
			hint_made(v, c);
		if (v->now->id != TRACE_EV_SCHED_HINT)
			c->waking = false;
	} else {
		c->unseen = c->charged = c->waking = false;
		/* A CPU that comes back is in the middle of its look. */
		if (v->now->id != TRACE_EV_CPU_ONLINE)
			c->outside_ticks = v->now->ticks;
	}
	if (c->decision)
		inv_say(v, RULE_R11, NULL, "CPU %u decided, but did not switch", v->now->cpu);
	c->decision = false;
	if (c->limbo)
		check_limbo(v, c, has_seq);
	if (c->duty)
		check_duty(v, c);
}

void cpu_owes(struct inv *v, const struct model_task *t, u8 why)
{
	struct model_cpu *c = model_here(v);

	c->waking = why == TRACE_enqueue_why_wake || why == TRACE_enqueue_why_spawn;
	c->woken = t->tid;
	c->ipis = 0;
	if (c->waking)
		v->counts.judged[RULE_R5]++;
	if (v->config.one_lock)
		return;
	v->counts.judged[RULE_H]++;
	c->duty = t->tid;
	c->yields = why == TRACE_enqueue_why_yield;
}

static bool pending(const struct model_cpu *c)
{
	return c->hint_unknown || (i32)(c->sent_to - c->spent_to) > 0;
}

void cpu_hint(struct inv *v, const struct trace_sched_hint *p)
{
	const struct model_task *t = model_find(v, p->tid);
	struct model_cpu *c = model_here(v), *target;
	bool known;
	u32 number;

	/* Queued by another CPU since, it may have had other CPUs when the hint was made. */
	known = t && (p->tid == c->duty ? t->queued_cpu == v->now->cpu
					: c->had_op && !seq_before(c->previous_op, t->queued_seq));
	if (p->tid == c->duty)
		c->duty = 0;
	else if (t && t->state != MODEL_QUEUED)
		c->waking = false; /* who runs is killed: no wake-up asks for that */
	c->waking &= p->tid == c->woken;
	if (p->target_cpu >= CPUS_MAX)
		return;
	v->counts.hints++;
	target = &v->cpus[p->target_cpu];
	number = v->config.one_lock ? target->sent_to + 1 : p->number;
	if (target->hint_unknown || (i32)(number - target->sent_to) > 0)
		target->sent_to = number;
	if (!p->ipi)
		target->own = number;
	if (!v->config.one_lock) {
		c->making = true;
		c->making_for = (u8)p->target_cpu;
		c->making_number = number;
	}
	if (t && t->state == MODEL_QUEUED && known &&
	    inv_broken(v, RULE_A, !(t->cpus >> p->target_cpu & 1)))
		inv_say(v, RULE_A, t, "CPU %u is hinted for %t, which may not run there", p->target_cpu, t);
}

/* The numbers are exact once no CPU can be in a hint step from before the first event. */
static void learn_hints(struct inv *v, struct model_cpu *c, u32 hinted)
{
	bool known = true;

	for (unsigned i = 0; i < v->cpus_n; i++)
		known &= !v->cpus[i].unseen;
	c->looks_known += known;
	if (v->config.one_lock || c->looks_known > 1)
		c->hint_unknown = false;
	if ((i32)(hinted - c->sent_to) > 0 || c->looks_known < 2)
		c->sent_to = hinted;
}

void cpu_look(struct inv *v, const struct trace_sched_look *p)
{
	struct model_cpu *c = model_here(v);
	struct model_task *runs = runs_on(v, c);
	u32 hinted = v->config.one_lock ? c->sent_to : p->hinted;

	if (runs && !runs->key_known && seq_before(runs->key_since, p->seq))
		runs->key_known = runs->key_since != 0;

	c->unseen = false;
	if (c->made_by && c->had_op && seq_before(c->made_by, c->previous_op) &&
	    inv_broken(v, RULE_H, (i32)(c->made - hinted) > 0))
		inv_say(v, RULE_H, NULL, "CPU %u looks, but hint %u, sent to it before operation %u, is not "
			"among the %u that it spends", v->now->cpu, c->made, c->made_by, hinted);
	c->made_by = 0;
	if (c->hint_unknown)
		learn_hints(v, c, hinted);
	c->spent |= !v->config.one_lock && hinted != c->spent_to;
	c->spent_to = hinted;
	if ((i32)(hinted - c->sent_to) > 0)
		c->sent_to = hinted;
	c->looking = c->look_known = true;
	c->charged = false;
	c->look_outside_ticks = c->outside_ticks;
	c->look = p->seq;
	if (v->config.one_lock && c->activity == CPU_STARTING)
		c->activity = CPU_IDLE;
}

/* A look ended, and the task goes on. */
static void stays(struct inv *v, struct model_task *t)
{
	unsigned cpu = v->now->cpu;

	if (inv_broken(v, RULE_A, model_here(v)->out))
		inv_say(v, RULE_A, t, "CPU %u goes on with %t, but is out of scheduling", cpu, t);
	/* Its CPUs may have been changed while the look went on: then another one is to come. */
	if (t->key_known && !t->exhausted && inv_broken(v, RULE_A, !(t->cpus >> cpu & 1)))
		inv_say(v, RULE_A, t, "CPU %u looks and goes on with %t, which may not run there", cpu, t);
	policy_stays(v, t);
}

void cpu_settled(struct inv *v)
{
	struct model_cpu *c = model_here(v);

	if (c->looking && !c->picked && !c->left && runs_on(v, c))
		stays(v, runs_on(v, c));
	if (c->spent && c->look > c->leaves)
		c->leaves = 0;
	c->looking = c->spent = c->unseen = c->picked = c->expired = false;
	if (c->activity == CPU_STARTING)
		c->activity = CPU_IDLE;
}

void cpu_offline(struct inv *v)
{
	model_here(v)->out = true;
}

void cpu_leaves(struct inv *v, const struct trace_cpu_leaves *p)
{
	if (p->cpu < ARRAY_LEN(v->cpus))
		v->cpus[p->cpu].leaves = p->leaves ? p->seq : 0;
}

void cpu_picked(struct inv *v)
{
	struct model_cpu *c = model_here(v);

	c->picked = c->spent;
	if (!c->spent)
		c->looking = false;
}

void cpu_picks(struct inv *v, const struct model_task *t)
{
	const struct model_cpu *c = model_here(v);
	unsigned cpu = v->now->cpu;

	if (inv_broken(v, RULE_A, !(t->cpus >> cpu & 1))) {
		inv_say(v, RULE_A, t, "CPU %u takes %t, which may not run there", cpu, t);
		return;
	}
	if (!c->look_known)
		return;
	v->counts.judged[RULE_R1]++;
	if (!c->looking) {
		inv_say(v, RULE_R1, t, "CPU %u takes %t, but did not look before", cpu, t);
		return;
	}
	for (u32 i = 0; i < v->queued_n; i++) {
		const struct model_task *o = &v->tasks[v->queued[i]];

		if (o == t || !(o->cpus >> cpu & 1) || !model_before(v, o, t))
			continue;
		if (!seq_before(o->queued_seq, c->look) && o->queued_cpu != cpu)
			continue; /* it came when the look had begun */
		inv_say(v, RULE_R1, t, "%t is chosen, but %t comes first (%s, key %k against %s, key %k%s)",
			t, o, class_name(o->class), o->key, class_name(t->class), t->key,
			o->class == t->class && o->key == t->key
				? ": equal keys, and it arrived first" : "");
		return;
	}
}

/*
 * A task that waits and a CPU that runs less urgent work, or none, can come about by (1) queueing the
 * task, and then its hint step finds the least urgent CPU; (2) a look of that CPU, and then the look
 * takes the task, or one as urgent; (3) a look that spends a hint, given for one task, and takes
 * another, and then a rest of hints follows, unless another hint is pending still. So while no hint
 * is pending, no hint step to come and no look open that has spent a hint, each CPU outside of a
 * look is judged, whatever the others do.
 */
static bool hints_drained(const struct inv *v)
{
	for (unsigned i = 0; i < v->cpus_n; i++) {
		const struct model_cpu *c = &v->cpus[i];

		if (c->unseen || c->duty || (c->looking && c->spent) || pending(c))
			return false;
	}
	return true;
}

static void check_cpu(struct inv *v, unsigned cpu)
{
	const struct model_cpu *c = &v->cpus[cpu];
	const struct model_task *runs = runs_on(v, c);
	struct model_task *best;

	if (c->looking || c->left || c->charged || c->charging || c->out || c->leaves)
		return;
	best = v->queued_n ? model_best(v, cpu) : NULL;
	if (c->activity == CPU_IDLE && inv_broken(v, RULE_R7, best && !best->reported)) {
		inv_say(v, RULE_R7, best, "CPU %u idles while %t waits in a run queue and no hint is pending",
			cpu, best);
		best->reported = true;
	}
	if (!best || best->reported || best->exhausted || !runs || !runs->key_known)
		return;
	if (inv_broken(v, RULE_R1B, model_outranks(v, best, runs))) {
		inv_say(v, RULE_R1B, best, "%t (%s, key %k) waits while %t (%s, key %k) runs on CPU %u, and "
			"no hint is pending", best, class_name(best->class), best->key, runs,
			class_name(runs->class), runs->key, cpu);
		best->reported = true;
	}
}

void cpus_check(struct inv *v)
{
	if (v->config.one_lock)
		model_here(v)->looking = false;
	if (!hints_drained(v))
		return;
	v->counts.evaluated++;
	for (unsigned i = 0; i < v->cpus_n; i++)
		check_cpu(v, i);
}
