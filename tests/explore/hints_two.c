/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * As hints.c, with two tasks, one in each run queue.
 */
#define TASKS 2
#include "hints.c"

/* Too many executions otherwise. */
const bool explore_newest = true;
