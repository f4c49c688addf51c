#include "services/dagload.h"
#include "base/printf.h"
#include "board/board.h"
#include "services/burn.h"

static _Atomic bool running;
static _Atomic u64 strangers; /* inputs of another period */

static void burns(struct dag_reaction *r)
{
	const struct dagload_node *n = r->arg;

	for (u32 i = 0; n->reactor.inputs && n->reactor.inputs[i]; i++)
		if (*(const u64 *)r->in[i] != r->stamp.period)
			/* relaxed: read when all tasks were joined */
			atomic_fetch_add_explicit(&strangers, 1, memory_order_relaxed);
	burn_ns(n->reactor.budget_ns - n->reactor.budget_ns / 16);
	for (u32 o = 0; n->reactor.outputs && n->reactor.outputs[o]; o++)
		*(u64 *)r->out[o] = r->stamp.period;
}

static int add(struct dag *d, const struct dagload_node *n)
{
	struct dag_reactor r = n->reactor;

	r.function.run = burns;
	r.arg = (void *)(uptr)n;
	if (n->part == TRACE_dag_part_source)
		return dag_source(d, &r, n->time_ns);
	if (n->part == TRACE_dag_part_sink)
		return dag_sink(d, &r, n->time_ns);
	return dag_add(d, &r);
}

static int build(const struct dagload *load, u64 periods, struct dag **d)
{
	struct dag_params p = load->params;
	int err;

	p.periods = periods;
	err = dag_create(&p, d);
	for (unsigned i = 0; i < load->count && !err; i++)
		err = add(*d, &load->nodes[i]);
	return err;
}

struct director {
	struct async async;
	struct dag_join join;
	const struct dagload *loads;
	struct dag *dags[DAGLOAD_MAX];
	unsigned count, i;
	u64 periods;
	bool leave;
	int status;
};

static void build_all(struct director *me)
{
	for (unsigned i = 0; i < me->count; i++)
		if (build(&me->loads[i], me->periods, &me->dags[i])) {
			kprintf("dag %s: no memory\n", me->loads[i].params.name);
			me->status = 1;
		}
	for (unsigned i = 0; i < me->count && !me->status; i++)
		me->status = dag_finish(me->dags[i]) != 0;
	/* One that was refused: the others, which run, end at once. */
	for (unsigned i = 0; i < me->count && me->status; i++)
		if (me->dags[i] && dag_finished(me->dags[i]))
			dag_stop(me->dags[i]);
}

static void report(struct director *me)
{
	kprintf("dag              periods missed skipped overruns  response us: least mean most\n");
	for (unsigned i = 0; i < me->count; i++) {
		struct dag_stats s = dag_stats(me->dags[i]);

		kprintf("%-16s %7lu %6lu %7lu %8lu  %18lu %4lu %4lu\n", me->loads[i].params.name,
			s.done, s.missed, s.skipped, s.overruns, (s.response_least_ns / NS_PER_US),
			(s.response_sum_ns / MAX(s.done, 1u) / NS_PER_US),
			(s.response_most_ns / NS_PER_US));
		if (s.done + s.skipped != me->periods)
			me->status = 1;
	}
	/* relaxed: all who write it were joined */
	if (atomic_load_explicit(&strangers, memory_order_relaxed))
		me->status = 1;
}

static enum poll direct(void *frame)
{
	struct director *me = frame;

	ASYNC_BEGIN(me);
	build_all(me);
	for (me->i = 0; me->i < me->count; me->i++) {
		if (!me->dags[me->i] || !dag_finished(me->dags[me->i]))
			continue;
		me->join = (struct dag_join){.dag = me->dags[me->i]};
		AWAIT_CALL(me, dag_join, &me->join);
	}
	if (!me->status)
		report(me);
	for (unsigned i = 0; i < me->count; i++)
		if (me->dags[i])
			dag_free(me->dags[i]);
	kprintf("dags: %s\n", me->status ? "FAILED" : "ok");
	if (me->leave)
		board_exit(me->status);
	/* release: pairs with the acquire in dagload_start */
	atomic_store_explicit(&running, false, memory_order_release);
	ASYNC_RETURN(me, me->status);
}

int dagload_start(const struct dagload *loads, unsigned n, u64 periods, bool leave)
{
	if (n > DAGLOAD_MAX)
		return ERR_INVAL;
	/* acquire: pairs with the release at the end of the last one */
	if (atomic_exchange_explicit(&running, true, memory_order_acquire))
		return ERR_BUSY;
	/* relaxed: nobody runs who writes it */
	atomic_store_explicit(&strangers, 0, memory_order_relaxed);
	return TASK_SPAWN(NULL, "dags", direct,
			  ((struct director){
				  .loads = loads, .count = n, .periods = periods, .leave = leave}),
			  SCHED_PARAMS_FIFO(30));
}
