/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * As hints.c, with two tasks in the one run queue.
 */
#define TASKS  2
#define QUEUES 1
#include "hints.c"
