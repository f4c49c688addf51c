/*
 * hotplug.h: taking CPUs out of scheduling and putting them back while the machine runs.
 *
 * A CPU that is out runs no tasks and is hinted for none. It stays up: it idles, takes interrupts,
 * and serves the timers that were armed on it. What it runs when it is told to leave is preempted
 * and goes on elsewhere, unless preemption is off there: then it leaves as soon as it is on.
 *
 * No task is left without a CPU: a CPU is not taken out while a task could run nowhere else, and
 * while a CPU is out no task comes about, or gets parameters, that may run only there. An admitted
 * task was promised all of its CPUs: none of them is taken out.
 *
 * Context of all: task or interrupt, no lock of the scheduler held.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

enum cpu_use {
	CPU_RUNS_TASKS,
	CPU_LEAVES, /* told to, but it is not out yet */
	CPU_IS_OUT,
};

/** What CPU @p cpu, which exists, does. Lock-free; true for the moment. */
enum cpu_use cpu_use(unsigned cpu);

/**
 * Tells CPU @p cpu to leave; cpu_use says when it is out. Errors: ERR_NODEV (there is no such CPU),
 * ERR_INVAL (it was told before), ERR_BUSY: *@p needed_by, unless NULL, is a task that cannot do
 * without it, or 0: it is the last one. O(tasks).
 */
int cpu_take_out(unsigned cpu, u32 *needed_by) MUST_CHECK;

/** Lets CPU @p cpu run tasks again. Errors: ERR_NODEV, ERR_INVAL (it was not taken out). */
int cpu_put_back(unsigned cpu) MUST_CHECK;
