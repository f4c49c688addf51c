/*
 * Guest-instruction counts of the kernel's short paths. Run with one CPU under
 * `-icount shift=0`, where the clock counts instructions exactly (1 tick = 1 instruction).
 * Prints `metric value unit` lines: minimum and median over SAMPLES samples each.
 */
#include "apps/app.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "board/board.h"
#include "core/cpu.h"
#include "mm/page.h"
#include "task/task.h"

#define SAMPLES 1000u

static u64 samples[SAMPLES];
static unsigned taken;
static u64 start_ticks;

static void begin(void)
{
	start_ticks = arch_clock_ticks();
}

static void sample(void)
{
	u64 now = arch_clock_ticks();

	if (start_ticks && taken < SAMPLES)
		samples[taken++] = now - start_ticks;
	start_ticks = 0;
}

static void report(const char *metric)
{
	for (unsigned i = 1; i < taken; i++)
		for (unsigned k = i; k && samples[k] < samples[k - 1]; k--) {
			u64 t = samples[k];

			samples[k] = samples[k - 1];
			samples[k - 1] = t;
		}
	if (!taken)
		panic("%s: no sample was taken", metric);
	kprintf("%s.min %llu ticks\n%s.median %llu ticks\n", metric,
		(unsigned long long)samples[0], metric, (unsigned long long)samples[taken / 2]);
	taken = 0;
	start_ticks = 0;
}

struct yielder {
	struct async async;
	struct yield yield;
	unsigned i;
};

static enum poll yielder(void *frame)
{
	struct yielder *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < SAMPLES; me->i++) {
		sample();
		begin();
		AWAIT(me, yield_now(&me->yield));
	}
	ASYNC_END(me);
}

/* Waits to be woken, for ever; samples the time since whoever woke it began. */
static enum poll woken(void *frame)
{
	(void)frame;
	sample();
	return POLL_PENDING;
}

struct timed {
	struct async async;
	struct timer timer;
};

static volatile bool fired;
static u64 due_ticks;

static void on_timer(struct timer *t)
{
	u64 now = arch_clock_ticks();

	(void)t;
	if (taken < SAMPLES)
		samples[taken++] = now - due_ticks;
	fired = true;
}

static void measure_timer(void)
{
	static struct timer timer;

	timer_init(&timer, on_timer);
	for (unsigned i = 0; i < SAMPLES / 10; i++) {
		u64 due_ns = clock_ns() + US(50);

		due_ticks = clock_ns_to_ticks(due_ns);
		fired = false;
		timer_arm(&timer, due_ns);
		while (!fired)
			;
	}
	report("irq.timer_to_handler");
}

static void measure_wake(struct task *high)
{
	for (unsigned i = 0; i < SAMPLES; i++) {
		begin();
		task_wake(high);
	}
	report("sched.wake_to_run");
	for (unsigned i = 0; i < SAMPLES; i++) {
		u64 t = arch_clock_ticks();

		task_wake(high);
		samples[taken++] = arch_clock_ticks() - t;
		start_ticks = 0;
	}
	report("sched.wake_roundtrip");
}

static void measure_trace(void)
{
	u64 empty, t;

	trace_set_level(TRACE_FULL);
	t = arch_clock_ticks();

	for (volatile unsigned i = 0; i < SAMPLES; i++)
		;
	empty = arch_clock_ticks() - t;
	t = arch_clock_ticks();
	for (volatile unsigned i = 0; i < SAMPLES; i++)
		TRACE(MARK, mark, .value = 1);
	t = arch_clock_ticks() - t;
	kprintf("trace.record.mean %llu ticks\n", (unsigned long long)((t - empty) / SAMPLES));
}

static void report_memory(void)
{
	kprintf("mem.in_use %llu bytes\nmem.total %llu bytes\n",
		(unsigned long long)(page_total_bytes() - page_free_bytes()),
		(unsigned long long)page_total_bytes());
}

struct bench {
	struct async async;
	struct sleep sleep;
	struct task *high;
};

static void must(int err)
{
	if (err)
		panic("bench: %s", err_name(err));
}

/* Lower than what it measures, so that each preempts it. */
static enum poll bench(void *frame)
{
	struct bench *me = frame;

	ASYNC_BEGIN(me);
	report_memory();
	if (cpu_count > 1)
		board_exit(0); /* with more CPUs the two sides of a path need not be on one */
	for (unsigned i = 0; i < 2; i++)
		must(TASK_SPAWN(NULL, "yield", yielder, (struct yielder){}, SCHED_PARAMS_FIFO(9)));
	AWAIT(me, sleep_for(&me->sleep, MS(20)));
	report("sched.yield_oneway");
	must(TASK_SPAWN(&me->high, "high", woken, (struct async){}, SCHED_PARAMS_FIFO(12)));
	measure_wake(me->high);
	measure_timer();
	measure_trace();
	board_exit(0);
	ASYNC_END(me);
}

void app_main(const char *cmdline)
{
	(void)cmdline;
	kprintf("boot.to_first_task %llu ticks\n", (unsigned long long)arch_clock_ticks());
	trace_set_level(TRACE_OFF);
	must(TASK_SPAWN(NULL, "bench", bench, (struct bench){}, SCHED_PARAMS_FIFO(8)));
}
