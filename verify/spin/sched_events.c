/*
 * What SPIN chooses from: the steps of sched_model.c by number, what there may be of each, and what
 * must hold behind each.
 */
#include "base/string.h"
#include "sched_world.h"
#include <stdio.h>
#include <unistd.h>

#define STALL_S 30 /* a step of the kernel's that lasts as long goes on for ever */

struct sched_params model_params[TASKS] = {
#if defined(FIFO)
	{.class = SCHED_FIFO, .level = 1}, {.class = SCHED_FIFO, .level = 1},
	{.class = SCHED_FIFO, .level = 2}, {.class = SCHED_FIFO, .level = 3},
#elif defined(RR)
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_RR, .level = 2, .quantum_ns = MS(1)},
#elif defined(EDF)
	{.class = SCHED_EDF, .deadline_ns = 10}, {.class = SCHED_EDF, .deadline_ns = 10},
	{.class = SCHED_EDF, .deadline_ns = 11}, {.class = SCHED_EDF, .deadline_ns = 12},
#elif defined(CEDF)
	{.class = SCHED_CEDF, .cpus = 1, .deadline_ns = 10},
	{.class = SCHED_CEDF, .cpus = 3, .deadline_ns = 10},
	{.class = SCHED_CEDF, .cpus = 2, .deadline_ns = 11},
	{.class = SCHED_CEDF, .cpus = 3, .deadline_ns = 12},
#else /* a mixture, one of them pinned */
	{.class = SCHED_FIFO, .level = 1, .cpus = 1},
	{.class = SCHED_RR, .level = 1, .quantum_ns = MS(1)},
	{.class = SCHED_CEDF, .cpus = 2, .deadline_ns = 11},
	{.class = SCHED_EDF, .deadline_ns = 10},
#endif
	{.class = SCHED_FIFO, .level = 1},
};

static unsigned times(unsigned t, const u8 *where, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += where[i] == t;
	return found;
}

/* No CPU is at anything, and none will be by itself. */
static bool quiet(void)
{
	for (unsigned c = 0; c < CPUS; c++)
		if (m.phase[c] != RUN || m.giving[c] != NOBODY || m.interrupted[c] || m.own[c])
			return false;
	return true;
}

static char *task_is_right(unsigned t)
{
	if (times(t, m.order, m.queued) != (m.state[t] == READY) ||
	    times(t, m.running, CPUS) != (m.state[t] == RUNNING) ||
	    times(t, m.left, CPUS) != (m.state[t] == LEAVING))
		return "a task, or its stack, is in two places or in none";
	if (m.owed[t] && m.state[t] != READY && !m.noted[t])
		return "a wake-up is lost";
	return NULL;
}

/* When all is quiet, of a task that waits. */
static char *rank_is_right(unsigned t)
{
	for (unsigned c = 0; c < CPUS; c++)
		if (may_use(t, c) && m.online >> c & 1 && rank_of(t) < rank_of(m.running[c]))
			return m.running[c] == NOBODY
				       ? "a CPU sleeps while a task that it may run waits"
				       : "a waiting task outranks a running one";
	return NULL;
}

char *model_invariants(void)
{
	bool all_quiet = quiet();
	char *wrong = NULL;

	for (unsigned t = 0; t < TASKS && !wrong; t++) {
		wrong = task_is_right(t);
		if (!wrong && all_quiet && m.state[t] == READY)
			wrong = rank_is_right(t);
	}
	for (unsigned c = 0; c < CPUS && !wrong; c++) {
		if (m.running[c] != NOBODY && !may_use(m.running[c], c))
			return "a task runs where it may not";
		if (m.out[c] && m.running[c] != NOBODY)
			return "a CPU that is out of scheduling runs a task";
		if (all_quiet && m.leaving[c] != m.out[c])
			return "a CPU that is to leave, or to come back, never does";
	}
	return wrong;
}

/* Events: each CPU goes on; is interrupted; its poll ends; wakes each task, now or later; and has a
 * CPU leave, or come back. */
#define INTERRUPTS CPUS
#define POLLS      (INTERRUPTS + 3 * CPUS)
#define PLUGS      (POLLS + 2 * CPUS)
#define WAKES      (PLUGS + CPUS * CPUS)
#define EVENTS     (WAKES + 2 * CPUS * TASKS)
_Static_assert(EVENTS <= 56, "sched.pml names as many");

static bool is_edf(unsigned t)
{
	return model_params[t].class == SCHED_EDF || model_params[t].class == SCHED_CEDF;
}

/* Whether the lock that its next step takes is free. */
static bool lock_is_free(unsigned c)
{
	if (m.locked == NOBODY || m.locked == c || m.giving[c] != NOBODY)
		return true;
	switch (m.phase[c]) {
	case WOKEN:
	case OTHERS:
	case YIELDED:
	case PLUGGED:
		return true;
	case SETTLE:
		return !m.spent[c];
	default:
		return false;
	}
}

static bool can_be_interrupted(unsigned c, enum why why)
{
	unsigned t = m.running[c];
	bool hinted = m.interrupted[c] || m.own[c];

	if (m.phase[c] != RUN || m.giving[c] != NOBODY)
		return false;
	return why == BY_HINT    ? hinted
	       : why == SPURIOUS ? !hinted && m.spurious
				 : t != NOBODY && model_params[t].quantum_ns && m.ticks;
}

static bool can_plug(unsigned target)
{
	return m.plugs && (m.leaving[target] || m.online & ~(1ull << target));
}

static bool can_wake(unsigned t, bool later)
{
	if (m.state[t] == DEAD || (later && (!is_edf(t) || m.state[t] != WAITING)))
		return false;
	/* One that waits for its first poll needs no other. */
	return m.state[t] == WAITING ||
	       (m.notes && !m.noted[t] && (m.state[t] != READY || m.suspended[t]));
}

static bool can(unsigned n)
{
	unsigned c = n < INTERRUPTS ? n
		     : n < POLLS    ? (n - INTERRUPTS) / 3
		     : n < PLUGS    ? (n - POLLS) / 2
		     : n < WAKES    ? (n - PLUGS) / CPUS
				    : (n - WAKES) / 2 % CPUS;
	bool runs = m.phase[c] == RUN && m.giving[c] == NOBODY;

	if (n < INTERRUPTS)
		return !runs && lock_is_free(c);
	if (n < POLLS)
		return can_be_interrupted(c, (n - INTERRUPTS) % 3);
	/* A task notes itself without the lock. */
	if (!runs ||
	    (m.locked != NOBODY && !(n >= WAKES && m.running[c] == (n - WAKES) / 2 / CPUS)))
		return false;
	if (n < PLUGS)
		return m.running[c] != NOBODY && ((n - POLLS) % 2 == 0 || m.faults);
	if (n < WAKES)
		return can_plug((n - PLUGS) % CPUS);
	return n < EVENTS && can_wake((n - WAKES) / 2 / CPUS, (n - WAKES) & 1);
}

static void see_what_can(void)
{
	m.can = 0;
	for (unsigned n = 0; n < EVENTS; n++)
		m.can |= (u64)can(n) << n;
}

static char *interrupted(unsigned c, enum why why)
{
	m.spurious -= why == SPURIOUS;
	m.ticks -= why == TICK;
	return step_interrupted(c, why);
}

static char *poll_ends(unsigned c, bool fault)
{
	unsigned t = m.running[c];

	if (fault)
		m.faults--;
	else if (!m.noted[t])
		m.jobs[t]--;
	return step_poll_ends(c, fault || (!m.noted[t] && !m.jobs[t]) ? ENDS : WAITS);
}

static char *wake(unsigned c, unsigned t, u64 now_ns)
{
	m.notes -= m.state[t] != WAITING;
	return step_wake(c, t, now_ns);
}

static char *plug(unsigned c, unsigned target)
{
	m.plugs--;
	return step_plug(c, target);
}

#ifdef TELLS
#include "sched_tell.h"
#else
static void tell(int event)
{
	(void)event;
}
#endif

char *model_do(int event)
{
	unsigned n = (unsigned)event;
	char *wrong;

	(void)alarm(STALL_S);
	model_shown_n = 0;
	if (n < INTERRUPTS)
		wrong = step_goes_on(n);
	else if (n < POLLS)
		wrong = interrupted((n - INTERRUPTS) / 3, (n - INTERRUPTS) % 3);
	else if (n < PLUGS)
		wrong = poll_ends((n - POLLS) / 2, (n - POLLS) % 2);
	else if (n < WAKES)
		wrong = plug((n - PLUGS) / CPUS, (n - PLUGS) % CPUS);
	else
		wrong = wake((n - WAKES) / 2 % CPUS, (n - WAKES) / 2 / CPUS, (n - WAKES) & 1);
	see_what_can();
	tell(event);
	return wrong ? wrong : model_invariants();
}

char *model_end(void)
{
	for (unsigned t = 0; t < TASKS; t++)
		if (m.state[t] != DEAD)
			return "a task never ends";
	return NULL;
}

#ifndef JOBS
#define JOBS 1
#endif

void model_begin(void)
{
	memset(&m, 0, sizeof m);
	runqueue_init(1);
	m.locked = NOBODY;
	for (unsigned c = 0; c < CPUS; c++) {
		m.running[c] = m.left[c] = m.subject[c] = m.giving[c] = NOBODY;
		m.promised[c] = RANK_IDLE;
		m.idle |= 1ull << c;
		m.online |= 1ull << c;
	}
	for (unsigned t = 0; t < TASKS; t++)
		m.jobs[t] = JOBS;
	m.spurious = m.notes = m.faults = 1;
	m.ticks = 2;
	m.plugs = PLUG;
	see_what_can();
}

char *model_wrong(char *wrong)
{
	static char *kept;

	if (wrong)
		kept = wrong;
	return kept;
}
