/*
 * links: task/executor.c task/preempt.c task/task.c task/worker.c task/runqueue.c task/hint.c
 * links: task/decision.c
 * links: task/look.c task/server.c task/inherit.c task/fault.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c arch/sim/switch.c arch/sim/irq.c
 *
 * The executor as in handover.c, and CPU 0 is interrupted once, at any point.
 */
#define INTERRUPTS 1
#include "handover.c"
