/*
 * here.h: of the machine, what is read at each reading of the clock: the begin of struct sim.
 */
#pragma once

#include <stdint.h>

/* The clock: ns, and a fraction of SIM_FRACTION. One event moves it by step, which is
 * SIM_FRACTION / n: with n busy CPUs, n events pass in one nanosecond. */
#define SIM_HERE                                                                                   \
	uint64_t clock_ns, fraction, step;                                                         \
	int64_t armed;    /* sim_budget when the clock was last brought up to date */              \
	void *local;      /* of the CPU that runs, the kernel's struct cpu, */                     \
	uint64_t skew_ns; /* and what its clock is ahead; a fault */

#define SIM_FRACTION (1ull << 20)

struct sim_here {
	SIM_HERE
};

static inline uint64_t sim_here_now_ns(const struct sim_here *h, int64_t budget)
{
	uint64_t used = (uint64_t)(h->armed - budget);

	return h->clock_ns + (h->fraction + used * h->step) / SIM_FRACTION;
}
