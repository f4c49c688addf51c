/*
 * Operations of many CPUs at once: load=yield, block, spawn or channel. There is a group of tasks
 * for each CPU, all of one level and free to run anywhere; they go on for us= (1000) microseconds of the
 * clock. An operation is a yield; a wake-up of the other one of a pair, and waiting; a spawn and
 * the join; a message sent and received. Prints how many there were, and the time that they took.
 */
#include "async/channel.h"
#include "async/join.h"
#include "bench.h"

#define US_DEFAULT 1000u
#define PARAMS SCHED_PARAMS_FIFO(BENCH_LEVEL + 1)

struct member {
	struct async async;
	union {
		struct yield yield;
		struct park park;
		struct join join;
		struct channel_op op;
	};
	struct task *child;
	unsigned id; /* two to a group: 2g and 2g + 1 */
	int status;
	u64 message;
};

static struct task *members[2 * CPUS_MAX];
static u64 operations[2 * CPUS_MAX]; /* each written by the member alone */
static struct channel channels[2 * CPUS_MAX];
static u64 slots[2 * CPUS_MAX];
static u64 end_ns;

static bool go_on(const struct member *me)
{
	operations[me->id]++;
	return clock_ns() < end_ns;
}

static enum poll yields(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, park(&me->park)); /* until all are there */
	while (go_on(me))
		AWAIT(me, yield_now(&me->yield));
	ASYNC_END(me);
}

static enum poll blocks(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, park(&me->park)); /* until all are there */
	while (go_on(me)) {
		task_wake(members[me->id ^ 1]);
		AWAIT(me, park(&me->park));
	}
	task_wake(members[me->id ^ 1]);
	ASYNC_END(me);
}

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_READY;
}

static enum poll spawns(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, park(&me->park)); /* until all are there */
	while (go_on(me)) {
		must(TASK_SPAWN(&me->child, "child", nothing, (struct async){}, PARAMS));
		AWAIT(me, task_join(&me->join, me->child));
		task_put(me->child);
	}
	ASYNC_END(me);
}

/* The even one of a group begins. Who finds the time over closes both channels. */
static enum poll sends(void *frame)
{
	struct member *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, park(&me->park)); /* until all are there */
	while (go_on(me)) {
		if (me->id % 2 == 0 || me->message) {
			AWAIT(me, channel_send(&me->op, &channels[me->id], &me->message));
			if (me->op.status)
				break;
		}
		AWAIT(me, channel_receive(&me->op, &channels[me->id ^ 1], &me->message));
		if (me->op.status)
			break;
		me->message++;
	}
	channel_close(&channels[me->id]);
	channel_close(&channels[me->id ^ 1]);
	ASYNC_END(me);
}

static task_fn *load_of(const char *name)
{
	static const struct {
		const char *name;
		task_fn *fn;
	} loads[] = {{"yield", yields}, {"block", blocks}, {"spawn", spawns}, {"channel", sends}};

	for (unsigned i = 0; i < ARRAY_LEN(loads); i++)
		if (strcmp(name, loads[i].name) == 0)
			return loads[i].fn;
	panic("scale: load=%s is none of yield, block, spawn, channel", name);
}

struct main {
	struct async async;
	struct sleep sleep;
	struct join join;
	unsigned i;
	u64 begin_ns;
	char load[8];
};

static void start(struct main *me)
{
	u64 us = US_DEFAULT;
	char word[16];

	if (words_find(board_cmdline(), "us", word, sizeof word))
		must(parse_u64(word, &us));
	(void)words_find(board_cmdline(), "load", me->load, sizeof me->load);
	for (unsigned i = 0; i < 2 * cpu_count; i++)
		channel_init(&channels[i], &slots[i], 1, sizeof slots[i]);
	for (unsigned i = 0; i < 2 * cpu_count; i++)
		must(TASK_SPAWN(&members[i], me->load, load_of(me->load), (struct member){.id = i},
				PARAMS));
	me->begin_ns = clock_ns();
	end_ns = me->begin_ns + US(us);
	for (unsigned i = 0; i < 2 * cpu_count; i++)
		task_wake(members[i]);
}

static enum poll bench(void *frame)
{
	struct main *me = frame;
	u64 sum = 0;

	ASYNC_BEGIN(me);
	start(me);
	for (me->i = 0; me->i < 2 * cpu_count; me->i++)
		AWAIT(me, task_join(&me->join, members[me->i]));
	for (unsigned i = 0; i < 2 * cpu_count; i++)
		sum += operations[i];
	bench_value("scale.operations", sum, "operations");
	bench_value("scale.time", clock_ns() - me->begin_ns, "ns");
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct main)
