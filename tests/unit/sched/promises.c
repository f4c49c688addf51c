/*
 * What the papers prove of the policies, on an ideal machine, to the nanosecond.
 * cpus: 1
 * seeds: 1
 */
#include "machine.h"

static struct ideal_machine m;

/* Divisors of the hyperperiod, so that a set can use the CPU up to the last nanosecond. */
#define HYPERPERIOD_NS 7200000ull

static u64 random_period(u64 *seed)
{
	static const u64 parts[] = {1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 36, 45, 60};

	return HYPERPERIOD_NS / parts[test_below(seed, ARRAY_LEN(parts))];
}

/* Adds random tasks until @p percent of one CPU is used, exactly where the periods allow it. */
static void random_periodic(u64 *seed, unsigned percent)
{
	u64 left = HYPERPERIOD_NS / 100 * percent; /* of the work of one hyperperiod */
	unsigned n = 2 + (unsigned)test_below(seed, MACHINE_TASKS - 2);

	for (unsigned i = 0; i < n; i++) {
		u64 period_ns = random_period(seed), jobs = HYPERPERIOD_NS / period_ns;
		u64 work_ns = (i + 1 < n ? test_below(seed, left / 2) : left) / jobs;

		if (!work_ns)
			continue;
		left -= work_ns * jobs;
		ideal_add(&m, SCHED_PARAMS_EDF(period_ns), period_ns, work_ns, 0);
	}
}

static u64 misses(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < m.n; i++)
		sum += m.task[i].misses;
	return sum;
}

/* Liu and Layland 1973, theorem 7: with deadlines at the periods' ends, nothing is missed if and
 * only if the utilisation is at most 1. */
static void edf_misses_nothing_up_to_1(void)
{
	for (u64 set = 1, seed = 0; set <= 300; set++) {
		ideal_init(&m, 1);
		random_periodic(&seed, 100);
		while (ideal_step(&m, 2 * HYPERPERIOD_NS))
			;
		CHECK_EQ(misses(), 0);
	}
}

static void edf_misses_beyond_1(void)
{
	for (u64 set = 1, seed = 0; set <= 50; set++) {
		ideal_init(&m, 1);
		random_periodic(&seed, 102);
		ideal_add(&m, SCHED_PARAMS_EDF(HYPERPERIOD_NS), HYPERPERIOD_NS, 1, 0);
		while (ideal_step(&m, 100 * HYPERPERIOD_NS))
			;
		CHECK(misses() > 0);
	}
}

/* Jobs of somebody more urgent, at odd times and of odd lengths. */
static void add_disturbance(u64 *seed)
{
	for (unsigned i = 0; i < 2; i++)
		ideal_add(&m, SCHED_PARAMS_FIFO(9), US(61) + test_below(seed, US(400)),
			  1 + test_below(seed, US(30)), test_below(seed, US(50)));
}

/* Equals that compute get the same, up to one quantum, at every moment. */
static void round_robin_differs_by_a_quantum(void)
{
	for (u64 round = 1, seed = 0; round <= 40; round++) {
		unsigned n = 2 + (unsigned)test_below(&seed, 6);
		u64 quantum_ns = SCHED_QUANTUM_MIN_NS + test_below(&seed, US(100));

		ideal_init(&m, 1);
		for (unsigned i = 0; i < n; i++)
			ideal_add(&m, SCHED_PARAMS_RR(3, quantum_ns), 0, 0, 0);
		add_disturbance(&seed);
		while (ideal_step(&m, MS(20)))
			for (unsigned i = 0; i < n; i++)
				for (unsigned k = 0; k < i; k++) {
					u64 a = m.task[i].served_ns, b = m.task[k].served_ns;

					CHECK((a > b ? a - b : b - a) <= quantum_ns);
				}
		CHECK(m.task[0].served_ns > MS(1));
	}
}

/* Adds @p n tasks that compute; returns the longest quantum. */
static u64 add_computing(u64 *seed, unsigned n, unsigned class)
{
	u64 longest_ns = 0;

	for (unsigned i = 0; i < n; i++) {
		u64 quantum_ns = SCHED_QUANTUM_MIN_NS + test_below(seed, US(200));
		u16 share = (u16)(1 + test_below(seed, test_below(seed, 2) ? 10 : 1000));

		longest_ns = MAX(longest_ns, quantum_ns);
		ideal_add(&m, (struct sched_params){.class = class, .share = share,
						    .quantum_ns = quantum_ns}, 0, 0, 0);
	}
	return longest_ns;
}

/*
 * Stoica and Abdel-Wahab 1995, theorem 1: no lag leaves (-own quantum, longest quantum), but for
 * the rounding of a virtual time, which is less than 1 ns at these weights. All times the total
 * weight, to be integers.
 */
static void check_lags(unsigned n, u64 longest_ns)
{
	i64 total_ns = 0, weights = 0;

	for (unsigned i = 0; i < n; i++) {
		total_ns += (i64)m.task[i].served_ns;
		weights += m.task[i].params.share;
	}
	for (unsigned i = 0; i < n; i++) {
		i64 lag = m.task[i].params.share * total_ns - weights * (i64)m.task[i].served_ns;

		CHECK(lag > -weights * (i64)(m.task[i].params.quantum_ns + 1));
		CHECK(lag < weights * (i64)(longest_ns + 1));
	}
}

static void fair_keeps_every_lag_bounded(void)
{
	for (u64 round = 1, seed = 0; round <= 60; round++) {
		unsigned n = 2 + (unsigned)test_below(&seed, 10);
		u64 longest_ns;

		ideal_init(&m, 1);
		longest_ns = add_computing(&seed, n, SCHED_FAIR);
		if (round % 2)
			add_disturbance(&seed);
		while (ideal_step(&m, MS(60)))
			check_lags(n, longest_ns);
	}
}

/* Waldspurger and Weihl 1995: of what two get together, neither gets more than its part and a
 * quantum. Times both tickets, to be integers. */
static void stride_errs_by_a_quantum_a_pair(void)
{
	for (u64 round = 1, seed = 0; round <= 60; round++) {
		unsigned n = 2 + (unsigned)test_below(&seed, 10);
		u64 longest_ns;

		ideal_init(&m, 1);
		longest_ns = add_computing(&seed, n, SCHED_STRIDE);
		if (round % 2)
			add_disturbance(&seed);
		while (ideal_step(&m, MS(60)))
			for (unsigned i = 0; i < n; i++)
				for (unsigned k = 0; k < i; k++) {
					i64 a = m.task[i].params.share, b = m.task[k].params.share;
					i64 error = a * (i64)m.task[k].served_ns -
						    b * (i64)m.task[i].served_ns;

					CHECK((error < 0 ? -error : error) < (a + b) * (i64)(longest_ns + 1));
				}
	}
}

TESTS_MAIN(PLAIN(edf_misses_nothing_up_to_1), PLAIN(edf_misses_beyond_1),
	   PLAIN(round_robin_differs_by_a_quantum), PLAIN(fair_keeps_every_lag_bounded),
	   PLAIN(stride_errs_by_a_quantum_a_pair));
