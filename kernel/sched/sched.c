/* The table of policies. A new policy is a new file and a line here. */
#include "sched/sched.h"

static const struct sched_policy *const policies[SCHED_CLASSES] = {
	[SCHED_EDF] = &sched_edf,
	[SCHED_FIFO] = &sched_fifo,
	[SCHED_RR] = &sched_rr,
};

const struct sched_policy *sched_policy_of(unsigned class)
{
	return class < SCHED_CLASSES ? policies[class] : NULL;
}

const char *sched_class_name(unsigned class)
{
	static const char *const names[SCHED_CLASSES] = {
		[SCHED_CEDF] = "cedf", [SCHED_EDF] = "edf",   [SCHED_FIFO] = "fifo",
		[SCHED_RR] = "rr",     [SCHED_FAIR] = "fair", [SCHED_PANICKED] = "panicked",
	};

	return class < SCHED_CLASSES ? names[class] : "?";
}
