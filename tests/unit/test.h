/*
 * test.h: unit programs. Such a program takes the place of kernel/apps/ (make APP=...), runs its
 * tests one after another in one task and leaves with status 0 when all passed, else 1. On the
 * console it says "ok NAME" or "not ok NAME: file:line: what" for each, and a total.
 *
 * A test is a plain function, or an async one when it must wait; those get a frame of
 * TEST_FRAME_BYTES, all zero. Start a program by TESTS_MAIN(...) with a list of PLAIN(name) and
 * ASYNC(name). The words behind `only=` on the kernel's command line choose tests by name.
 *
 * A comment line "cpus: 1 4" or "seeds: 3" at the top tells test_units.py what to run it with.
 */
#pragma once

#include "apps/app.h"
#include "async/async.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "core/cpu.h"
#include "task/fault.h"

#define TEST_FRAME_BYTES 4096

struct test {
	const char *name;
	void (*plain)(void);
	task_fn *async;
};

#define PLAIN(function)                                                                            \
	{                                                                                          \
		#function, function, NULL                                                          \
	}
#define ASYNC(function)                                                                            \
	{                                                                                          \
		#function, NULL, function                                                          \
	}

/* Failures of the test that runs. Tasks on several CPUs may check at the same time. */
static _Atomic unsigned test_failures;

static void __attribute__((format(printf, 3, 4), unused))
test_fail(const char *file, int line, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	/* relaxed: read by the runner after it has joined whoever fails */
	if (atomic_fetch_add_explicit(&test_failures, 1, memory_order_relaxed) >= 8)
		return;
	va_start(ap, fmt);
	kvsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	kprintf("  %s:%d: %s\n", file, line, text);
}

/** Records a failure unless @p cond holds; the test goes on. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			test_fail(__FILE__, __LINE__, "%s", #cond);                                \
	} while (0)

/** For integers: shows both when they differ. */
#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		long long a_ = (long long)(a), b_ = (long long)(b);                                \
                                                                                                   \
		if (a_ != b_)                                                                      \
			test_fail(__FILE__, __LINE__, "%s is %lld, not %s = %lld", #a, a_, #b,     \
				  b_);                                                             \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *a_ = (a), *b_ = (b);                                                   \
                                                                                                   \
		if (strcmp(a_, b_))                                                                \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, a_, b_);     \
	} while (0)

/** What cannot fail in a test that makes sense. */
#define MUST(expr)                                                                                 \
	do {                                                                                       \
		int err_ = (expr);                                                                 \
                                                                                                   \
		if (err_)                                                                          \
			panic("%s:%d: %s: %s", __FILE__, __LINE__, #expr, err_name(err_));         \
	} while (0)

/** From here on a fault ends the task that it strikes, but for the one that calls this. */
static inline void test_contain_faults(void)
{
	fault_containment = true;
	task_essential();
}

/** Kills @p t, which may have ended before. */
static inline void test_kill(struct task *t)
{
	int err = task_kill(t);

	CHECK(!err || err == ERR_CLOSED);
}

/* Numbers for randomised tests: Vigna's splitmix64 (2015). */
static inline u64 test_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline u64 test_below(u64 *state, u64 n)
{
	return test_random(state) % n;
}

/** The number of word=NUMBER on the command line @p line, or @p otherwise. */
static inline u64 test_number(const char *line, const char *word, u64 otherwise)
{
	char text[24];
	u64 n;

	if (!words_find(line, word, text, sizeof text))
		return otherwise;
	if (parse_u64(text, &n))
		panic("%s=%s: expected a number", word, text);
	return n;
}

/* All have run, and none failed: who goes through schedules without a console looks here. */
static volatile bool tests_held;

struct test_runner {
	struct async async;
	const struct test *tests;
	unsigned count, i, failed, ran;
	char only[64];
	char frame[TEST_FRAME_BYTES] __attribute__((aligned(16)));
};

static bool test_chosen(const struct test_runner *r, const char *name)
{
	return !r->only[0] || strstr(name, r->only);
}

static enum poll test_run_all(void *frame)
{
	struct test_runner *me = frame;

	ASYNC_BEGIN(me);
	arch_mark(ARCH_MARK_BEGIN);
	for (me->i = 0; me->i < me->count; me->i++) {
		if (!test_chosen(me, me->tests[me->i].name))
			continue;
		atomic_store_explicit(&test_failures, 0, memory_order_relaxed);
		memset(me->frame, 0, sizeof me->frame);
		if (me->tests[me->i].plain)
			me->tests[me->i].plain();
		else
			AWAIT_CALL(me, me->tests[me->i].async, me->frame);

		unsigned failures = atomic_load_explicit(&test_failures, memory_order_relaxed);

		me->ran++;
		me->failed += failures > 0;
		kprintf("%s %s\n", failures ? "not ok" : "ok", me->tests[me->i].name);
	}
	kprintf("tests: %u ran, %u failed\n", me->ran, me->failed);
	tests_held = me->ran && !me->failed;
	board_exit(me->failed || !me->ran ? 1 : 0);
	ASYNC_END(me);
}

/* A test may preempt the runner or be preempted by it: FIFO 16 is in the middle. */
static void tests_start(const char *cmdline, const struct test *tests, unsigned count)
{
	static struct test_runner runner;
	char trace[6];

	fault_containment = false; /* a test's panic is no task's own matter */
	runner.tests = tests;
	runner.count = count;
	(void)words_find(cmdline, "only", runner.only, sizeof runner.only);
	if (words_find(cmdline, "trace", trace, sizeof trace)) {
		if (!strcmp(trace, "off"))
			trace_set_level(TRACE_OFF); /* the executor has ways that it takes only then */
		else if (!strcmp(trace, "brief"))
			trace_set_level(TRACE_BRIEF);
	}
	MUST(task_spawn(&(struct task_spec){.name = "tests",
					    .fn = test_run_all,
					    .frame = &runner,
					    .frame_bytes = sizeof runner,
					    .params = SCHED_PARAMS_FIFO(16)},
			NULL));
}

#define TESTS_MAIN(...)                                                                            \
	static const struct test tests_[] = {__VA_ARGS__};                                         \
	void app_main(const char *cmdline)                                                         \
	{                                                                                          \
		tests_start(cmdline, tests_, ARRAY_LEN(tests_));                                   \
	}                                                                                          \
	struct tests_end_ /* takes the semicolon */
