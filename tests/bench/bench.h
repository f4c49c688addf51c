/*
 * bench.h: programs that measure. Such a program takes the place of kernel/apps/ (make APP=...)
 * and runs on one CPU under `-icount shift=0`, where the clock counts executed instructions. A
 * path is what is executed between bench_begin() and bench_end(), in whichever task. Both are
 * marked for tools/bench/insns.c as well, which counts the same instructions from outside; bench
 * fails where the two disagree. What the two calls themselves cost is measured and taken off.
 *
 * Output: "sample METRIC n min median max" and "value METRIC number unit".
 */
#pragma once

#include "apps/app.h"
#include "async/async.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/cpu.h"
#include "core/panic.h"
#include "core/time.h"
#include "task/task.h"

/* The numbers of tools/bench/insns.c. */
enum { MARK_BEGIN, MARK_END, MARK_ARM, MARK_GROUP, MARK_WATCH, MARK_ARM_ON };

#define BENCH_SAMPLES 1000u
#define BENCH_WARM 4u /* first samples that do not count */

static u64 bench_samples[BENCH_SAMPLES], bench_start, bench_cost;
static unsigned bench_taken, bench_skip;

/* Not inlined, so that they cost the same everywhere. */
static __attribute__((noinline, unused)) void bench_begin(void)
{
	bench_start = arch_clock_ticks();
	arch_mark(MARK_BEGIN);
}

static __attribute__((noinline, unused)) void bench_end(void)
{
	arch_mark(MARK_END);

	u64 now = arch_clock_ticks();

	if (bench_start && bench_skip)
		bench_skip--;
	else if (bench_start && bench_taken < BENCH_SAMPLES)
		bench_samples[bench_taken++] = now - bench_start;
	bench_start = 0;
}

/* Another sample is wanted. */
static __attribute__((unused)) bool bench_more(void)
{
	return bench_taken < BENCH_SAMPLES;
}

static void bench_sort(void)
{
	for (unsigned i = 1; i < bench_taken; i++)
		for (unsigned k = i; k && bench_samples[k] < bench_samples[k - 1]; k--) {
			u64 t = bench_samples[k];

			bench_samples[k] = bench_samples[k - 1];
			bench_samples[k - 1] = t;
		}
}

static void bench_reset(void)
{
	bench_taken = 0;
	bench_start = 0;
	bench_skip = BENCH_WARM;
	arch_mark(MARK_GROUP);
}

/* Prints what was taken since the last report as @p metric. */
static __attribute__((unused)) void bench_report(const char *metric)
{
	if (!bench_taken)
		panic("%s: no sample was taken", metric);
	bench_sort();
	kprintf("sample %s %u %llu %llu %llu\n", metric, bench_taken,
		(unsigned long long)(bench_samples[0] - bench_cost),
		(unsigned long long)(bench_samples[bench_taken / 2] - bench_cost),
		(unsigned long long)(bench_samples[bench_taken - 1] - bench_cost));
	bench_reset();
}

static __attribute__((unused)) void bench_value(const char *metric, u64 value, const char *unit)
{
	kprintf("value %s %llu %s\n", metric, (unsigned long long)value, unit);
}

/* Panics on an error: a bench that cannot do its work has nothing to say. */
static __attribute__((unused)) void must(int err)
{
	if (err)
		panic("bench: %s", err_name(err));
}

/* Ends when its task is woken, by whomever. */
struct park {
	struct awaitable aw;
	bool polled;
};

static enum poll park_poll(struct awaitable *a)
{
	struct park *p = CONTAINER_OF(a, struct park, aw);

	if (p->polled)
		return POLL_READY;
	p->polled = true;
	return POLL_PENDING;
}

static void park_cancel(struct awaitable *a)
{
	(void)a;
}

static __attribute__((unused)) struct awaitable *park(struct park *p)
{
	*p = (struct park){.aw = {park_poll, park_cancel, TRACE_await_kind_yield}};
	return &p->aw;
}

/* A sample that was taken in another way. */
static __attribute__((unused)) void bench_push(u64 ticks)
{
	if (bench_skip)
		bench_skip--;
	else if (bench_taken < BENCH_SAMPLES)
		bench_samples[bench_taken++] = ticks + bench_cost;
}

/*
 * What the next interrupt, after which @p over, takes away from a task that does nothing but read
 * the clock: the interval of the readings between which it struck is longer than the others. The
 * plugin counts from its vector on.
 */
static __attribute__((noinline, unused)) u64 bench_stolen(volatile bool *over)
{
	u64 last = arch_clock_ticks(), took = 0, before;
	bool end;

	arch_mark(MARK_ARM);
	do {
		end = *over;

		u64 now = arch_clock_ticks();

		before = took;
		took = now - last;
		last = now;
	} while (!end);
	/* It struck in the last interval, or behind the test of the one before. */
	return MAX(took, before) - MIN(took, before);
}

/* What an empty path seems to cost. First of all, so it is the first group. */
static __attribute__((unused)) void bench_calibrate(void)
{
	bench_reset();
	for (unsigned i = 0; i < 16; i++) {
		bench_begin();
		bench_end();
	}
	bench_sort();
	bench_cost = bench_samples[bench_taken / 2];
	kprintf("sample bench.empty %u %llu %llu %llu\n", bench_taken,
		(unsigned long long)bench_samples[0], (unsigned long long)bench_cost,
		(unsigned long long)bench_samples[bench_taken - 1]);
	bench_reset();
	arch_mark(MARK_WATCH);
}

/**
 * BENCH_MAIN(fn, struct frame): spawns @p fn in the middle of FIFO's levels, with room for tasks
 * above and below it. It ends by bench_done().
 */
#define BENCH_LEVEL 8
#define BENCH_MAIN(fn, frame)                                                                      \
	void app_main(const char *cmdline)                                                         \
	{                                                                                          \
		(void)cmdline;                                                                     \
		faults_contained = false;                                                          \
		arch_mark(MARK_END); /* of the way from the kernel's first instruction */          \
		trace_set_level(TRACE_OFF);                                                        \
		must(TASK_SPAWN(NULL, "bench", fn, (frame){}, SCHED_PARAMS_FIFO(BENCH_LEVEL)));    \
	}

static _Noreturn __attribute__((unused)) void bench_done(void)
{
	board_exit(0);
	for (;;)
		;
}
