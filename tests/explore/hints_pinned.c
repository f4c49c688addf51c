/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * As hints.c, with two tasks that may run on CPU 1 only.
 */
#define TASKS      2
#define MAY_RUN_ON 2
#include "hints.c"

/* Too many executions otherwise. */
const bool explore_newest = true;
