/*
 * Constant-bandwidth servers on an ideal machine: what they serve, and that the others do not
 * notice what goes on in them.
 * cpus: 1
 * seeds: 1
 */
#include "machine.h"

static struct ideal_machine m;

static struct sched_params served(u64 budget_ns, u64 period_ns, bool hard)
{
	struct sched_params p = SCHED_PARAMS_EDF(period_ns);

	p.budget_ns = budget_ns;
	p.period_ns = period_ns;
	p.hard = hard;
	return p;
}

static u64 random_time(u64 *seed, u64 least_ns, u64 most_ns)
{
	return least_ns + test_below(seed, most_ns - least_ns + 1);
}

/* A server of @p bandwidth percent with more or less to do than it is made for, at odd times. */
static struct ideal_task *add_server(u64 *seed, u64 bandwidth)
{
	u64 period_ns = random_time(seed, US(500), MS(8)), budget_ns = period_ns * bandwidth / 100;
	u64 work_ns = random_time(seed, 1, budget_ns * (test_below(seed, 2) ? 6 : 1));
	struct sched_params p = served(budget_ns, period_ns, test_below(seed, 2));

	if (test_below(seed, 4) == 0) /* it always has something to do */
		return ideal_add(&m, p, 0, 0, 0);
	return ideal_add(&m, p, random_time(seed, US(20), 2 * period_ns), work_ns,
			 test_below(seed, period_ns));
}

/* Abeni and Buttazzo 1998, theorem 1 and lemma 1: a server of budget / period asks for no more
 * than that. So with a total of at most 1 on one CPU no task without a server misses. */
static void servers_disturb_nobody(void)
{
	u64 seed = 1, jobs = 0;

	for (unsigned round = 0; round < 200; round++) {
		unsigned servers = 1 + round % 3;
		u64 left = 100;

		ideal_init(&m, 1);
		for (unsigned i = 0; i < servers; i++) {
			u64 bandwidth = random_time(&seed, 5, 30);

			left -= bandwidth;
			add_server(&seed, bandwidth);
		}
		while (left) {
			u64 percent = random_time(&seed, 1, left);
			u64 period_ns = US(100) * random_time(&seed, 2, 60);

			left -= percent;
			if (m.n == MACHINE_TASKS)
				break;
			ideal_add(&m, SCHED_PARAMS_EDF(period_ns), period_ns,
				  period_ns / 100 * percent, 0);
		}
		while (ideal_step(&m, MS(100)))
			;
		for (unsigned i = servers; i < m.n; i++) {
			CHECK_EQ(m.task[i].misses, 0);
			jobs += m.task[i].jobs;
		}
	}
	CHECK(jobs > 10000);
}

/* The measure can tell: without a server such a task makes others miss. */
static void without_servers_they_do(void)
{
	u64 seed = 1;

	ideal_init(&m, 1);
	add_server(&seed, 30)->params.budget_ns = 0;
	m.task[0].work_ns = 0;
	ideal_add(&m, SCHED_PARAMS_EDF(MS(10)), MS(10), MS(7), 0);
	while (ideal_step(&m, MS(100)))
		;
	CHECK(m.task[1].misses > 0);
}

/* From one deadline of a hard server to the next it never has more than its budget, and in any
 * window of a period never more than two: the end of one and the beginning of the next. */
static void hard_servers_keep_to_their_budget(void)
{
	u64 seed = 3;

	for (unsigned round = 0; round < 60; round++) {
		struct ideal_task *t;
		u64 deadline_ns = 0, had_ns = 0, ends[512], had[512];
		unsigned n = 0, first = 0;

		ideal_init(&m, 1);
		t = add_server(&seed, 10 + round % 50);
		t->params.hard = true;
		ideal_add(&m, SCHED_PARAMS_EDF(MS(2)), MS(2), US(700), 0);
		while (ideal_step(&m, MS(60)) && n < ARRAY_LEN(ends)) {
			if (t->entity.own.server.deadline_ns != deadline_ns) {
				deadline_ns = t->entity.own.server.deadline_ns;
				had_ns = t->served_ns;
			}
			CHECK(t->served_ns - had_ns <= t->params.budget_ns);
			ends[n] = m.now_ns;
			had[n++] = t->served_ns;
			while (ends[first] + t->params.period_ns < m.now_ns)
				first++;
			CHECK(t->served_ns - had[first] <= 2 * t->params.budget_ns);
		}
		CHECK(t->served_ns > 0);
	}
}

/* A hard server that a more urgent class kept from running for twenty periods has one budget in the
 * next, not twenty. */
static void hard_servers_do_not_make_up(void)
{
	struct ideal_task *t;
	u64 had_ns;

	ideal_init(&m, 1);
	t = ideal_add(&m, served(MS(1), MS(5), true), 0, 0, 0);
	ideal_add(&m, SCHED_PARAMS_CEDF(1, MS(100)), SEC(100), MS(100), US(2500));
	while (ideal_step(&m, MS(102)))
		;
	had_ns = t->served_ns;
	CHECK(had_ns <= MS(1));
	while (ideal_step(&m, MS(108)))
		;
	CHECK(t->served_ns - had_ns <= MS(2));
	CHECK(t->served_ns > had_ns);
}

/* Alone, with something to do always: a hard server has its budget in each period, exactly; a
 * soft one has the CPU. */
static void alone(void)
{
	for (unsigned hard = 0; hard < 2; hard++) {
		ideal_init(&m, 1);
		ideal_add(&m, served(MS(2), MS(10), hard), 0, 0, 0);
		for (unsigned k = 1; k <= 20; k++) {
			while (ideal_step(&m, k * MS(10)))
				;
			CHECK_EQ(m.task[0].served_ns, k * (hard ? MS(2) : MS(10)));
		}
	}
}

/* Two that never have enough, and a full CPU: each has its bandwidth, up to a budget. */
static void nobody_gets_less(void)
{
	for (unsigned hard = 0; hard < 2; hard++) {
		ideal_init(&m, 1);
		ideal_add(&m, served(MS(2), MS(8), hard), 0, 0, 0);
		ideal_add(&m, served(MS(3), MS(6), hard), 0, 0, 0);
		ideal_add(&m, SCHED_PARAMS_EDF(MS(4)), MS(4), MS(1), 0);
		while (ideal_step(&m, MS(240))) {
			CHECK(m.task[0].served_ns + MS(2) >= m.now_ns / 4);
			CHECK(m.task[1].served_ns + MS(3) >= m.now_ns / 2);
		}
		CHECK_EQ(m.task[2].misses, 0);
	}
}

/* Who asks for no more than the budget and no more often than the period meets that as its
 * deadline: to it the server is a CPU of its own. */
static void who_keeps_to_it_misses_nothing(void)
{
	u64 seed = 9;

	for (unsigned round = 0; round < 60; round++) {
		u64 period_ns = random_time(&seed, US(400), MS(5)), budget_ns = period_ns / 3;

		ideal_init(&m, 1);
		m.seed = 1 + round;
		ideal_add(&m, served(budget_ns, period_ns, round % 2), period_ns, budget_ns,
			  random_time(&seed, 1, MS(1)));
		ideal_add(&m, served(MS(1), MS(3), round % 4 < 2), MS(3), MS(5), 0);
		ideal_add(&m, SCHED_PARAMS_EDF(US(900)), US(900), US(300), 0);
		while (ideal_step(&m, MS(200)))
			;
		CHECK_EQ(m.task[0].misses + m.task[2].misses, 0);
	}
}

static void parameters(void)
{
	static const struct {
		struct sched_params params;
		const char *expects;
	} wrong[] = {
		{{.class = SCHED_EDF, .deadline_ns = 1, .budget_ns = MS(1)},
		 "edf: period_ns is 0, not from 50000 to 1000000000000"},
		{{.class = SCHED_EDF, .deadline_ns = 1, .period_ns = MS(1)},
		 "edf: budget_ns is 0, not from 50000 to 1000000"},
		{{.class = SCHED_EDF, .deadline_ns = 1, .period_ns = MS(1), .budget_ns = MS(2)},
		 "edf: budget_ns is 2000000, not from 50000 to 1000000"},
		{{.class = SCHED_EDF, .deadline_ns = 1, .hard = true}, "edf takes no hard (it is 1)"},
		{{.class = SCHED_FIFO, .budget_ns = 1}, "fifo takes no budget_ns (it is 1)"},
		{{.class = SCHED_FIFO, .period_ns = 1}, "fifo takes no period_ns (it is 1)"},
	};
	struct sched_params right = served(MS(1), MS(1), true);
	char why[SCHED_WHY_BYTES];

	CHECK_EQ(sched_validate(&right, why), 0);
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		CHECK_EQ(sched_validate(&wrong[i].params, why), ERR_INVAL);
		CHECK_STR(why, wrong[i].expects);
	}
}

TESTS_MAIN(PLAIN(servers_disturb_nobody), PLAIN(without_servers_they_do),
	   PLAIN(hard_servers_keep_to_their_budget), PLAIN(hard_servers_do_not_make_up),
	   PLAIN(alone), PLAIN(nobody_gets_less),
	   PLAIN(who_keeps_to_it_misses_nothing), PLAIN(parameters));
