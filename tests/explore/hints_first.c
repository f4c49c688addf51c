/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * As hints.c, with the task in the first run queue.
 */
#define HOME 0
#include "hints.c"
