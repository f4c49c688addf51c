#include "sched/admission.h"

#include "base/printf.h"
#include "base/string.h"
#include "core/cpu.h"
#include "sync/spin.h"
#include <stdatomic.h>

#define ITERATIONS_MAX 10000u
#define FRACTION_BITS 57u /* of densities: the sum of 64 fits */

#define MS_FORMAT "%lu.%03lu ms"
#define MS_OF(ns) (ns) / NS_PER_MS, (ns) / NS_PER_US % 1000

int admission_describe(struct admission_task *t, const char *name, const struct sched_params *p,
		       u64 period_ns, u64 wcet_ns, char why[ADMISSION_WHY_BYTES])
{
	const struct sched_policy *policy = sched_policy_of(p->class);

	*t = (struct admission_task){
		.cpus = sched_cpus(p) & SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count),
		.urgency = policy->urgency,
		.key = p->deadline_ns ? 0 : (u8)(SCHED_LEVELS - 1 - p->level),
		.by_deadline = p->deadline_ns,
		.period_ns = period_ns,
		.wcet_ns = wcet_ns,
		.deadline_ns = p->deadline_ns ? p->deadline_ns : period_ns,
	};
	strlcpy(t->name, name, sizeof t->name);

	const struct {
		const char *name;
		u64 value, least, most;
	} fields[] = {
		{"period_ns", t->period_ns, 1, ADMISSION_PERIOD_MAX_NS},
		{"deadline_ns", t->deadline_ns, 1, t->period_ns},
		{"wcet_ns", t->wcet_ns, 1, t->deadline_ns},
	};

	if (policy->urgency > TRACE_sched_urgency_rr) {
		ksnprintf(why, ADMISSION_WHY_BYTES, "%s gives no guarantee: cedf, edf, fifo and rr do",
			  policy->name);
		return ERR_INVAL;
	}
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].value >= fields[i].least && fields[i].value <= fields[i].most)
			continue;
		ksnprintf(why, ADMISSION_WHY_BYTES, "admission: %s is %lu, not from %lu to %lu",
			  fields[i].name, fields[i].value, fields[i].least, fields[i].most);
		return ERR_INVAL;
	}
	return 0;
}

static unsigned count_of(u64 cpus)
{
	unsigned n = 0;

	for (; cpus; cpus &= cpus - 1)
		n++;
	return n;
}

/* Whether jobs of @p i can keep jobs of @p k from running. Equal levels count as above. */
static bool delays(const struct admission_task *i, const struct admission_task *k)
{
	if (i == k || !(i->cpus & k->cpus))
		return false;
	return i->urgency != k->urgency ? i->urgency < k->urgency : i->key <= k->key;
}

/* Whether all that can delay @p k may use the same CPUs as @p k; @p equals: and have its class. */
static bool alone(const struct admission_task *tasks, unsigned n, const struct admission_task *k,
		  bool equals)
{
	for (unsigned i = 0; i < n; i++)
		if (delays(&tasks[i], k) && (tasks[i].cpus != k->cpus ||
					     (equals && tasks[i].urgency != k->urgency)))
			return false;
	return true;
}

/* part / whole in units of 2^-FRACTION_BITS, rounded down; part <= whole < 2^63. */
static u64 fraction(u64 part, u64 whole)
{
	u64 quotient = 0;

	for (unsigned bit = 0; bit <= FRACTION_BITS; bit++) {
		quotient = quotient << 1 | (part >= whole);
		part = (part >= whole ? part - whole : part) << 1;
	}
	return quotient;
}

static u64 thousandths(u64 fraction)
{
	unsigned bits = FRACTION_BITS - 20; /* enough, and no overflow */

	return ((fraction >> 20) * 1000 + (1ull << (bits - 1))) >> bits;
}

/*
 * On one CPU densities are rounded down: a sum of n that is above 1 by less than n * 2^-57 makes
 * no job late by a nanosecond before 4 years / n. On more they are rounded up.
 */
static bool density_fits(const struct admission_task *tasks, unsigned n,
			 const struct admission_task *k, char *why)
{
	unsigned m = count_of(k->cpus);
	u64 sum = 0, most = 0, one = 1ull << FRACTION_BITS, bound;

	for (unsigned i = 0; i < n; i++)
		if (&tasks[i] == k || delays(&tasks[i], k)) {
			u64 d = fraction(tasks[i].wcet_ns, tasks[i].deadline_ns) + (m > 1);

			sum += d;
			most = MAX(most, d);
		}
	most = MIN(most, one);
	bound = m * one - (m - 1) * most;
	if (sum <= bound)
		return true;
	ksnprintf(why, ADMISSION_WHY_BYTES,
		  "%s might miss: densities add up to %lu of 1000, the bound is %lu", k->name,
		  thousandths(sum), thousandths(bound));
	return false;
}

/* The longest that a job of @p k takes, as the least fixed point of what arrives meanwhile. */
static bool responds_in_time(const struct admission_task *tasks, unsigned n,
			     const struct admission_task *k, char *why)
{
	u64 response_ns = k->wcet_ns;

	for (unsigned round = 0; round < ITERATIONS_MAX; round++) {
		u64 next_ns = k->wcet_ns;

		for (unsigned i = 0; i < n; i++)
			if (delays(&tasks[i], k))
				next_ns += (response_ns + tasks[i].period_ns - 1) /
					   tasks[i].period_ns * tasks[i].wcet_ns;
		if (next_ns == response_ns && next_ns <= k->deadline_ns)
			return true;
		if (next_ns == response_ns || next_ns > 2 * k->deadline_ns) {
			ksnprintf(why, ADMISSION_WHY_BYTES,
				  "%s would miss: response " MS_FORMAT "%s > deadline " MS_FORMAT,
				  k->name, MS_OF(next_ns), next_ns == response_ns ? "" : " or more",
				  MS_OF(k->deadline_ns));
			return false;
		}
		response_ns = next_ns;
	}
	ksnprintf(why, ADMISSION_WHY_BYTES, "%s: no response time was found in %u steps", k->name,
		  ITERATIONS_MAX);
	return false;
}

/* How long jobs of @p i compute at most in a window of @p k's deadline, in which a job of @p k
 * is under way and they may run instead. */
static u64 interference_ns(const struct admission_task *i, const struct admission_task *k)
{
	u64 jobs, rest_ns;

	if (i->by_deadline && i->urgency == k->urgency) {
		/* Only those due by then; the last one due at the window's end. */
		jobs = k->deadline_ns < i->deadline_ns
			       ? 0
			       : (k->deadline_ns - i->deadline_ns) / i->period_ns + 1;
		rest_ns = k->deadline_ns - MIN(k->deadline_ns, jobs * i->period_ns);
	} else {
		/* The first one begins as late as it may, those behind it at once. */
		u64 window_ns = k->deadline_ns + i->deadline_ns - i->wcet_ns;

		jobs = window_ns / i->period_ns;
		rest_ns = window_ns % i->period_ns;
	}
	return jobs * i->wcet_ns + MIN(rest_ns, i->wcet_ns);
}

/* A job that misses was kept waiting for longer than its slack, on each CPU by others. */
static bool gets_its_time(const struct admission_task *tasks, unsigned n,
			  const struct admission_task *k, char *why)
{
	u64 too_long_ns = k->deadline_ns - k->wcet_ns + 1, sum_ns = 0;
	unsigned m = count_of(k->cpus);

	for (unsigned i = 0; i < n; i++)
		if (delays(&tasks[i], k))
			sum_ns += MIN(interference_ns(&tasks[i], k), too_long_ns);
	if (sum_ns < m * too_long_ns)
		return true;
	ksnprintf(why, ADMISSION_WHY_BYTES,
		  "%s might miss: others may have its %u CPUs for more than " MS_FORMAT
		  " of its " MS_FORMAT, k->name, m, MS_OF(too_long_ns - 1), MS_OF(k->deadline_ns));
	return false;
}

static bool passes(const struct admission_task *tasks, unsigned n, const struct admission_task *k,
		   char *why)
{
	char first[ADMISSION_WHY_BYTES];

	if (!k->by_deadline && !(k->cpus & (k->cpus - 1)) && alone(tasks, n, k, false))
		return responds_in_time(tasks, n, k, why);
	if (!k->by_deadline || !alone(tasks, n, k, true))
		return gets_its_time(tasks, n, k, why);
	/* Neither test covers the other; of the density more can be said. */
	return density_fits(tasks, n, k, why) || gets_its_time(tasks, n, k, first);
}

int admission_test(const struct admission_task *tasks, unsigned n, char why[ADMISSION_WHY_BYTES])
{
	for (unsigned k = 0; k < n; k++)
		if (!passes(tasks, n, &tasks[k], why))
			return ERR_REFUSED;
	return 0;
}

static struct spin lock;
static u64 used GUARDED_BY(lock); /* bit i: admitted[i] is in */
static struct admission_task admitted[ADMISSION_TASKS] GUARDED_BY(lock);

/* Copies those that are in, and @p t behind them; returns how many. */
static unsigned copy_all(struct admission_task *to, const struct admission_task *t)
{
	bool irqs = spin_lock(&lock);
	unsigned n = 0;

	for (u64 rest = used; rest; rest &= rest - 1)
		to[n++] = admitted[__builtin_ctzll(rest)];
	spin_unlock(&lock, irqs);
	to[n++] = *t;
	return n;
}

int admission_enter(const struct admission_task *t, unsigned *slot, char why[ADMISSION_WHY_BYTES])
{
	/* Too large for a stack; of whoever has set busy. */
	static struct admission_task all[ADMISSION_TASKS + 1];
	static _Atomic bool busy;
	unsigned n;
	int err;

	ksnprintf(why, ADMISSION_WHY_BYTES, "another task is being admitted");
	/* acquire: pairs with the release below, so that all is its former user's no more */
	if (atomic_exchange_explicit(&busy, true, memory_order_acquire))
		return ERR_BUSY;
	/* Those that leave meanwhile only leave more room; nobody else enters. */
	n = copy_all(all, t);
	ksnprintf(why, ADMISSION_WHY_BYTES, "%u tasks are admitted, the most there can be", n - 1);
	err = n > ADMISSION_TASKS ? ERR_NOMEM : admission_test(all, n, why);
	if (!err) {
		bool irqs = spin_lock(&lock);

		*slot = (unsigned)__builtin_ctzll(~used);
		used |= 1ull << *slot;
		admitted[*slot] = *t;
		spin_unlock(&lock, irqs);
	}
	/* release: pairs with the acquire above */
	atomic_store_explicit(&busy, false, memory_order_release);
	return err;
}

void admission_leave(unsigned slot)
{
	bool irqs = spin_lock(&lock);

	used &= ~(1ull << slot);
	spin_unlock(&lock, irqs);
}
