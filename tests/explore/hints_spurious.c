/*
 * links: task/hint.c task/look.c task/runqueue.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c
 *
 * As hints.c, with two tasks in the one run queue, whose hints may come as one, and the CPU is
 * woken once without a hint, whenever it halts.
 */
#define TASKS  2
#define QUEUES 1
#include "hints.c"

const unsigned explore_interrupts[] = {0, 1};

void explore_interrupt(unsigned id)
{
	(void)id;
}
