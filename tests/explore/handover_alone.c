/*
 * links: task/executor.c task/preempt.c task/task.c task/worker.c task/runqueue.c task/hint.c
 * links: task/decision.c
 * links: task/look.c task/server.c task/inherit.c task/fault.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c arch/sim/switch.c arch/sim/irq.c
 *
 * The executor as in handover.c on one CPU, which queues nobody whom it can run at once: a task
 * wakes a more urgent one, and an interrupt, at any point, one in between. Who is more urgent has
 * run when the other goes on.
 */
#define CPUS       1
#define TASKS      3
#define INTERRUPTS 1
#include "handover.c"
