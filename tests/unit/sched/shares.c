/*
 * The policies that share by weight, by themselves: each decision against a model that is a plain
 * array and computes V from its definition, and what the papers prove about the service.
 * cpus: 1
 * seeds: 1
 */
#include "../test.h"
#include "sched/share.h"

#define TASKS 12u
#define CPUS 3u

enum where { ABSENT, QUEUED, RUNNING };

/* What the model knows of a task: all of it by itself, never read from the entity. */
static struct model {
	enum where where;
	struct sched_params params;
	u64 cpus;
	u64 at, from, until; /* virtual time, and begin and end of the request in it */
	u64 rest;
	i64 ahead;
	i64 place; /* among equal keys */
	u64 serviced_ns;
} model[TASKS];

static struct sched_entity entities[TASKS];
static struct share_queue queue;
static const struct sched_policy *policy;
static i64 first_place, last_place;

static void begin(const struct sched_policy *p)
{
	policy = p;
	memset(model, 0, sizeof model);
	memset(entities, 0, sizeof entities);
	memset(&queue, 0, sizeof queue);
	first_place = last_place = 0;
}

static u64 total_weight(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < TASKS; i++)
		if (model[i].where != ABSENT)
			sum += model[i].params.share;
	return sum;
}

/* The weighted sum of the virtual times; V is this over the total weight. */
static __int128 weighted_sum(void)
{
	__int128 sum = 0;

	for (unsigned i = 0; i < TASKS; i++)
		if (model[i].where != ABSENT)
			sum += (__int128)model[i].at * model[i].params.share + model[i].rest;
	return sum;
}

/* V, rounded down; long division, for want of one of 128 bits. */
static u64 mean(void)
{
	unsigned __int128 rest = 0, sum = (unsigned __int128)weighted_sum();
	u64 weight = total_weight(), quotient = 0;

	for (int bit = 127; bit >= 0; bit--) {
		rest = rest << 1 | (sum >> bit & 1);
		quotient <<= 1;
		if (rest >= weight) {
			rest -= weight;
			quotient |= 1;
		}
	}
	return quotient;
}

/* Whether @p t is not after V. */
static bool reached(u64 t)
{
	return (__int128)t * total_weight() <= weighted_sum();
}

static u64 quantum_of(const struct model *m)
{
	return m->params.quantum_ns * SHARE_SCALE / m->params.share;
}

static bool before(const struct model *a, const struct model *b)
{
	if (policy == &sched_stride)
		return a->at != b->at ? a->at < b->at : a->place < b->place;
	if (reached(a->from) != reached(b->from))
		return reached(a->from);
	return a->until != b->until ? a->until < b->until : a->place < b->place;
}

static bool may_use(unsigned i, unsigned cpu)
{
	return model[i].where == QUEUED && model[i].cpus >> cpu & 1;
}

static struct sched_entity *model_peek(unsigned cpu)
{
	unsigned best = TASKS;

	for (unsigned i = 0; i < TASKS; i++)
		if (may_use(i, cpu) && (best == TASKS || before(&model[i], &model[best])))
			best = i;
	return best == TASKS ? NULL : &entities[best];
}

static void check_queue(void)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		struct sched_entity *list[TASKS];
		unsigned n = policy->list(&queue, cpu, list, TASKS), allowed = 0;

		CHECK(policy->peek(&queue, cpu) == model_peek(cpu));
		for (unsigned i = 0; i < TASKS; i++)
			allowed += may_use(i, cpu);
		CHECK_EQ(n, allowed);
		for (unsigned i = 1; i < n; i++)
			CHECK(before(&model[list[i - 1] - entities], &model[list[i] - entities]));
	}
	CHECK((__int128)queue.now * total_weight() + queue.rest == weighted_sum() ||
	      !total_weight());
}

static void request(unsigned i)
{
	model[i].from = model[i].at;
	model[i].until = model[i].at + quantum_of(&model[i]);
}

static void enqueue(unsigned i, bool at_head)
{
	if (!at_head)
		request(i);
	model[i].where = QUEUED;
	model[i].place = at_head ? --first_place : ++last_place;
	policy->enqueue(&queue, &entities[i], at_head);
	CHECK_EQ(entities[i].key, policy == &sched_fair ? model[i].until : model[i].at);
}

/* V when nobody is there is where it was last; so the model asks for it, then, and then only. */
static void release(unsigned i)
{
	struct model *m = &model[i];
	u64 weight = total_weight();
	u64 now = weight ? mean() : queue.now ? queue.now : SHARE_ERA_SPAN;

	m->at = now;
	if (weight)
		m->at += (u64)(m->ahead + m->ahead * m->params.share / (i64)weight);
	m->rest = 0;
	m->where = RUNNING;
	policy->release(&queue, &entities[i], &m->params, 0);
}

static void charge(unsigned i, u64 ran_ns, bool quantum_over)
{
	struct model *m = &model[i];
	u64 units = ran_ns * SHARE_SCALE + m->rest;

	m->at += units / m->params.share;
	m->rest = units % m->params.share;
	m->serviced_ns += ran_ns;
	if (quantum_over)
		request(i);
	policy->charge(&queue, &entities[i], &m->params, ran_ns, 0, quantum_over);
}

static void leave(unsigned i)
{
	struct model *m = &model[i];
	u64 now = mean();

	m->ahead = (i64)(m->at - now);
	if (policy == &sched_fair)
		m->ahead = MAX(0, MIN(m->ahead, (i64)quantum_of(m)));
	m->where = ABSENT;
	policy->leave(&queue, &entities[i], &m->params);
}

static u64 random_cpus(u64 *seed)
{
	return test_below(seed, 2) ? SCHED_CPUS_ALL : 1 + test_below(seed, (1 << CPUS) - 1);
}

static struct sched_params random_params(u64 *seed)
{
	u64 weight = test_below(seed, 2) ? 1 + test_below(seed, 20) : 1 + test_below(seed, 10000);

	return (struct sched_params){.class = policy == &sched_fair ? SCHED_FAIR : SCHED_STRIDE,
				     .share = (u16)weight,
				     .quantum_ns = SCHED_QUANTUM_MIN_NS + test_below(seed, MS(5))};
}

/* What may become of a task that runs. */
static void step_running(unsigned i, u64 *seed)
{
	u64 quantum_ns = model[i].params.quantum_ns;

	switch (test_below(seed, 4)) {
	case 0: /* blocks */
		charge(i, test_below(seed, quantum_ns), false);
		leave(i);
		break;
	case 1: /* is preempted */
		charge(i, test_below(seed, quantum_ns), false);
		enqueue(i, true);
		break;
	case 2: /* is polled again */
		charge(i, test_below(seed, quantum_ns), false);
		enqueue(i, false);
		break;
	case 3: /* used its quantum */
		charge(i, quantum_ns + test_below(seed, US(3)), true);

		unsigned cpu = (unsigned)test_below(seed, CPUS);
		struct sched_entity *next = policy->peek(&queue, cpu);

		if (next) {
			model[i].place = INT64_MAX;
			CHECK_EQ(policy->keeps(&queue, &entities[i], next, cpu),
				 before(&model[i], &model[next - entities]));
		}
		if (!next || !policy->keeps(&queue, &entities[i], next, cpu))
			enqueue(i, false);
		break;
	}
}

static void random_operations(const struct sched_policy *p, u64 seed)
{
	begin(p);
	for (unsigned i = 0; i < TASKS; i++)
		model[i].params = random_params(&seed);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned i = (unsigned)test_below(&seed, TASKS);
		unsigned cpu = (unsigned)test_below(&seed, CPUS);
		struct sched_entity *next;

		switch (model[i].where) {
		case ABSENT:
			model[i].cpus = entities[i].cpus = random_cpus(&seed);
			release(i);
			enqueue(i, false);
			break;
		case RUNNING: step_running(i, &seed); break;
		case QUEUED:
			next = policy->peek(&queue, cpu);
			if (!next)
				break;
			policy->dequeue(&queue, next);
			model[next - entities].where = RUNNING;
			break;
		}
		check_queue();
	}
}

static void fair_against_the_model(void)
{
	for (u64 seed = 1; seed <= 8; seed++)
		random_operations(&sched_fair, seed);
}

static void stride_against_the_model(void)
{
	for (u64 seed = 1; seed <= 8; seed++)
		random_operations(&sched_stride, seed);
}

/* A debt outlives a short sleep: who sleeps whenever its quantum is nearly over gains nothing. It
 * loses little: only what it was owed while it did not ask. */
static void fair_sleeping_does_not_pay(void)
{
	u64 sleeper_ns = 0, other_ns = 0;

	begin(&sched_fair);
	for (unsigned i = 0; i < 2; i++) {
		model[i].params = SCHED_PARAMS_FAIR(100, MS(1));
		model[i].cpus = entities[i].cpus = SCHED_CPUS_ALL;
		release(i);
		enqueue(i, false);
	}
	for (unsigned step = 0; step < 1000; step++) {
		struct sched_entity *e = policy->peek(&queue, 0);

		policy->dequeue(&queue, e);
		if (e == &entities[0]) {
			model[0].where = RUNNING;
			charge(0, US(900), false);
			leave(0);
			release(0);
			enqueue(0, false);
			sleeper_ns += US(900);
		} else {
			model[1].where = RUNNING;
			charge(1, MS(1), true);
			enqueue(1, false);
			other_ns += MS(1);
		}
	}
	CHECK(sleeper_ns < other_ns + MS(2));
	CHECK(sleeper_ns * 10 >= other_ns * 9);
}

/* Virtual times pass the end of an era, again and again, and nobody notices. */
static void fair_outlives_its_eras(void)
{
	u64 least_ns = UINT64_MAX, most_ns = 0;
	unsigned eras;

	begin(&sched_fair);
	queue.now = 2 * SHARE_ERA_SPAN - MS(1);
	for (unsigned i = 0; i < 4; i++) {
		model[i].params = SCHED_PARAMS_FAIR(1, SCHED_QUANTUM_MAX_NS);
		model[i].cpus = entities[i].cpus = SCHED_CPUS_ALL;
		policy->release(&queue, &entities[i], &model[i].params, 0);
		policy->enqueue(&queue, &entities[i], false);
	}
	for (unsigned step = 0; step < 40000; step++) {
		struct sched_entity *e = policy->peek(&queue, 0);

		policy->dequeue(&queue, e);
		policy->charge(&queue, e, &model[0].params, SEC(10), 0, true);
		policy->enqueue(&queue, e, false);
		model[e - entities].serviced_ns += SEC(10);
	}
	eras = queue.era;
	for (unsigned i = 0; i < 4; i++) {
		least_ns = MIN(least_ns, model[i].serviced_ns);
		most_ns = MAX(most_ns, model[i].serviced_ns);
	}
	CHECK(eras > 0);
	CHECK_EQ(most_ns - least_ns, 0);
}

TESTS_MAIN(PLAIN(fair_against_the_model), PLAIN(stride_against_the_model),
	   PLAIN(fair_sleeping_does_not_pay), PLAIN(fair_outlives_its_eras));
