/*
 * model.h: what a queue of the contract has to do, as an array that is searched from end to end.
 * Behind labs/common/host.h.
 */
#pragma once

#include "sched/sched.h"

#define ENTITIES 24u

_Atomic u64 sched_heads, sched_tails;

static struct sched_entity entities[ENTITIES];
static bool queued[ENTITIES];
static i64 place[ENTITIES]; /* among equal keys */
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

static unsigned model_first(unsigned cpu)
{
	unsigned best = ENTITIES;

	for (unsigned i = 0; i < ENTITIES; i++)
		if (queued[i] && may_use(i, cpu) && (best == ENTITIES || before(i, best)))
			best = i;
	return best;
}

static unsigned model_count(unsigned cpu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ENTITIES; i++)
		n += queued[i] && may_use(i, cpu);
	return n;
}

static void check_peek(const struct sched_policy *p, unsigned cpu, unsigned step)
{
	struct sched_entity *e = p->peek(p->queue, cpu);
	unsigned right = model_first(cpu);

	host_note(e ? (u64)(e - entities) : ENTITIES);
	if (right == ENTITIES)
		EXPECT(!e,
		       "%s, after %u operations: peek for CPU %u gives a task, but none that may "
		       "run there is queued",
		       p->name, step, cpu);
	else
		EXPECT(e == &entities[right],
		       "%s, after %u operations: peek for CPU %u gives %s%lld; of the %u that may "
		       "run there the first is task %u (key %llu, %s)",
		       p->name, step, cpu, e ? "task " : "nobody ",
		       e ? (long long)(e - entities) : 0, model_count(cpu), right,
		       (unsigned long long)entities[right].key,
		       entities[right].cpus == SCHED_CPUS_ALL ? "which may run everywhere"
							      : "which may run on some CPUs only");
}

static void check_list(const struct sched_policy *p, unsigned cpu, unsigned max)
{
	struct sched_entity *list[ENTITIES] = {NULL};
	unsigned n = p->list(p->queue, cpu, list, max);

	EXPECT(n == MIN(max, model_count(cpu)),
	       "%s: list was asked for %u of the %u that may run on CPU %u and gives %u", p->name,
	       max, model_count(cpu), cpu, n);
	for (unsigned i = 0; i < n; i++) {
		unsigned e = (unsigned)(list[i] - entities);

		host_note(e);
		EXPECT(queued[e] && may_use(e, cpu),
		       "%s: list gives one that is not queued, or may not run on CPU %u", p->name,
		       cpu);
		EXPECT(!i || before((unsigned)(list[i - 1] - entities), e),
		       "%s: list gives entry %u before entry %u, which comes first", p->name, i - 1,
		       i);
	}
}

static u64 random_cpus(void)
{
	switch (host_below(4)) {
	case 0:
		return 1 + host_below(15);
	case 1:
		return 1ull << host_below(4);
	default:
		return SCHED_CPUS_ALL;
	}
}

static void release_random(const struct sched_policy *p, unsigned i)
{
	struct sched_params params = {.level = (u8)host_below(SCHED_LEVELS), .quantum_ns = MS(1)};

	if (host_below(2))
		params.level = (u8)host_below(2); /* many equals */
	if (p->takes.deadline_ns.most)
		params = SCHED_PARAMS_EDF(1 + host_below(6));
	entities[i] = (struct sched_entity){.cpus = random_cpus()};
	p->release(p->queue, &entities[i], &params, 1000 + host_below(4));
	host_note(entities[i].key);
}

static void check_all(const struct sched_policy *p, unsigned step)
{
	for (unsigned cpu = 0; cpu < 5; cpu++)
		check_peek(p, cpu, step);
	if (step % 16 == 0)
		check_list(p, step / 16 % 5, step % 32 ? ENTITIES : 3);
}

/* @p steps times somebody enters or leaves the queue of @p p, and is compared with the array. */
static void __attribute__((unused)) random_operations(const struct sched_policy *p, unsigned steps)
{
	head_place = tail_place = 0;
	memset(queued, 0, sizeof queued);
	for (unsigned step = 0; step < steps && !host_failures; step++) {
		unsigned i = (unsigned)host_below(ENTITIES);

		if (queued[i]) {
			p->dequeue(p->queue, &entities[i]);
		} else {
			bool at_head = host_below(3) == 0;

			release_random(p, i);
			place[i] = at_head ? --head_place : tail_place++;
			p->enqueue(p->queue, &entities[i], at_head);
		}
		queued[i] = !queued[i];
		check_all(p, step);
	}
	for (unsigned i = 0; i < ENTITIES && !host_failures; i++)
		if (queued[i]) {
			p->dequeue(p->queue, &entities[i]);
			queued[i] = false;
			check_all(p, steps + i);
		}
}
