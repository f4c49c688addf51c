/*
 * Admission against the ideal machine: what is admitted never misses, and where a test is exact,
 * what is refused does.
 * cpus: 4
 * seeds: 1
 */
#include "machine.h"
#include "sched/admission.h"

static struct ideal_machine m;
static struct admission_task set[ADMISSION_TASKS + 1];
static char why[ADMISSION_WHY_BYTES];

/* Adds to both the machine and the set. */
static void add(struct sched_params p, u64 period_ns, u64 wcet_ns)
{
	char name[16];

	ksnprintf(name, sizeof name, "t%u", m.n);
	MUST(admission_describe(&set[m.n], name, &p, period_ns, wcet_ns, why));
	ideal_add(&m, p, period_ns, wcet_ns, 0);
}

static bool admitted(void)
{
	int err = admission_test(set, m.n, why);

	CHECK(err == 0 || err == ERR_REFUSED);
	return !err;
}

static u64 misses_until(u64 end_ns)
{
	u64 sum = 0;

	while (ideal_step(&m, end_ns))
		;
	for (unsigned i = 0; i < m.n; i++)
		sum += m.task[i].misses;
	return sum;
}

/* The same set from the start, all tasks at once or each when it likes; misses. */
static u64 run_again(u64 seed, u64 end_ns)
{
	struct ideal_task tasks[MACHINE_TASKS];
	unsigned n = m.n;

	memcpy(tasks, m.task, sizeof tasks);
	ideal_init(&m, cpu_count);
	for (unsigned i = 0; i < n; i++)
		ideal_add(&m, tasks[i].params, tasks[i].period_ns, tasks[i].work_ns,
			  seed ? test_below(&seed, tasks[i].period_ns) : 0);
	m.seed = seed;
	return misses_until(end_ns);
}

#define HYPERPERIOD 120u /* in units */
#define UNIT_NS US(10)

static u64 random_period(u64 *seed)
{
	static const u8 divisors[] = {2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30};

	return divisors[test_below(seed, ARRAY_LEN(divisors))];
}

static struct sched_params with_cpus(struct sched_params p, u64 cpus)
{
	p.cpus = cpus;
	return p;
}

/* Tasks of which each uses up to @p share percent of a CPU; deadlines are the periods. */
static void random_set(u64 *seed, unsigned n, u64 share, struct sched_params (*params)(u64 *, u64))
{
	ideal_init(&m, cpu_count);
	for (unsigned i = 0; i < n; i++) {
		u64 period = random_period(seed);
		u64 wcet_ns = 1 + test_below(seed, period * UNIT_NS * share / 100);

		add(params(seed, period * UNIT_NS), period * UNIT_NS, wcet_ns);
	}
}

static struct sched_params edf_on_one(u64 *seed, u64 period_ns)
{
	(void)seed;
	return with_cpus(SCHED_PARAMS_EDF(period_ns), 2);
}

/* Exact: sum of wcet / period, in units in which it is an integer. */
static bool above_one(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < m.n; i++)
		sum += m.task[i].work_ns * (HYPERPERIOD * UNIT_NS / m.task[i].period_ns);
	return sum > HYPERPERIOD * UNIT_NS;
}

static void edf_on_one_cpu_is_exact(void)
{
	unsigned in = 0, out = 0;
	u64 seed = 1;

	for (unsigned round = 0; round < 300; round++) {
		bool yes;

		random_set(&seed, 2 + round % 4, 100, edf_on_one);
		yes = admitted();
		CHECK_EQ(yes, !above_one());
		CHECK_EQ(run_again(0, 2 * HYPERPERIOD * UNIT_NS) == 0, yes);
		in += yes;
		out += !yes;
	}
	CHECK(in > 30 && out > 30);
	/* Thirds are no binary fractions: a sum of exactly 1 is none too much. */
	ideal_init(&m, cpu_count);
	for (u64 i = 1; i <= 3; i++)
		add(edf_on_one(&seed, US(30) * i), US(30) * i, US(10) * i);
	CHECK(admitted());
}

static u8 next_level;

static struct sched_params fifo_on_one(u64 *seed, u64 period_ns)
{
	(void)seed, (void)period_ns;
	return with_cpus(SCHED_PARAMS_FIFO(next_level++), 1);
}

/* Levels with one task each: the critical instant is when all come at once. */
static void fifo_on_one_cpu_is_exact(void)
{
	unsigned in = 0, out = 0;
	u64 seed = 2;

	for (unsigned round = 0; round < 300; round++) {
		bool yes;

		next_level = 0;
		random_set(&seed, 2 + round % 4, 60, fifo_on_one);
		yes = admitted();
		CHECK_EQ(run_again(0, 2 * HYPERPERIOD * UNIT_NS) == 0, yes);
		if (yes)
			CHECK_EQ(run_again(3 + round, MS(20)), 0);
		in += yes;
		out += !yes;
	}
	CHECK(in > 30 && out > 30);
}

static u64 cluster;

static struct sched_params edf_in_cluster(u64 *seed, u64 period_ns)
{
	u64 deadline_ns = test_below(seed, 2) ? period_ns : period_ns - test_below(seed, period_ns / 2);

	return cluster == 15 ? SCHED_PARAMS_EDF(deadline_ns) : SCHED_PARAMS_CEDF(cluster, deadline_ns);
}

/* Adds until the next one would be refused; that one stays out. Returns how many there are. */
static unsigned fill(u64 *seed, u64 share, struct sched_params (*params)(u64 *, u64))
{
	ideal_init(&m, cpu_count);
	for (unsigned tries = 0; tries < 40 && m.n < MACHINE_TASKS; tries++) {
		u64 period_ns = random_period(seed) * UNIT_NS;
		struct sched_params p = params(seed, period_ns);
		u64 most_ns = p.deadline_ns ? p.deadline_ns : period_ns;

		add(p, period_ns, 1 + test_below(seed, most_ns * share / 100));
		if (!admitted())
			m.n--;
	}
	return m.n;
}

static void check_full_set(u64 round)
{
	CHECK_EQ(run_again(0, MS(3)), 0);
	for (u64 k = 1; k <= 3; k++)
		CHECK_EQ(run_again(round * 8 + k, MS(3)), 0);
}

static void global_edf_never_misses(void)
{
	u64 seed = 5, tasks = 0;

	for (unsigned round = 0; round < 120; round++) {
		cluster = round % 3 == 0 ? 3 : round % 3 == 1 ? 7 : 15;
		tasks += fill(&seed, round % 4 ? 50 : 100, edf_in_cluster);
		check_full_set(round);
	}
	CHECK(tasks > 5 * 120);
}

static struct sched_params anything(u64 *seed, u64 period_ns)
{
	u64 cpus = test_below(seed, 2) ? 1 + test_below(seed, 15) : 15;

	switch (test_below(seed, 4)) {
	case 0: return SCHED_PARAMS_CEDF(cpus, period_ns - test_below(seed, period_ns / 2));
	case 1: return with_cpus(SCHED_PARAMS_EDF(period_ns - test_below(seed, period_ns / 2)), cpus);
	case 2: return with_cpus(SCHED_PARAMS_FIFO((u8)test_below(seed, 4)), cpus);
	default: return with_cpus(SCHED_PARAMS_RR((u8)test_below(seed, 3), US(50)), cpus);
	}
}

static void mixtures_never_miss(void)
{
	u64 seed = 6, tasks = 0;

	for (unsigned round = 0; round < 150; round++) {
		tasks += fill(&seed, 60, anything);
		check_full_set(round);
	}
	CHECK(tasks > 5 * 150);
}

/* Sets that meet all deadlines when all tasks begin at once, and miss one with these offsets: what
 * a job had left when a window began makes the difference. Found by searching; in units. */
static void windows_begin_before_they_begin(void)
{
	static const struct {
		bool edf;
		struct {
			u8 wcet, deadline, period, offset;
		} task[4];
	} cases[] = {
		{false, {{5, 8, 8, 6}, {3, 13, 13, 5}, {8, 11, 11, 4}, {1, 10, 10, 8}}},
		{true, {{2, 5, 9, 0}, {3, 3, 3, 0}, {2, 5, 7, 5}, {1, 6, 7, 5}}},
		{true, {{10, 11, 11, 2}, {4, 5, 6, 4}, {1, 5, 7, 4}}},
	};

	for (unsigned c = 0; c < ARRAY_LEN(cases); c++) {
		ideal_init(&m, cpu_count);
		for (unsigned i = 0; i < 4 && cases[c].task[i].period; i++) {
			u64 deadline_ns = cases[c].task[i].deadline * UNIT_NS;

			add(cases[c].edf ? SCHED_PARAMS_CEDF(3, deadline_ns)
					 : with_cpus(SCHED_PARAMS_FIFO((u8)(9 - i)), 3),
			    cases[c].task[i].period * UNIT_NS, cases[c].task[i].wcet * UNIT_NS);
			m.task[i].next_ns = cases[c].task[i].offset * UNIT_NS;
		}
		CHECK(!admitted());
		CHECK(misses_until(200 * UNIT_NS) > 0);
	}
}

/* Sets that one of the two tests for EDF passes and the other does not: both are needed. */
static void either_test_is_enough(void)
{
	cluster = 3;
	/* Light ones only: densities 0.9 + 0.2 * 4 <= 2 - 0.9 is false; of equals many fit. */
	ideal_init(&m, cpu_count);
	for (unsigned i = 0; i < 9; i++)
		add(SCHED_PARAMS_CEDF(3, US(100)), US(100), US(20));
	CHECK(admitted()); /* 1.8 <= 2 - 0.2: density; interference: 8 * 20 > 2 * 81 is false too */
	ideal_init(&m, cpu_count);
	add(SCHED_PARAMS_CEDF(3, US(100)), US(100), US(90));
	add(SCHED_PARAMS_CEDF(3, US(100)), US(100), US(90));
	CHECK(admitted()); /* 1.8 > 2 - 0.9, but each has a CPU to itself: interference */
	add(SCHED_PARAMS_CEDF(3, US(100)), US(100), US(21));
	CHECK(!admitted());
	CHECK(strstr(why, "t0 might miss: densities add up to 2010 of 1000, the bound is 1100"));
}

static void says_why(void)
{
	struct sched_params edf = SCHED_PARAMS_EDF(MS(5)), fair = SCHED_PARAMS_FAIR(1, MS(1)),
			    fifo = SCHED_PARAMS_FIFO(3);
	struct admission_task t;

	CHECK_EQ(admission_describe(&t, "x", &fair, MS(5), MS(1), why), ERR_INVAL);
	CHECK(strstr(why, "fair gives no guarantee"));
	CHECK_EQ(admission_describe(&t, "x", &edf, MS(4), MS(1), why), ERR_INVAL);
	CHECK(strstr(why, "deadline_ns is 5000000, not from 1 to 4000000"));
	CHECK_EQ(admission_describe(&t, "x", &edf, MS(5), 0, why), ERR_INVAL);
	CHECK(strstr(why, "wcet_ns is 0, not from 1 to 5000000"));
	CHECK_EQ(admission_describe(&t, "x", &edf, MS(6), MS(6), why), ERR_INVAL);
	CHECK_EQ(admission_describe(&t, "x", &fifo, 0, 1, why), ERR_INVAL);
	CHECK(strstr(why, "period_ns is 0, not from 1 to 1000000000000"));
	ideal_init(&m, cpu_count);
	add(with_cpus(SCHED_PARAMS_FIFO(9), 1), MS(5), MS(2));
	add(with_cpus(SCHED_PARAMS_FIFO(8), 1), MS(20), MS(4));
	add(with_cpus(SCHED_PARAMS_FIFO(7), 1), MS(10), MS(3));
	CHECK(!admitted());
	CHECK_STR(why, "t2 would miss: response 13.000 ms > deadline 10.000 ms");
	/* Burns and Wellings, "Real-Time Systems and Programming Languages": responses 3, 6, 20. */
	ideal_init(&m, cpu_count);
	add(with_cpus(SCHED_PARAMS_FIFO(3), 1), MS(7), MS(3));
	add(with_cpus(SCHED_PARAMS_FIFO(2), 1), MS(12), MS(3));
	add(with_cpus(SCHED_PARAMS_FIFO(1), 1), MS(20), MS(5));
	CHECK(admitted());
	CHECK_EQ(misses_until(MS(20)), 0);
	CHECK_EQ(m.task[0].worst_ns, MS(3));
	CHECK_EQ(m.task[1].worst_ns, MS(6));
	CHECK_EQ(m.task[2].worst_ns, MS(20));
}

/* Who enters takes room, who leaves gives it back; at most ADMISSION_TASKS. */
static void slots(void)
{
	struct sched_params p = with_cpus(SCHED_PARAMS_EDF(MS(10)), 1);
	unsigned slot[ADMISSION_TASKS + 1], first;
	struct admission_task t;

	MUST(admission_describe(&t, "half", &p, MS(10), MS(5), why));
	CHECK_EQ(admission_enter(&t, &first, why), 0);
	CHECK_EQ(admission_enter(&t, &slot[0], why), 0);
	CHECK_EQ(admission_enter(&t, &slot[1], why), ERR_REFUSED);
	CHECK(strstr(why, "half might miss"));
	admission_leave(first);
	CHECK_EQ(admission_enter(&t, &first, why), 0);
	admission_leave(first);
	admission_leave(slot[0]);
	t.wcet_ns = 1;
	for (unsigned i = 0; i < ADMISSION_TASKS; i++)
		CHECK_EQ(admission_enter(&t, &slot[i], why), 0);
	CHECK_EQ(admission_enter(&t, &slot[ADMISSION_TASKS], why), ERR_NOMEM);
	for (unsigned i = 0; i < ADMISSION_TASKS; i++)
		admission_leave(slot[i]);
}

TESTS_MAIN(PLAIN(edf_on_one_cpu_is_exact), PLAIN(fifo_on_one_cpu_is_exact),
	   PLAIN(global_edf_never_misses), PLAIN(mixtures_never_miss), PLAIN(windows_begin_before_they_begin),
	   PLAIN(either_test_is_enough),
	   PLAIN(says_why), PLAIN(slots));
