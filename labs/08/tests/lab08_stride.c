/* Stride scheduling by itself, on one CPU: kernel/sched/stride.c. */
#include "../../common/host.h"
#include "model.h"
#include "sched/share.h"

#define QUANTUM_NS MS(1)

static struct sched_params params[ENTITIES];
static u64 service_ns[ENTITIES];

static void come(unsigned i, bool at_head)
{
	sched_stride.release(sched_stride.queue, &entities[i], &params[i], 0);
	EXPECT(entities[i].quantum_ns == QUANTUM_NS,
	       "a job begins with a quantum of %llu ns; its parameters say %llu",
	       (unsigned long long)entities[i].quantum_ns, (unsigned long long)QUANTUM_NS);
	sched_stride.enqueue(sched_stride.queue, &entities[i], at_head);
}

/* The one whose turn it is has the CPU for @p ran_ns; its number. */
static unsigned turn(u64 ran_ns)
{
	struct sched_entity *e = sched_stride.peek(sched_stride.queue, 0);
	unsigned i = e ? (unsigned)(e - entities) : 0;

	EXPECT(e, "tasks are queued, but peek gives nobody");
	if (!e)
		return ENTITIES;
	host_note(i);
	sched_stride.dequeue(sched_stride.queue, e);
	sched_stride.charge(sched_stride.queue, e, &params[i], ran_ns, 0, ran_ns == QUANTUM_NS);
	service_ns[i] += ran_ns;
	return i;
}

static void begin(unsigned n)
{
	memset(service_ns, 0, sizeof service_ns);
	for (unsigned i = 0; i < n; i++) {
		params[i] = SCHED_PARAMS_STRIDE((u16)(50 * (1 + host_below(6))), QUANTUM_NS);
		entities[i] = (struct sched_entity){.cpus = SCHED_CPUS_ALL};
		come(i, false);
	}
}

static void end(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sched_stride.dequeue(sched_stride.queue, &entities[i]);
		sched_stride.leave(sched_stride.queue, &entities[i], &params[i]);
	}
	EXPECT(!sched_stride.peek(sched_stride.queue, 0),
	       "all have left, but the queue is not empty");
}

/* Service over tickets: of two who compute, never further apart than a quantum of each. */
static void check_pairs(unsigned n)
{
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			u64 x = service_ns[a] * params[b].share,
			    y = service_ns[b] * params[a].share;
			u64 most = QUANTUM_NS * MAX(params[a].share, params[b].share);

			EXPECT(x <= y + most,
			       "with %u and %u tickets two tasks had %llu and %llu us: that is "
			       "further from %u : %u than a quantum, %llu us",
			       params[a].share, params[b].share,
			       (unsigned long long)service_ns[a] / 1000,
			       (unsigned long long)service_ns[b] / 1000, params[a].share,
			       params[b].share, (unsigned long long)QUANTUM_NS / 1000);
		}
}

static void service_follows_tickets(void)
{
	for (unsigned round = 0; round < 20 && !host_failures; round++) {
		unsigned n = 2 + (unsigned)host_below(6);

		begin(n);
		for (unsigned turns = 0; turns < 400 && !host_failures; turns++) {
			unsigned i = turn(QUANTUM_NS);

			if (i == ENTITIES)
				return;
			sched_stride.enqueue(sched_stride.queue, &entities[i], false);
			check_pairs(n);
		}
		end(n);
	}
}

static void what_was_used_is_charged_and_not_the_quantum(void)
{
	begin(2);
	params[0].share = params[1].share = 100;
	end(2);
	memset(service_ns, 0, sizeof service_ns);
	for (unsigned i = 0; i < 2; i++) {
		entities[i] = (struct sched_entity){.cpus = SCHED_CPUS_ALL};
		come(i, false);
	}
	for (unsigned turns = 0; turns < 400 && !host_failures; turns++) {
		/* The first is preempted after a tenth of its quantum each time. */
		struct sched_entity *e = sched_stride.peek(sched_stride.queue, 0);
		bool first = e == &entities[0];
		unsigned i = turn(first ? QUANTUM_NS / 10 : QUANTUM_NS);

		if (i == ENTITIES)
			return;
		sched_stride.enqueue(sched_stride.queue, &entities[i], first);
		check_pairs(2);
	}
	end(2);
}

static void who_sleeps_keeps_its_place(void)
{
	const struct share_queue *q = sched_stride.queue;
	unsigned sleeper, who;
	i64 ahead, again;

	begin(2);
	sleeper = turn(QUANTUM_NS);
	if (sleeper == ENTITIES)
		return;
	ahead = (i64)(entities[sleeper].own.share.at - q->now);
	sched_stride.leave(sched_stride.queue, &entities[sleeper], &params[sleeper]);
	for (unsigned i = 0; i < 50; i++) {
		who = turn(QUANTUM_NS);
		if (who == ENTITIES)
			return;
		sched_stride.enqueue(sched_stride.queue, &entities[who], false);
	}
	come(sleeper, false);
	again = (i64)(entities[sleeper].own.share.at - q->now);
	EXPECT(again - ahead <= 2 && ahead - again <= 2,
	       "a task went to sleep %lld units ahead of the others' mean and came back %lld units "
	       "ahead of it: who sleeps takes its distance along, else sleeping pays",
	       (long long)ahead, (long long)again);
	end(2);
}

static void a_quantum_ends(void)
{
	struct sched_entity a = {.key = 5}, b = {.key = 6}, c = {.key = 5};

	EXPECT(sched_stride.keeps(sched_stride.queue, &a, &b, 0),
	       "at the end of its quantum a task whose pass is still the least gives its CPU away");
	EXPECT(!sched_stride.keeps(sched_stride.queue, &b, &a, 0),
	       "at the end of its quantum a task goes on although one with a smaller pass waits");
	EXPECT(!sched_stride.keeps(sched_stride.queue, &a, &c, 0),
	       "at the end of its quantum a task goes on although one with an equal pass waits, "
	       "which arrived before");
}

TESTS(TEST(a_quantum_ends), TEST(service_follows_tickets),
      TEST(what_was_used_is_charged_and_not_the_quantum), TEST(who_sleeps_keeps_its_place));
