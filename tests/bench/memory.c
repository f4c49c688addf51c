/* Memory: what a task and an allocation cost. And the trace's recorder. */
#include "async/join.h"
#include "bench.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "task/executor.h"

#define IDLE_TASKS 1000u

static void measure_heap(void)
{
	while (bench_more()) {
		bench_begin();
		void *p = kmalloc(64);

		kfree(p);
		bench_end();
		if (!p)
			panic("no memory");
	}
	bench_report("mem.heap_op");
}

static enum poll idle(void *frame)
{
	(void)frame;
	return POLL_PENDING;
}

/* Bytes of heap for a task that waits, its frame's taken off. */
static void measure_tasks(void)
{
	u64 before = kmalloc_stats().used_bytes, bytes;

	for (unsigned i = 0; i < IDLE_TASKS; i++)
		must(TASK_SPAWN(NULL, "idle", idle, (struct async){}, SCHED_PARAMS_FIFO(12)));
	bytes = (kmalloc_stats().used_bytes - before) / IDLE_TASKS - sizeof(struct async);
	bench_value("mem.task_stackless", bytes, "B");
	bench_value("mem.task_stackful", bytes + sizeof(struct worker), "B");
}

static void measure_trace(void)
{
	while (bench_more()) {
		bench_begin();
		TRACE(MARK, mark, .value = 1);
		bench_end();
	}
	bench_report("trace.off");
	trace_set_level(TRACE_FULL);
	/* With warm-up samples, so that the ring's packet has been opened. */
	while (bench_more()) {
		bench_begin();
		TRACE(MARK, mark, .value = 1);
		bench_end();
	}
	trace_set_level(TRACE_OFF);
	bench_report("trace.record");
}

static enum poll bench(void *frame)
{
	(void)frame;
	bench_calibrate();
	measure_heap();
	measure_trace();
	bench_value("mem.in_use_at_start", page_total_bytes() - page_free_bytes(), "B");
	measure_tasks();
	bench_done();
}

BENCH_MAIN(bench, struct async)
