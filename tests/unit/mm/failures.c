/*
 * Every allocation of the kernel fails once: each scene below runs with its first allocation
 * denied, then with its second, and so on until it runs without. It must say ERR_NOMEM, and leave
 * no more blocks behind than there were. test_failures.py compares the code that was denied
 * with the source: whoever adds an allocation to the kernel adds it to a scene.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/dag.h"
#include "async/service.h"
#include "async/session.h"
#include "async/sleep.h"
#include "mm/arena.h"
#include "task/memory.h"

struct scene {
	struct async async;
	int err;
	struct sleep sleep;
	struct join join;
	struct task *task;
	struct dag *dag;
	struct dag_join dag_join;
};

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_READY;
}

static enum poll a_task(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->err = TASK_SPAWN(&me->task, "nothing", nothing, (struct async){.status = 0},
			     SCHED_PARAMS_FIFO(3));
	if (!me->err) {
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
	}
	ASYNC_END(me);
}

static const struct sched_params served = {.class = SCHED_EDF, .deadline_ns = MS(10), .budget_ns = MS(1),
					   .period_ns = MS(10), .hard = true};

static enum poll naps(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, US(100)));
	ASYNC_END(me);
}

static enum poll a_task_with_a_server(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->err = TASK_SPAWN(&me->task, "served", nothing, (struct async){.status = 0}, served);
	if (!me->err) {
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
	}
	ASYNC_END(me);
}

static enum poll a_task_that_gets_a_server(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->err = TASK_SPAWN(&me->task, "naps", naps, (struct scene){.err = 0}, SCHED_PARAMS_FIFO(3));
	if (!me->err) {
		me->err = task_set_params(me->task, &served);
		AWAIT(me, task_join(&me->join, me->task));
		task_put(me->task);
	}
	ASYNC_END(me);
}

static enum poll memory_of_a_task(void *frame)
{
	struct scene *me = frame;
	void *p, *q = NULL;

	ASYNC_BEGIN(me);
	p = task_alloc(1000);
	if (p)
		q = task_zalloc(100000);
	me->err = p && q ? 0 : ERR_NOMEM;
	task_free(p);
	task_free(q);
	ASYNC_END(me);
}

static enum poll a_topic(void *frame)
{
	static const struct topic_params params = {.message_bytes = 8, .queue = 4};
	struct scene *me = frame;
	struct topic *t;

	ASYNC_BEGIN(me);
	me->err = topic_open("short of memory", &params, &t);
	if (!me->err)
		topic_close(t);
	ASYNC_END(me);
}

static const struct session_protocol protocol = {.name = "none", .queue = 1, .bytes = {16, 16}};

static int use_service(struct service *s)
{
	struct session *session;
	struct call *c;
	int err = service_call(s, "?", 2, &c);

	if (err)
		return err;
	call_put(c);
	err = session_make(&protocol, &session);
	if (!err) { /* neither end begins */
		session_refuse(session, ERR_CANCELED);
		session_refuse(session, ERR_CANCELED);
	}
	return err;
}

static enum poll a_service(void *frame)
{
	struct scene *me = frame;
	struct service *s;

	ASYNC_BEGIN(me);
	me->err = service_open("short of memory", &s);
	if (!me->err) {
		me->err = use_service(s);
		service_close(s);
	}
	ASYNC_END(me);
}

static void react(struct dag_reaction *r)
{
	(void)r;
}

static int build(struct dag **d)
{
	static const struct dag_params params = {.name = "short", .periods = 1, .in_flight = 2};
	static const char *const topic[] = {"short dag", NULL};
	static const u32 bytes[] = {8, 0};
	struct dag_reactor source = {.name = "first",
				     .function = {react, NULL, bytes},
				     .outputs = topic,
				     .params = SCHED_PARAMS_FIFO(3)};
	struct dag_reactor sink = {.name = "last",
				   .function = {react, bytes, NULL},
				   .inputs = topic,
				   .params = SCHED_PARAMS_FIFO(3)};
	int err = dag_create(&params, d);

	if (!err)
		err = dag_source(*d, &source, MS(1));
	if (!err)
		err = dag_sink(*d, &sink, MS(1));
	return err ? err : dag_finish(*d);
}

static enum poll a_dag(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->err = build(&me->dag);
	if (me->dag) {
		me->dag_join.dag = me->dag;
		AWAIT_CALL(me, dag_join, &me->dag_join);
		dag_free(me->dag);
	}
	ASYNC_END(me);
}

static task_fn *const scenes[] = {a_task, a_task_with_a_server, a_task_that_gets_a_server,
					memory_of_a_task, a_topic, a_service, a_dag};

struct all {
	struct async async;
	unsigned i, k, n;
	u64 blocks, failures;
	bool denied;
	struct sleep sleep;
	struct scene scene;
};

static u64 blocks(void)
{
	return heap_stats(HEAP_KERNEL).blocks + heap_stats(HEAP_TASKS).blocks;
}

static u64 failures(void)
{
	return heap_stats(HEAP_KERNEL).failures + heap_stats(HEAP_TASKS).failures;
}

static enum poll every_allocation_fails_once(void *frame)
{
	struct all *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0, me->k = 1; me->i < ARRAY_LEN(scenes); me->k++) {
		me->scene = (struct scene){.err = 0};
		me->blocks = blocks();
		me->failures = failures();
		kmalloc_fail_at(me->k);
		AWAIT_CALL(me, scenes[me->i], &me->scene);
		kmalloc_fail_at(0);
		me->denied = failures() != me->failures;
		CHECK_EQ(me->scene.err, me->denied ? ERR_NOMEM : 0);
		/* The executor may hold a dead task for a moment. */
		for (me->n = 0; me->n < 100 && blocks() > me->blocks; me->n++)
			AWAIT(me, sleep_for(&me->sleep, US(10)));
		CHECK_EQ(blocks(), me->blocks);
		if (me->denied) {
			kprintf("denied 0x%lx\n", (unsigned long)kmalloc_failed_at());
		} else {
			CHECK(me->k > 1);
			me->i++;
			me->k = 0;
		}
	}
	ASYNC_END(me);
}

static void the_one_that_was_named_fails_and_no_other(void)
{
	for (u64 k = 1; k < 10; k++) {
		void *p[10];

		kmalloc_fail_at(k);
		for (u64 i = 0; i < 10; i++)
			p[i] = i % 2 ? kmalloc(100) : task_alloc(100);
		for (u64 i = 0; i < 10; i++) {
			CHECK((p[i] == NULL) == (i + 1 == k));
			if (i % 2)
				kfree(p[i]);
			else
				task_free(p[i]);
		}
	}
	kmalloc_fail_at(1);
	kmalloc_fail_at(0);
	kfree(kmalloc(1));
}

TESTS_MAIN(PLAIN(the_one_that_was_named_fails_and_no_other), ASYNC(every_allocation_fails_once));
