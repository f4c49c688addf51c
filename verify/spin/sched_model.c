/*
 * The scheduler's model. The kernel's own code does the work: run queues and policies
 * (kernel/task/runqueue.[ch], kernel/sched/), looks (look.[ch]) and hints (hint.c), each call of
 * which is one step, or two: a hint first claims a promise and is counted, with its interrupt,
 * later. By hand is what the executor does between these calls, in its order: a poll that ends, one
 * that is suspended, and queued by whoever arrives on the next stack.
 *
 * CPUs are halted or run a task; interrupts merge, and may come without a hint. Tasks do
 * so many jobs, are woken by anybody, perhaps while they run, and end, or fault.
 */
#include "base/string.h"
#include "sched_world.h"

struct model m;
struct shown_step model_shown[4];
unsigned model_shown_n;

static void show(enum shown what, unsigned cpu, unsigned task, unsigned other)
{
	model_shown[model_shown_n++] = (struct shown_step){(u8)what, (u8)cpu, (u8)task, (u8)other};
}

static void order_add(unsigned t, bool at_head)
{
	memmove(m.order + at_head, m.order, at_head ? m.queued : 0);
	m.order[at_head ? 0 : m.queued] = (u8)t;
	m.queued++;
	m.state[t] = READY;
}

static void order_remove(unsigned t)
{
	unsigned i = 0;

	while (m.order[i] != t)
		i++;
	m.queued--;
	memmove(m.order + i, m.order + i + 1, m.queued - i);
	m.order[m.queued] = 0;
}

/* By the contract: the least rank of those that may run here, and the first who came. */
static unsigned should_take(unsigned c, u64 below)
{
	unsigned best = NOBODY;

	for (unsigned i = 0; i < m.queued; i++) {
		unsigned t = m.order[i];

		if (may_use(t, c) && rank_of(t) < below &&
		    (best == NOBODY || rank_of(t) < rank_of(best)))
			best = t;
	}
	return best;
}

/* The look's end, with the lock held: takes who is first, if he will do. */
static char *take(unsigned c, const struct look *l)
{
	unsigned wanted_one = should_take(c, l->below);
	struct task *t = look_take(l, NULL);

	if ((t ? t - tasks : NOBODY) != wanted_one)
		return "another task is first";
	if (!t)
		return NULL;
	runqueue_remove(t);
	spin_unlock_raw(&shards[0].lock);
	order_remove(wanted_one);
	m.state[wanted_one] = RUNNING;
	m.last[wanted_one] = (u8)c;
	if (!m.suspended[wanted_one])
		m.noted[wanted_one] = m.owed[wanted_one] = 0;
	m.suspended[wanted_one] = 0;
	m.running[c] = (u8)wanted_one;
	return NULL;
}

/* A hint is counted one step after its promise was claimed; the kernel's code does both. */
static void put_off_hints(unsigned c)
{
	for (unsigned i = 0; i < CPUS; i++) {
		unsigned n = number_of(i);

		if (cpus[n].hints == hints_before[i])
			continue;
		cpus[n].hints = hints_before[i];
		m.giving[c] = (u8)i;
		m.sends[c] = sent >> n & 1;
	}
}

/* CPU c, which has queued t, is to hint for him, or for nobody any more. */
static void wants(unsigned c, unsigned t)
{
	m.subject[c] = (u8)t;
	m.want_rank[c] = t == NOBODY ? 0 : rank_of(t);
	m.want_cpu[c] = t == NOBODY ? 0 : m.last[t];
}

/* Somebody on CPU c wakes t; a deadline counts from then. */
char *step_wake(unsigned c, unsigned t, u64 now_ns)
{
	world_enter(c);
	m.owed[t] = 1;
	if (m.state[t] != WAITING) {
		m.noted[t] = 1;
		show(SHOW_NOTE, c, t, NOBODY);
		return world_leave();
	}
	tasks[t].policy->release(queue_of(&tasks[t]), &tasks[t].entity, &tasks[t].params, now_ns);
	rank_update(&tasks[t]);
	m.key[t] = tasks[t].entity.key;
	runqueue_add(&tasks[t], false);
	order_add(t, false);
	wants(c, t);
	m.phase[c] = WOKEN;
	show(SHOW_WAKE, c, t, NOBODY);
	return world_leave();
}

static char *looks(unsigned c)
{
	struct look l = {.below = RANK_IDLE};

	look_begin(&l, &cpus[c], false);
	m.spent[c] = l.spent;
	m.own[c] = 0;
	m.goes[c] = 0;
#if PLUG || defined(ACCEPT)
	m.asks[c] = l.spent || m.phase[c] == TAKE;
#endif
	show(SHOW_LOOK, c, NOBODY, NOBODY);
	return world_leave();
}

char *step_poll_ends(unsigned c, enum end how)
{
	unsigned t = m.running[c];

	world_enter(c);
	m.running[c] = NOBODY;
	m.subject[c] = (u8)t;
	m.locked = (u8)c;
	if (how == WAITS && m.noted[t]) {
		runqueue_add(&tasks[t], false);
		order_add(t, false);
		wants(c, t);
		show(SHOW_YIELD, c, t, NOBODY);
	} else {
		m.state[t] = how == WAITS ? WAITING : DEAD;
		m.noted[t] = m.owed[t] = 0;
		show(SHOW_DONE, c, t, how);
	}
#ifdef ACCEPT
	m.phase[c] = LOOK;
	return world_leave();
#else /* nobody sees what is between */
	m.phase[c] = TAKE_HELD;
	return looks(c);
#endif
}

/* CPU c, which looks, sees whether it is to take nothing. As is_to_leave and leave_out
 * (kernel/task/executor.c). */
static char *asks(unsigned c)
{
	m.asks[c] = 0;
	m.goes[c] = m.leaving[c];
	m.out[c] = m.out[c] && m.goes[c];
	return NULL;
}

/* Whether CPU c hints for its subject, which yielded. As hint_for_yielded (kernel/task/executor.c).
 */
static bool hints_for_yielded(unsigned c)
{
	unsigned next = m.running[c];

	return next == NOBODY || (next != m.subject[c] &&
				  (rank_of(next) != m.want_rank[c] || is_pinned(&tasks[next])));
}

static unsigned behind_look(unsigned c)
{
	return m.left[c] != NOBODY ? ARRIVE : RUN;
}

/* Behind a look that took what it took. Steps that do nothing are passed over; a trace's acceptor
 * waits for what the kernel says of them. */
static void begin_settling(unsigned c, bool yielded)
{
	m.phase[c] = yielded ? YIELDED : SETTLE;
#ifndef ACCEPT
	if (m.phase[c] == YIELDED && !hints_for_yielded(c))
		m.phase[c] = SETTLE;
	if (m.phase[c] == SETTLE)
		wants(c, NOBODY);
	if (m.phase[c] == SETTLE && !m.spent[c])
		m.phase[c] = (u8)behind_look(c);
#endif
}

/* At the end of a poll, whose task is the subject. */
static char *held_takes(unsigned c)
{
	unsigned t = m.subject[c];
	u64 below = m.goes[c] ? 0 : RANK_IDLE;
	const struct look l = {&cpus[c], below, below, m.spent[c]};
	char *wrong = take(c, &l);

	m.locked = NOBODY;
	m.out[c] = m.goes[c];
#ifdef ACCEPT
	m.chose[c] = true;
#endif
	begin_settling(c, m.state[t] == READY || m.running[c] == t);
	show(SHOW_SWITCH, c, m.running[c], t);
	return wrong ? wrong : world_leave();
}

static char *takes(unsigned c)
{
	unsigned t = m.running[c];
	bool leave = m.goes[c];
	u64 rank = leave ? 0 : rank_of(t);
	const struct look l = {&cpus[c], rank + (!leave && m.over[c] && t != NOBODY), rank,
			       m.spent[c]};
	char *wrong = take(c, &l);

	if (t != NOBODY && (leave || m.running[c] != t)) {
		m.state[t] = LEAVING;
		m.left[c] = (u8)t;
		m.at_head[c] = !m.over[c];
		m.running[c] = leave ? NOBODY : m.running[c];
	}
	m.over[c] = 0;
	m.out[c] = leave;
	begin_settling(c, false);
	if (m.running[c] != t)
		show(SHOW_SWITCH, c, m.running[c], t);
#ifdef ACCEPT
	m.chose[c] = m.running[c] != t;
#endif
	return wrong ? wrong : world_leave();
}

static char *arrives(unsigned c)
{
	unsigned t = m.left[c];

	m.left[c] = NOBODY;
	m.suspended[t] = 1;
	tasks[t].worker = &stacks[t];
	runqueue_add(&tasks[t], m.at_head[c]);
	order_add(t, m.at_head[c]);
	wants(c, t);
	m.phase[c] = OTHERS;
	show(SHOW_ENQUEUE, c, t, m.at_head[c]);
	return world_leave();
}

/* What CPU c, which is at a look or wakes somebody, does next. */
static char *goes_on(unsigned c)
{
	const struct task *subject = &tasks[m.subject[c] == NOBODY ? 0 : m.subject[c]];
	const struct wanted w = {m.want_rank[c], subject->entity.cpus, subject->id,
				 number_of(m.want_cpu[c])};
	const struct look l = {&cpus[c], 0, 0, m.spent[c]};
	unsigned phase = m.phase[c];

	if (m.saw[c])
		online_cpus = numbers_of(m.saw[c] & ~SAW);
	m.saw[c] = 0;
	m.phase[c] = RUN;
	m.giving[c] = phase == SETTLE || phase == TELL ? NOBODY : NO_HINT;
	if (phase == WOKEN)
		(void)hint_for(w);
	else if (phase == OTHERS)
		hint_others(w);
	else if (phase == PLUGGED)
		(void)hint_runner((struct wanted){.cpu = m.subject[c]});
	else if (phase == YIELDED && hints_for_yielded(c))
		hint_others(w);
	else if (phase == SETTLE)
		look_end(&l, true, false);
	put_off_hints(c);
	m.want_rank[c] = m.want_cpu[c] = 0;
#ifdef ACCEPT
	m.phase[c] = phase == YIELDED  ? SETTLE
		     : phase == SETTLE ? TELL
		     : phase == TELL   ? behind_look(c)
				       : RUN;
#else
	if (m.giving[c] == NO_HINT)
		m.giving[c] = m.subject[c] = NOBODY;
	m.phase[c] = phase == SETTLE || (phase == YIELDED && !m.spent[c]) ? behind_look(c)
		     : phase == YIELDED                                   ? SETTLE
									  : RUN;
	if (m.phase[c] != SETTLE)
		m.spent[c] = 0;
#endif
	return world_leave();
}

char *step_give(unsigned c)
{
	unsigned target = m.giving[c];

	show(SHOW_HINT, c, m.subject[c], target);
	m.giving[c] = m.subject[c] = NOBODY;
	if (target == NO_HINT)
		return NULL;
	m.hinted[target]++;
	if (m.sends[c])
		m.interrupted[target] = 1;
	else if (target == c)
		m.own[c] = 1;
	m.sends[c] = 0;
	return NULL;
}

/* Whether the first part of its next step is to read which CPUs are online. */
static bool reads_online(unsigned c)
{
	unsigned phase = m.phase[c];

#if !PLUG && !defined(ACCEPT)
	return false; /* they are always the same */
#endif
	return !m.saw[c] && (phase == WOKEN || phase == OTHERS || phase == YIELDED ||
			     (phase == SETTLE && m.spent[c]));
}

char *step_goes_on(unsigned c)
{
	if (m.giving[c] != NOBODY)
		return step_give(c);
	if (m.asks[c])
		return asks(c);
	if (reads_online(c)) {
		m.saw[c] = m.online | SAW;
		return NULL;
	}
	world_enter(c);
	switch (m.phase[c]) {
	case LOOK:
		m.phase[c] = TAKE_HELD;
		return looks(c);
	case TAKE_HELD:
		return held_takes(c);
	case TAKE:
		return takes(c);
	case ARRIVE:
		return arrives(c);
	default:
		return goes_on(c);
	}
}

char *step_goes_on_swapped(unsigned c)
{
	char *wrong;

	others_swapped = true;
	wrong = step_goes_on(c);
	others_swapped = false;
	return wrong;
}

/* Who was halted looks, whatever woke it; who runs a task only if there is a reason, as irq_look
 * (kernel/core/irq.h) has it. */
char *step_interrupted(unsigned c, enum why why)
{
	if (why == BY_HINT && !m.own[c])
		m.interrupted[c] = 0;
	if (m.running[c] != NOBODY && !m.hinted[c] && why != TICK)
		return NULL;
	world_enter(c);
	m.over[c] = why == TICK;
	m.phase[c] = TAKE;
	return looks(c);
}

/* Somebody on CPU c has target leave scheduling, or come back: kernel/task/hotplug.c. */
char *step_plug(unsigned c, unsigned target)
{
	m.leaving[target] = !m.leaving[target];
	m.online ^= 1ull << target;
	m.subject[c] = (u8)target;
	m.phase[c] = PLUGGED;
	return NULL;
}
