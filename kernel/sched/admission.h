/*
 * admission.h: whether a set of tasks meets its deadlines, before one more task is let in. Each
 * task says how often its jobs come at most (period), how long one computes at most (wcet), and
 * when it has to be done (deadline, at most the period; FIFO and RR: the period).
 *
 * What is promised: as long as the tasks keep to what they said, and only admitted tasks are in
 * their classes or above, no admitted job misses its deadline. The kernel's own work is no part
 * of the analysis: put it into the wcet.
 *
 * The tests are sufficient, in integers, and each of them says why it refuses:
 *   density       EDF alone on its CPUs. One CPU: the sum of wcet / deadline is at most 1 (Liu and
 *                 Layland, JACM 20(1), 1973; necessary too when deadlines are the periods). m CPUs:
 *                 at most m - (m - 1) * the largest (GFB: Goossens, Funk, Baruah, Real-Time
 *                 Systems 25, 2003; with densities: Bertogna, Cirinei, Lipari, ECRTS 2005).
 *   response time FIFO and RR, when all that can delay the task share its one CPU (Joseph and
 *                 Pandya, Computer Journal 29(5), 1986; Audsley et al., Software Engineering
 *                 Journal 8(5), 1993). Exact for levels with one task each.
 *   interference  all else (BCL: Bertogna, Cirinei, Lipari, IEEE TPDS 20(4), 2009): a job that
 *                 waits has all CPUs of its set taken from it by jobs that may delay it.
 */
#pragma once

#include "sched/sched.h"

#define ADMISSION_TASKS 64u
#define ADMISSION_WHY_BYTES 128
#define ADMISSION_PERIOD_MAX_NS SEC(1000)

struct admission_task {
	char name[16];
	u64 cpus; /* which it may use; at least one bit, only of CPUs that exist */
	u8 urgency, key; /* smaller first; key: 31 minus the level, of EDF 0 */
	bool by_deadline;
	u64 period_ns, wcet_ns, deadline_ns;
};

/** Fills in @p t. A task with a server counts with its budget and the server's period. On
 *  ERR_INVAL @p why names the parameter, its value and what was expected. Context: any. */
int admission_describe(struct admission_task *t, const char *name, const struct sched_params *p,
		       u64 period_ns, u64 wcet_ns, char why[ADMISSION_WHY_BYTES]) MUST_CHECK;

/** Whether each of the @p n tasks meets its deadlines; on ERR_REFUSED @p why says which would not.
 *  Context: any; O(n^2), for response times also times the number of iterations, at most 10000. */
int admission_test(const struct admission_task *tasks, unsigned n, char why[ADMISSION_WHY_BYTES])
	MUST_CHECK;

/** Lets @p t in if all that are in and @p t pass. *@p slot is for admission_leave. Errors:
 *  ERR_REFUSED, ERR_NOMEM (ADMISSION_TASKS are in), ERR_BUSY (somebody else is being let in).
 *  Context: task. */
int admission_enter(const struct admission_task *t, unsigned *slot, char why[ADMISSION_WHY_BYTES])
	MUST_CHECK;

/** The task in @p slot has ended. Context: any. */
void admission_leave(unsigned slot);
