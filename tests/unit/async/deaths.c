/*
 * Tasks that are killed wherever they are while they publish, subscribe, call, serve, tick, react
 * or allocate. Whoever lives goes on, and when all are gone nothing is left.
 * cpus: 1 4
 * seeds: 8
 */
#include "../test.h"
#include "async/dag.h"
#include "async/interval.h"
#include "async/join.h"
#include "async/service.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "task/memory.h"
#include "trace/trace.h"

#define ROUNDS  20u
#define ACTORS  5u
#define PARAMS  (&(struct topic_params){.message_bytes = sizeof(u32), .queue = 2})

struct actor {
	struct async async;
	struct topic *topic;
	struct service *service;
	struct subscription subscription;
	struct topic_op op;
	struct wait wait;
	struct call *call;
	struct sleep sleep;
	struct interval interval;
	u32 n, message;
	u64 random;
};

static volatile u32 done[ACTORS]; /* what each kind of actor has got done */

enum { PUBLISHES, SUBSCRIBES, CALLS, SERVES, TICKS };

static enum poll publishes(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		MUST(topic_open("street", PARAMS, &me->topic));
		for (me->n = 0; me->n < 4; me->n++) {
			AWAIT(me, topic_publish(&me->op, me->topic, &me->message));
			done[PUBLISHES]++;
		}
		topic_close(me->topic);
	}
}

static enum poll subscribes(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		MUST(topic_open("street", PARAMS, &me->topic));
		topic_subscribe(&me->subscription, me->topic);
		for (me->n = 0; me->n < 3; me->n++) {
			AWAIT(me, topic_receive(&me->op, &me->subscription, &me->message));
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(2))));
			done[SUBSCRIBES]++;
		}
		topic_unsubscribe(&me->subscription);
		topic_close(me->topic);
	}
}

static enum poll calls(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		MUST(service_open("desk", &me->service));
		for (me->n = 0; me->n < 2; me->n++) {
			MUST(service_call(me->service, &me->message, sizeof me->message, &me->call));
			AWAIT(me, call_wait(&me->wait, me->call));
			CHECK(!me->call->status || me->call->status == ERR_FAULT);
			CHECK(me->call->status || *(u32 *)me->call->data == me->message + 1);
			call_put(me->call);
			me->message++;
			done[CALLS]++;
		}
		service_close(me->service);
	}
}

static enum poll serves(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		MUST(service_open("desk", &me->service));
		for (me->n = 0; me->n < 3; me->n++) {
			AWAIT(me, service_accept(&me->wait, me->service));
			me->call = service_next(me->service);
			CHECK(me->call);
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(2))));
			++*(u32 *)me->call->data;
			call_answer(me->call, 0);
			done[SERVES]++;
		}
		service_close(me->service);
	}
}

static enum poll ticks(void *frame)
{
	struct actor *me = frame;
	char *p;

	ASYNC_BEGIN(me);
	interval_init(&me->interval, clock_ns(), US(3), INTERVAL_SKIP);
	for (;;) {
		AWAIT(me, interval_tick(&me->interval));
		for (unsigned i = 0; i < 4; i++) {
			p = task_alloc(1 + test_below(&me->random, 700));
			if (i % 2)
				task_free(p);
		}
		done[TICKS]++;
	}
}

static task_fn *const acts[ACTORS] = {publishes, subscribes, calls, serves, ticks};

struct stage {
	struct async async;
	struct join join;
	struct sleep sleep;
	struct task *tasks[2 * ACTORS];
	u64 random, blocks, task_blocks;
	u32 round, i, k, before;
};

static void spawn(struct stage *me, u32 i)
{
	struct actor a = {.random = test_random(&me->random)};

	MUST(TASK_SPAWN(&me->tasks[i], "actor", acts[i % ACTORS], a,
			SCHED_PARAMS_RR(10, US(50))));
}

/* Of each kind one dies; the others go on, all of them. */
static enum poll the_others_go_on(void *frame)
{
	struct stage *me = frame;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	for (me->round = 0; me->round < ROUNDS; me->round++) {
		me->blocks = kmalloc_stats().blocks;
		me->task_blocks = heap_stats(HEAP_TASKS).blocks;
		for (me->i = 0; me->i < 2 * ACTORS; me->i++)
			spawn(me, me->i);
		AWAIT(me, sleep_for(&me->sleep, US(20) + test_below(&me->random, US(60))));
		for (me->i = 0; me->i < 2 * ACTORS; me->i++) {
			me->k = (me->i + me->round) % (2 * ACTORS);
			if (me->i >= ACTORS) {
				me->before = done[me->k % ACTORS];
				while (done[me->k % ACTORS] < me->before + 3)
					AWAIT(me, sleep_for(&me->sleep, US(5)));
				continue;
			}
			MUST(task_kill(me->tasks[me->k]));
			AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(6))));
		}
		for (me->i = 0; me->i < 2 * ACTORS; me->i++) {
			test_kill(me->tasks[me->i]);
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
			CHECK_EQ(me->join.status, ERR_KILLED);
			task_put(me->tasks[me->i]);
		}
		AWAIT(me, sleep_for(&me->sleep, MS(1))); /* the executor's last references */
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
		CHECK_EQ(heap_stats(HEAP_TASKS).blocks, me->task_blocks);
	}
	ASYNC_END(me);
}

static volatile u32 reactions;

static void computes(struct dag_reaction *r)
{
	u64 until_ns = clock_ns() + US(1);

	(void)r;
	while (clock_ns() < until_ns)
		arch_relax();
	reactions++;
}

static int build(struct dag **d)
{
	static const char *const first[] = {"first", NULL}, *const second[] = {"second", NULL};
	static const u32 bytes[] = {4, 0};
	struct dag_reactor r = {.name = "begin",
				.function = {computes, NULL, bytes},
				.outputs = first,
				.params = SCHED_PARAMS_EDF(0)};
	int err = dag_create(&(struct dag_params){.name = "line"}, d);

	if (err)
		return err;
	MUST(dag_source(*d, &r, US(20)));
	r = (struct dag_reactor){.name = "middle",
				 .function = {computes, bytes, bytes},
				 .inputs = first,
				 .outputs = second,
				 .params = SCHED_PARAMS_EDF(0)};
	MUST(dag_add(*d, &r));
	r = (struct dag_reactor){.name = "end",
				 .function = {computes, bytes, NULL},
				 .inputs = second,
				 .params = SCHED_PARAMS_EDF(0)};
	MUST(dag_sink(*d, &r, US(50)));
	return dag_finish(*d);
}

struct maker {
	struct async async;
	struct dag *dag;
	struct dag_join join;
	bool stops;
};

static enum poll makes(void *frame)
{
	struct maker *me = frame;

	ASYNC_BEGIN(me);
	MUST(build(&me->dag));
	me->join.dag = me->dag;
	AWAIT_CALL(me, dag_join, &me->join);
	dag_free(me->dag);
	ASYNC_RETURN(me, me->join.async.status);
}

/* A task of that name, with a reference, or NULL. */
static struct task *find(const char *name)
{
	struct task_info info = {.id = 0};
	struct task *t;

	while (task_next_info(info.id, &info))
		if (!strcmp(info.name, name) && !task_find(info.id, &t))
			return t;
	return NULL;
}

/* When a reactor dies its DAG ends, and who joins it is told; so it does when its maker dies. */
static enum poll a_dag_ends_with_its_dead(void *frame)
{
	static const char *const names[] = {"begin", "middle", "end", "maker"};
	struct stage *me = frame;
	struct task *victim;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	me->before = reactions;
	for (me->round = 0; me->round < 2 * ROUNDS; me->round++) {
		me->blocks = kmalloc_stats().blocks;
		MUST(TASK_SPAWN(&me->tasks[0], "maker", makes, (struct maker){},
				SCHED_PARAMS_FIFO(20)));
		/* Sometimes before the first period, sometimes in the middle of some. */
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(120))));
		victim = find(names[me->round % ARRAY_LEN(names)]);
		if (victim) {
			test_kill(victim);
			task_put(victim);
		} else { /* the maker had not come so far */
			test_kill(me->tasks[0]);
		}
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		CHECK_EQ(me->join.status, ERR_KILLED);
		task_put(me->tasks[0]);
		while (task_count() > 1)
			AWAIT(me, sleep_for(&me->sleep, US(50)));
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	CHECK(reactions > me->before);
	ASYNC_END(me);
}

struct opener {
	struct async async;
	struct service *service;
	struct wait wait;
	struct call *call;
	struct sleep sleep;
	u8 how;
};

enum { RETURNS, FAULTS, HANDS_ON };

static enum poll opens(void *frame)
{
	struct opener *me = frame;

	ASYNC_BEGIN(me);
	MUST(service_open("hut", &me->service));
	if (me->how == HANDS_ON)
		name_hand_on(&me->service->named);
	if (me->how)
		panic("with a service open");
	ASYNC_END(me);
}

/* What a task opened is closed when it faults, unless it handed it on; not when it returns. */
static enum poll what_was_opened(void *frame)
{
	struct stage *me = frame;
	struct service *s;

	ASYNC_BEGIN(me);
	test_contain_faults();
	for (me->round = 0; me->round < 3; me->round++) {
		me->blocks = kmalloc_stats().blocks;
		MUST(service_open("hut", &s));
		MUST(TASK_SPAWN(&me->tasks[0], "opens", opens, ((struct opener){.how = (u8)me->round}),
				SCHED_PARAMS_FIFO(20)));
		AWAIT(me, task_join(&me->join, me->tasks[0]));
		task_put(me->tasks[0]);
		MUST(service_open("hut", &s));
		CHECK_EQ(s->named.refs, me->round == FAULTS ? 2 : 3);
		while (s->named.refs > 1)
			service_close(s);
		service_close(s);
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	ASYNC_END(me);
}

static enum poll serves_and_dies(void *frame)
{
	struct opener *me = frame;

	ASYNC_BEGIN(me);
	MUST(service_open("hut", &me->service));
	AWAIT(me, service_accept(&me->wait, me->service));
	if (me->how)
		me->call = service_next(me->service);
	panic("with a call in hand");
	ASYNC_END(me);
}

/* A call that a dead server had accepted is answered; of one that it had only been told of
 * another server is told. */
static enum poll calls_outlive_servers(void *frame)
{
	struct opener *me = frame;

	ASYNC_BEGIN(me);
	test_contain_faults();
	MUST(service_open("hut", &me->service));
	for (me->how = 0; me->how < 2; me->how++) {
		MUST(TASK_SPAWN(NULL, "dies", serves_and_dies, ((struct opener){.how = me->how}),
				SCHED_PARAMS_FIFO(20)));
		MUST(service_call(me->service, "x", 1, &me->call));
		if (me->how) {
			AWAIT(me, call_wait(&me->wait, me->call));
			CHECK_EQ(me->call->status, ERR_FAULT);
		} else {
			AWAIT(me, sleep_for(&me->sleep, US(100)));
			AWAIT(me, service_accept(&me->wait, me->service));
			CHECK(service_next(me->service) == me->call);
			call_answer(me->call, 0);
		}
		call_put(me->call);
	}
	service_close(me->service);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(the_others_go_on), ASYNC(a_dag_ends_with_its_dead), ASYNC(what_was_opened),
	   ASYNC(calls_outlive_servers));
