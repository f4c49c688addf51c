/* The table of policies. A new policy is a new file and a line here. */
#include "sched/sched.h"

#include "base/printf.h"
#include "core/cpu.h"

/* clang-format off */
static const struct sched_policy *const policies[SCHED_CLASSES] = {
	[SCHED_CEDF] = &sched_cedf, [SCHED_EDF] = &sched_edf, [SCHED_FIFO] = &sched_fifo,
	[SCHED_RR] = &sched_rr, [SCHED_FAIR] = &sched_fair, [SCHED_PANICKED] = &sched_panicked,
	[SCHED_MLFQ] = &sched_mlfq, [SCHED_LOTTERY] = &sched_lottery, [SCHED_STRIDE] = &sched_stride,
};

#define AT(name) [TRACE_sched_urgency_##name] = &sched_##name
static const struct sched_policy *const by_urgency[SCHED_CLASSES] = {
	AT(cedf), AT(edf), AT(fifo), AT(rr), AT(fair), AT(mlfq), AT(lottery), AT(stride), AT(panicked),
};
/* clang-format on */

const struct sched_policy *sched_policy_of(unsigned class)
{
	return class < SCHED_CLASSES ? policies[class] : NULL;
}

const struct sched_policy *sched_policy_at(unsigned urgency)
{
	return urgency < SCHED_CLASSES ? by_urgency[urgency] : NULL;
}

_Atomic u64 sched_heads, sched_tails;

static u64 all_cpus(void)
{
	return SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count);
}

/* Each parameter and its range. A server has both or none of its two. */
#define PARAMS(X)                                                                                  \
	X(cpus, policy->takes.cpus)                                                                \
	X(level, policy->takes.level)                                                              \
	X(share, policy->takes.share)                                                              \
	X(quantum_ns, policy->takes.quantum_ns)                                                    \
	X(deadline_ns, policy->takes.deadline_ns)                                                  \
	X(period_ns, ((struct sched_range){served, policy->takes.period_ns.most}))                 \
	X(budget_ns,                                                                               \
	  ((struct sched_range){served, MIN(policy->takes.budget_ns.most, p->period_ns)}))         \
	X(hard, ((struct sched_range){0, p->budget_ns != 0}))

#define FITS(name, range) (p->name >= (range).least && p->name <= (range).most) &&
#define ROW(name, range)  {#name, p->name, range},

/* Says what is wrong with @p p. @p served: the least that a server's budget and period may be. */
static __attribute__((noinline, cold)) int
explain(const struct sched_params *p, const struct sched_policy *policy, u64 served, char *why)
{
	const struct {
		const char *name;
		u64 value;
		struct sched_range range;
	} fields[] = {PARAMS(ROW)};

	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		u64 value = fields[i].value, least = fields[i].range.least, most = fields[i].range.most;

		if (value >= least && value <= most)
			continue;
		if (most)
			ksnprintf(why, SCHED_WHY_BYTES, "%s: %s is %lu, not from %lu to %lu",
				  policy->name, fields[i].name, value, least, most);
		else
			ksnprintf(why, SCHED_WHY_BYTES, "%s takes no %s (it is %lu)",
				  policy->name, fields[i].name, value);
		return ERR_INVAL;
	}
	ksnprintf(why, SCHED_WHY_BYTES, "%s: cpus is 0x%lx, which holds none of this machine's %u",
		  policy->name, p->cpus, cpu_count);
	return ERR_INVAL;
}

int sched_validate(const struct sched_params *p, char why[SCHED_WHY_BYTES])
{
	const struct sched_policy *policy = sched_policy_of(p->class);

	if (!policy) {
		ksnprintf(why, SCHED_WHY_BYTES, "there is no scheduling class %u", p->class);
		return ERR_INVAL;
	}

	u64 served = policy->takes.budget_ns.most && p->budget_ns | p->period_ns
			     ? SCHED_QUANTUM_MIN_NS
			     : 0;

	if (likely(PARAMS(FITS)(!p->cpus || p->cpus & all_cpus())))
		return 0;
	return explain(p, policy, served, why);
}

u64 sched_cpus(const struct sched_params *p)
{
	u64 cpus = p->cpus & all_cpus();

	return !p->cpus || cpus == all_cpus() ? SCHED_CPUS_ALL : cpus;
}

const char *sched_class_name(unsigned class)
{
	const struct sched_policy *p = sched_policy_of(class);

	return p ? p->name : "?";
}
