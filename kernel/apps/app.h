/*
 * app.h: what a program on top of the kernel is. Exactly one app_main is linked in: that of
 * kernel/apps/, or of the file given as APP= to make (the tests use this).
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/**
 * Called once in the first task, which is FIFO at level 16, when all CPUs run. It spawns what it
 * wants to run and returns. @p cmdline: the words handed over at boot; "" for none.
 */
void app_main(const char *cmdline);

#define DEMO_MS_DEFAULT 300u
#define DAG_PERIODS_DEFAULT 20u

/** Starts the demonstration (demo.c), whose sensors and workers run for @p ms milliseconds. It
 *  prints a table at the end and, with @p leave, leaves the machine with its status. Errors:
 *  ERR_BUSY, one runs already. Context: task. */
int demo_start(u64 ms, bool leave) MUST_CHECK;

/** Starts the demonstration of DAGs (dag.c), for @p periods of each; the rest as above. */
int dag_demo_start(u64 periods, bool leave) MUST_CHECK;
