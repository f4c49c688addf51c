/*
 * Each policy by itself, against a plain array that is searched from end to end; half of the
 * entities may not run on every CPU.
 * cpus: 1
 * seeds: 1
 */
#include "../test.h"
#include "sched/sched.h"

#define ENTITIES 24u

/* The model: what is queued, with its key and its place among equal keys. */
static struct sched_entity entities[ENTITIES];
static bool queued[ENTITIES];
static i64 place[ENTITIES];
static i64 head_place, tail_place;

static bool before(unsigned a, unsigned b)
{
	if (entities[a].key != entities[b].key)
		return entities[a].key < entities[b].key;
	return place[a] < place[b];
}

static bool may_use(unsigned i, unsigned cpu)
{
	return entities[i].cpus >> cpu & 1;
}

static struct sched_entity *model_peek(unsigned cpu)
{
	unsigned best = ENTITIES;

	for (unsigned i = 0; i < ENTITIES; i++)
		if (queued[i] && may_use(i, cpu) && (best == ENTITIES || before(i, best)))
			best = i;
	return best == ENTITIES ? NULL : &entities[best];
}

static unsigned model_count(unsigned cpu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ENTITIES; i++)
		n += queued[i] && may_use(i, cpu);
	return n;
}

/* The list is the model's order, cut at @p max. */
static void check_list(const struct sched_policy *p, unsigned cpu, unsigned max)
{
	struct sched_entity *list[ENTITIES] = {NULL};
	unsigned n = p->list(p->queue, cpu, list, max);

	CHECK_EQ(n, MIN(max, model_count(cpu)));
	CHECK(n == 0 || list[0] == model_peek(cpu));
	for (unsigned i = 0; i < n; i++) {
		CHECK(queued[list[i] - entities] && may_use((unsigned)(list[i] - entities), cpu));
		CHECK(!i || before((unsigned)(list[i - 1] - entities),
				   (unsigned)(list[i] - entities)));
	}
}

/* Half of them run everywhere, the others on some of four CPUs, or on one. */
static u64 random_cpus(u64 *seed)
{
	switch (test_below(seed, 4)) {
	case 0: return 1 + test_below(seed, 15);
	case 1: return 1ull << test_below(seed, 4);
	default: return SCHED_CPUS_ALL;
	}
}

static u64 key_of(const struct sched_policy *p, const struct sched_params *params, u64 release_ns)
{
	struct sched_entity e = {.key = 0};

	p->release(p->queue, &e, params, release_ns);
	return e.key;
}

static u64 random_key(const struct sched_policy *p, u64 *seed)
{
	struct sched_params params = {.level = 0};

	if (p == &sched_edf || p == &sched_cedf)
		params = SCHED_PARAMS_EDF(1 + test_below(seed, 6));
	else if (p == &sched_fifo)
		params = SCHED_PARAMS_FIFO((u8)(test_below(seed, 4) * 10 + test_below(seed, 2)));
	else
		params = SCHED_PARAMS_RR((u8)test_below(seed, 32), MS(1));
	return key_of(p, &params, 1000 + test_below(seed, 4));
}

static void random_operations(const struct sched_policy *p, u64 seed)
{
	head_place = tail_place = 0;
	memset(queued, 0, sizeof queued);
	for (unsigned step = 0; step < 4000; step++) {
		unsigned i = (unsigned)test_below(&seed, ENTITIES);

		if (queued[i]) {
			p->dequeue(p->queue, &entities[i]);
			queued[i] = false;
		} else {
			bool at_head = test_below(&seed, 3) == 0;

			entities[i].key = random_key(p, &seed);
			entities[i].cpus = random_cpus(&seed);
			place[i] = at_head ? --head_place : tail_place++;
			p->enqueue(p->queue, &entities[i], at_head);
			queued[i] = true;
		}
		for (unsigned cpu = 0; cpu < 5; cpu++)
			CHECK(p->peek(p->queue, cpu) == model_peek(cpu));
		if (step % 16 == 0)
			check_list(p, step / 16 % 5, step % 32 ? ENTITIES : 3);
	}
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		while (p->peek(p->queue, cpu)) {
			struct sched_entity *e = p->peek(p->queue, cpu);

			CHECK(e == model_peek(cpu));
			queued[e - entities] = false;
			p->dequeue(p->queue, e);
		}
		CHECK_EQ(model_count(cpu), 0);
	}
}

static void edf_against_the_model(void)
{
	for (u64 seed = 1; seed <= 5; seed++)
		random_operations(&sched_edf, seed);
	for (u64 seed = 6; seed <= 10; seed++)
		random_operations(&sched_cedf, seed);
}

static void fifo_against_the_model(void)
{
	for (u64 seed = 1; seed <= 5; seed++)
		random_operations(&sched_fifo, seed);
}

static void rr_against_the_model(void)
{
	for (u64 seed = 1; seed <= 5; seed++)
		random_operations(&sched_rr, seed);
}

static const struct sched_policy *const all[] = {&sched_cedf, &sched_edf, &sched_fifo, &sched_rr,
						 &sched_panicked};

/* A B C enter with equal keys; D, preempted, goes before them, E before D. */
static void equal_keys_in_order_of_arrival(void)
{
	for (unsigned k = 0; k < ARRAY_LEN(all); k++) {
		const struct sched_policy *p = all[k];
		static const unsigned expected[] = {4, 3, 0, 1, 2};

		for (unsigned i = 0; i < 5; i++) {
			entities[i].key = 7;
			entities[i].cpus = i % 2 ? 1 : SCHED_CPUS_ALL;
			p->enqueue(p->queue, &entities[i], i >= 3);
		}
		for (unsigned i = 0; i < 5; i++) {
			struct sched_entity *e = p->peek(p->queue, 0);

			CHECK_EQ(e - entities, expected[i]);
			p->dequeue(p->queue, e);
		}
		CHECK(!p->peek(p->queue, 0));
	}
}

static void keys_follow_from_the_parameters(void)
{
	struct sched_params d = SCHED_PARAMS_EDF(MS(2)), f = SCHED_PARAMS_FIFO(31),
			    g = SCHED_PARAMS_FIFO(0), r = SCHED_PARAMS_RR(30, MS(1));

	CHECK_EQ(key_of(&sched_edf, &d, MS(5)), MS(7));
	CHECK(key_of(&sched_fifo, &f, 1) < key_of(&sched_fifo, &g, 1));
	CHECK_EQ(key_of(&sched_fifo, &f, 1), key_of(&sched_fifo, &f, MS(9)));
	CHECK(key_of(&sched_rr, &r, 1) < key_of(&sched_rr, &g, 1));
}

static void classes_have_names_and_policies(void)
{
	CHECK(sched_policy_of(SCHED_CEDF) == &sched_cedf);
	CHECK(sched_policy_of(SCHED_EDF) == &sched_edf);
	CHECK(sched_policy_of(SCHED_FIFO) == &sched_fifo);
	CHECK(sched_policy_of(SCHED_RR) == &sched_rr);
	CHECK(sched_policy_of(SCHED_PANICKED) == &sched_panicked);
	CHECK(!sched_policy_of(SCHED_CLASSES));
	for (unsigned k = 0; k < ARRAY_LEN(all); k++)
		CHECK(*all[k]->name);
	CHECK_STR(sched_class_name(SCHED_EDF), "edf");
	CHECK_STR(sched_class_name(SCHED_CLASSES), "?");
}

TESTS_MAIN(PLAIN(edf_against_the_model), PLAIN(fifo_against_the_model),
	   PLAIN(rr_against_the_model), PLAIN(equal_keys_in_order_of_arrival),
	   PLAIN(keys_follow_from_the_parameters), PLAIN(classes_have_names_and_policies));
