/* The table of policies. A new policy is a new file and a line here. */
#include "sched/sched.h"

#include "core/cpu.h"

static const struct sched_policy *const policies[SCHED_CLASSES] = {
	[SCHED_CEDF] = &sched_cedf,
	[SCHED_EDF] = &sched_edf,
	[SCHED_FIFO] = &sched_fifo,
	[SCHED_RR] = &sched_rr,
};

const struct sched_policy *sched_policy_of(unsigned class)
{
	return class < SCHED_CLASSES ? policies[class] : NULL;
}

static u64 all_cpus(void)
{
	return SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count);
}

int sched_validate(const struct sched_params *p, const char **why)
{
	const struct sched_policy *policy = sched_policy_of(p->class);

	*why = "this kernel has no such scheduling class";
	if (!policy)
		return ERR_INVAL;
	*why = "the set of CPUs holds none that exists";
	if (p->cpus && !(p->cpus & all_cpus()))
		return ERR_INVAL;
	return policy->validate(p, why);
}

u64 sched_cpus(const struct sched_params *p)
{
	u64 cpus = p->cpus & all_cpus();

	return !p->cpus || cpus == all_cpus() ? SCHED_CPUS_ALL : cpus;
}

const char *sched_class_name(unsigned class)
{
	static const char *const names[SCHED_CLASSES] = {
		[SCHED_CEDF] = "cedf", [SCHED_EDF] = "edf",   [SCHED_FIFO] = "fifo",
		[SCHED_RR] = "rr",     [SCHED_FAIR] = "fair", [SCHED_PANICKED] = "panicked",
	};

	return class < SCHED_CLASSES ? names[class] : "?";
}
