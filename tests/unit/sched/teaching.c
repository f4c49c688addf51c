/*
 * The policies for teaching, on an ideal machine: lottery against the binomial distribution, the
 * multilevel feedback queue against a plain model and against its rules.
 * cpus: 1
 * seeds: 1
 */
#include "machine.h"
#include "sched/lottery.h"

static struct ideal_machine m;

#define DRAWS 20000u

/* Counts wins until DRAWS quanta are over, and pairs: of the first and second, the third and
 * fourth ... both won by it. The first task uses @p part / 4 of each of its quanta. */
static void draw_quanta(const u16 *tickets, unsigned n, unsigned part, unsigned *wins,
			unsigned *pairs)
{
	unsigned last = n;
	const struct sched_policy *p = &sched_lottery;
	struct lottery *queue = (struct lottery *)m.queue[p->urgency];
	struct sched_params params[4];

	for (unsigned i = 0; i < n; i++) {
		wins[i] = pairs[i] = 0;
		params[i] = SCHED_PARAMS_LOTTERY(tickets[i], MS(1));
		m.task[i].entity.cpus = SCHED_CPUS_ALL;
		p->release(queue, &m.task[i].entity, &params[i], 0);
		p->enqueue(queue, &m.task[i].entity, false);
	}
	for (unsigned k = 0; k < DRAWS; k++) {
		struct sched_entity *e = p->peek(queue, 0);
		unsigned i = (unsigned)(CONTAINER_OF(e, struct ideal_task, entity) - m.task);

		wins[i]++;
		pairs[i] += k % 2 && i == last;
		last = i;
		p->dequeue(queue, e);
		p->charge(queue, e, &params[i], i ? MS(1) : MS(1) / 4 * part, 0, false);
		p->enqueue(queue, e, false);
	}
}

/*
 * Each count of wins is binomial with n = DRAWS and p = tickets / all tickets. Draws do not know of
 * each other: the count of pairs is binomial with n = DRAWS / 2 and p squared. The ranges hold but
 * with probability 1e-9, by the exact distribution (sums of its terms from both ends).
 */
static void lottery_wins_in_proportion_to_tickets(void)
{
	static const struct {
		u16 tickets[4];
		unsigned part;
		struct {
			unsigned least, most;
		} wins[4], pairs[4];
	} cases[] = {
		{{1, 2, 3, 4}, 4, {{1746, 2264}, {3658, 4349}, {5607, 6398}, {7578, 8424}},
		 {{46, 166}, {286, 525}, {730, 1080}, {1380, 1828}}},
		{{10, 1, 1000, 89}, 4, {{106, 270}, {0, 50}, {17929, 18425}, {1388, 1859}},
		 {{0, 11}, {0, 3}, {8029, 8492}, {23, 120}}},
		/* Who uses a quarter only has four times the chance: 4 / 5, and 1 / 5. */
		{{100, 100}, 1, {{15651, 16342}, {3658, 4349}}, {{6105, 6691}, {286, 525}}},
	};

	for (unsigned c = 0; c < ARRAY_LEN(cases); c++) {
		unsigned wins[4], pairs[4], n = cases[c].tickets[2] ? 4 : 2;

		ideal_init(&m, 1);
		draw_quanta(cases[c].tickets, n, cases[c].part, wins, pairs);
		for (unsigned i = 0; i < n; i++) {
			CHECK(wins[i] >= cases[c].wins[i].least);
			CHECK(wins[i] <= cases[c].wins[i].most);
			CHECK(pairs[i] >= cases[c].pairs[i].least);
			CHECK(pairs[i] <= cases[c].pairs[i].most);
		}
	}
}

/* The race's clock starts again before it overflows, and the odds stay what they are. */
static void lottery_outlives_its_clock(void)
{
	static const u16 tickets[] = {10, 1, 1000, 89};
	struct lottery *queue = (struct lottery *)m.queue[sched_lottery.urgency];
	unsigned wins[4], pairs[4];

	ideal_init(&m, 1);
	queue->now = (1ull << 62) - (1ull << 40);
	draw_quanta(tickets, 4, 4, wins, pairs);
	CHECK(queue->now < 1ull << 61);
	CHECK(wins[2] >= 17929 && wins[2] <= 18425);
	CHECK(wins[3] >= 1388 && wins[3] <= 1859);
}

/* A winner that somebody more urgent interrupts goes on with its quantum: no new draw. */
static void lottery_quanta_are_whole(void)
{
	struct ideal_task *high, *last = NULL;
	u64 since_ns = 0;

	ideal_init(&m, 1);
	for (unsigned i = 0; i < 3; i++)
		ideal_add(&m, SCHED_PARAMS_LOTTERY(5, MS(1)), 0, 0, 0);
	high = ideal_add(&m, SCHED_PARAMS_FIFO(3), US(170), US(20), US(10));
	while (ideal_step(&m, MS(200))) {
		struct ideal_task *t = m.running[0];

		if (t == high || t == last)
			continue;
		CHECK(!last || (last->served_ns - since_ns) % MS(1) == 0);
		last = t;
		since_ns = t->served_ns;
	}
	for (unsigned i = 0; i < 3; i++)
		CHECK(m.task[i].served_ns > MS(20));
}

#define QUANTUM_NS MS(1)

/* A task that computes sinks one level for each time that its level allows, and stays at the
 * bottom; who gives the CPU back before that time is over stays. */
static void mlfq_computing_sinks(void)
{
	struct ideal_task *hog, *shell;
	u64 allowed_ns = 0;

	ideal_init(&m, 1);
	hog = ideal_add(&m, SCHED_PARAMS_MLFQ(QUANTUM_NS), 0, 0, 0);
	shell = ideal_add(&m, SCHED_PARAMS_MLFQ(QUANTUM_NS), MS(10), US(100), MS(5));
	for (unsigned level = 0; level < SCHED_MLFQ_LEVELS; level++) {
		CHECK_EQ(hog->entity.own.mlfq.level, level);
		allowed_ns += QUANTUM_NS * (level + 1);
		while (hog->charged_ns < allowed_ns)
			ideal_step(&m, SCHED_MLFQ_BOOST_NS - MS(50));
	}
	CHECK_EQ(hog->entity.own.mlfq.level, SCHED_MLFQ_LEVELS - 1);
	while (ideal_step(&m, SCHED_MLFQ_BOOST_NS - MS(50)))
		;
	CHECK_EQ(hog->entity.own.mlfq.level, SCHED_MLFQ_LEVELS - 1);
	CHECK(shell->jobs > 10);
	/* Ten times 0.1 ms are the time of level 0, in pieces or not. */
	CHECK_EQ(shell->entity.own.mlfq.level, 1);
	/* Only at level 0 do the two compete as equals, and then for a quantum at most. */
	CHECK(shell->worst_ns <= QUANTUM_NS + US(100));
}

/* Time is time: who gives the CPU back just before its time is over sinks all the same. */
static void mlfq_cannot_be_gamed(void)
{
	struct ideal_task *gamer;

	ideal_init(&m, 1);
	gamer = ideal_add(&m, SCHED_PARAMS_MLFQ(QUANTUM_NS), QUANTUM_NS, QUANTUM_NS / 10 * 9, 0);
	while (ideal_step(&m, MS(50)))
		;
	CHECK(gamer->entity.own.mlfq.level >= 6);
}

/* Twelve that always have something at level 0 starve one that sank, until the boost. */
static void mlfq_boosts_who_starves(void)
{
	struct ideal_task *hog;
	u64 sunk_ns;

	ideal_init(&m, 1);
	hog = ideal_add(&m, SCHED_PARAMS_MLFQ(QUANTUM_NS), 0, 0, 0);
	while (ideal_step(&m, MS(40)))
		;
	sunk_ns = hog->served_ns;
	for (unsigned i = 0; i < 12; i++)
		ideal_add(&m, SCHED_PARAMS_MLFQ(MS(20)), US(1200), US(100), m.now_ns + US(100 * i));
	while (ideal_step(&m, SCHED_MLFQ_BOOST_NS))
		;
	CHECK(hog->served_ns - sunk_ns < US(200));
	sunk_ns = hog->served_ns;
	/* Boosted, it has the time of level 0 at once, once, and no more. */
	while (ideal_step(&m, SCHED_MLFQ_BOOST_NS + QUANTUM_NS + US(200)))
		;
	CHECK_EQ(hog->served_ns - sunk_ns, QUANTUM_NS);
	CHECK_EQ(hog->entity.own.mlfq.level, 1);
	CHECK_EQ(hog->entity.key, 1 * SCHED_MLFQ_LEVELS + 1);
}

TESTS_MAIN(PLAIN(lottery_wins_in_proportion_to_tickets), PLAIN(lottery_outlives_its_clock),
	   PLAIN(lottery_quanta_are_whole), PLAIN(mlfq_computing_sinks),
	   PLAIN(mlfq_cannot_be_gamed), PLAIN(mlfq_boosts_who_starves));
