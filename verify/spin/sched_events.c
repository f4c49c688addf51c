/*
 * What SPIN chooses from: the steps of sched_model.c by number, what there may be of each, and what
 * must hold behind each.
 */
#include "base/string.h"
#include "sched_key.h"
#include "sched_world.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

#define CLUSTER ((1 << CPUS) - 2)
#define STALL_S 10 /* a step of the kernel's that lasts as long goes on for ever */

#define FIFO_AT(n)                                                                                 \
	{                                                                                          \
		.class = SCHED_FIFO, .level = n                                                    \
	}
#define RR_AT(n)                                                                                   \
	{                                                                                          \
		.class = SCHED_RR, .level = n, .quantum_ns = MS(1)                                 \
	}
#define EDF_BY(n)                                                                                  \
	{                                                                                          \
		.class = SCHED_EDF, .deadline_ns = n                                               \
	}
#define CEDF_BY(n, set)                                                                            \
	{                                                                                          \
		.class = SCHED_CEDF, .deadline_ns = n, .cpus = set                                 \
	}
#define ALL 0

/* Those with the same parameters are one to SPIN, whichever comes first. */
struct sched_params model_params[TASKS] = {
#if defined(FIFO)
	FIFO_AT(1), FIFO_AT(2), FIFO_AT(2), FIFO_AT(3), FIFO_AT(3),
#elif defined(RR)
	RR_AT(1), RR_AT(1), RR_AT(1), RR_AT(2), RR_AT(2),
#elif defined(EDF)
	EDF_BY(10), EDF_BY(10), EDF_BY(11), EDF_BY(11), EDF_BY(11),
#elif defined(CEDF) /* of some CPUs, or all; the last two CPUs are alike */
	CEDF_BY(10, CLUSTER), CEDF_BY(10, CLUSTER), CEDF_BY(10, ALL),
	CEDF_BY(11, 1),       CEDF_BY(11, ALL),
#else               /* a mixture, one of them pinned */
	{.class = SCHED_FIFO, .level = 1, .cpus = 1},
	RR_AT(1),
	CEDF_BY(11, CLUSTER),
	RR_AT(1),
	EDF_BY(10),
#endif
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
		if (all_quiet && m.hinted[c])
			return "a hint is lost";
		if (m.hinted[c] > HINTS_MAX)
			return "more hints are counted than the key of a state tells apart";
		if (all_quiet && m.leaving[c] != m.out[c])
			return "a CPU that is to leave, or to come back, never does";
	}
	return wrong;
}

/* Events: each CPU goes on, or does so with the numbers of the two others exchanged; is
 * interrupted; its poll ends; wakes each task, now or later; and has a CPU leave, or come back. */
#define SWAPPED    CPUS
#define INTERRUPTS (SWAPPED + (CPUS == 3 ? CPUS : 0))
#define POLLS      (INTERRUPTS + 3 * CPUS)
#define WAKES      (POLLS + 2 * CPUS)
#define PLUGS      (WAKES + 2 * CPUS * TASKS)
#define EVENTS     (PLUGS + (PLUG ? CPUS * CPUS : 0))
_Static_assert(EVENTS <= 56, "sched.pml names as many");

#ifndef ENDS_OF_QUANTUM
#define ENDS_OF_QUANTUM 2
#endif

#ifndef LATER
#define LATER 1 /* a job may be released later, with a deadline to match */
#endif

/* With TROUBLE there may be so many of all other kinds together. */
static u8 *rest_of(enum trouble kind)
{
#ifdef TROUBLE
	kind = kind == TICKS ? TICKS : SPURIOUS_ONE;
#endif
	return &m.troubles[kind];
}

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

	return why == BY_HINT    ? hinted
	       : why == SPURIOUS ? *rest_of(SPURIOUS_ONE) != 0
				 : t != NOBODY && model_params[t].quantum_ns && *rest_of(TICKS);
}

/* Whether the code chooses among the two other CPUs by their numbers. */
static bool number_decides(unsigned c)
{
	u64 promised = RANK_IDLE + 1;

	if (CPUS < 3 || m.giving[c] != NOBODY || (m.phase[c] == SETTLE && !m.spent[c]) ||
	    (m.phase[c] != WOKEN && m.phase[c] != OTHERS && m.phase[c] != YIELDED &&
	     m.phase[c] != SETTLE))
		return false;
	for (unsigned i = 0; i < m.queued; i++)
		if (sched_cpus(&model_params[m.order[i]]) != SCHED_CPUS_ALL)
			return true; /* then they are asked in turn */
	for (unsigned i = 0; i < CPUS; i++) {
		if (i != c && m.promised[i] == promised)
			return true;
		promised = i != c ? m.promised[i] : promised;
	}
	return false;
}

static bool can_plug(unsigned target)
{
	return m.plugs && (m.leaving[target] || m.online & ~(1ull << target));
}

static bool can_wake(unsigned t, bool later)
{
	if (m.state[t] == DEAD || (later && (!LATER || !is_edf(t) || m.state[t] != WAITING)))
		return false;
	/* One that waits for its first poll needs no other. */
	return m.state[t] == WAITING ||
	       (*rest_of(NOTES) && !m.noted[t] && (m.state[t] != READY || m.suspended[t]));
}

static u64 wakes_of(unsigned c)
{
	u64 can = 0;

	for (unsigned t = 0; t < TASKS; t++) {
		unsigned n = WAKES + 2 * (t * CPUS + c);

		/* A task notes itself without the lock. */
		if (m.locked == NOBODY || m.running[c] == t)
			can |= (u64)can_wake(t, false) << n | (u64)can_wake(t, true) << (n + 1);
	}
	return can;
}

/* What a CPU can do that is at nothing. */
static u64 free_can(unsigned c)
{
	u64 can = wakes_of(c);

	for (unsigned why = BY_HINT; why <= TICK; why++)
		can |= (u64)can_be_interrupted(c, why) << (INTERRUPTS + 3 * c + why);
	if (m.locked != NOBODY)
		return can;
	if (m.running[c] != NOBODY)
		can |= (u64)(1 | !!*rest_of(FAULTS) << 1) << (POLLS + 2 * c);
	for (unsigned i = 0; i < CPUS; i++)
		can |= (u64)can_plug(i) << (PLUGS + c * CPUS + i) % 64;
	return can;
}

static void see_what_can(void)
{
	m.can = 0;
	for (unsigned c = 0; c < CPUS; c++) {
		if (m.phase[c] == RUN && m.giving[c] == NOBODY)
			m.can |= free_can(c);
		else if (lock_is_free(c))
			m.can |= 1ull << c | (u64)number_decides(c) << (SWAPPED + c) % 64;
	}
}

static char *interrupted(unsigned c, enum why why)
{
	if (why != BY_HINT)
		--*rest_of(why == TICK ? TICKS : SPURIOUS_ONE);
	return step_interrupted(c, why);
}

static char *poll_ends(unsigned c, bool fault)
{
	unsigned t = m.running[c];

	if (fault)
		--*rest_of(FAULTS);
	else if (!m.noted[t])
		m.jobs[t]--;
	return step_poll_ends(c, fault || (!m.noted[t] && !m.jobs[t]) ? ENDS : WAITS);
}

static char *wake(unsigned c, unsigned t, u64 now_ns)
{
	*rest_of(NOTES) -= m.state[t] != WAITING;
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

static void ends_never(int signal)
{
	(void)signal;
	(void)raise(SIGALRM); /* which kills the search */
}

static sigjmp_buf before_step;

static void strays(int signal)
{
	(void)signal;
	siglongjmp(before_step, 1);
}

/* Each some steps: by CPU time, which a busy machine does not change. */
static void watch_for_stall(void)
{
	static const struct itimerval stall = {.it_value.tv_sec = STALL_S};
	static unsigned steps;

	if (steps++ & 1023)
		return;
	(void)signal(SIGVTALRM, ends_never);
	(void)signal(SIGSEGV, strays);
	(void)setitimer(ITIMER_VIRTUAL, &stall, NULL);
}

char *model_do(int event)
{
	unsigned n = (unsigned)event;
	char *wrong;

	watch_for_stall();
	if (sigsetjmp(before_step, 0))
		return "a step reads or writes where nothing is";
	model_shown_n = 0;
	if (n < SWAPPED)
		wrong = step_goes_on(n);
	else if (n < INTERRUPTS)
		wrong = step_goes_on_swapped(n - SWAPPED);
	else if (n < POLLS)
		wrong = interrupted((n - INTERRUPTS) / 3, (n - INTERRUPTS) % 3);
	else if (n < WAKES)
		wrong = poll_ends((n - POLLS) / 2, (n - POLLS) % 2);
	else if (n < PLUGS)
		wrong = wake((n - WAKES) / 2 % CPUS, (n - WAKES) / 2 / CPUS, (n - WAKES) & 1);
	else
		wrong = plug((n - PLUGS) / CPUS, (n - PLUGS) % CPUS);
	see_what_can();
	key_make();
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
#ifdef TROUBLE
	*rest_of(SPURIOUS_ONE) = TROUBLE;
#else
	m.troubles[SPURIOUS_ONE] = m.troubles[NOTES] = m.troubles[FAULTS] = 1;
#endif
	m.troubles[TICKS] = ENDS_OF_QUANTUM;
	m.plugs = PLUG;
	see_what_can();
	key_begin();
	key_make();
}

char *model_wrong(char *wrong)
{
	static char *kept;

	if (wrong)
		kept = wrong;
	return kept;
}
