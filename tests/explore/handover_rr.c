/*
 * links: task/executor.c task/preempt.c task/task.c task/worker.c task/runqueue.c task/hint.c
 * links: task/decision.c
 * links: task/look.c task/server.c task/inherit.c task/fault.c sched/rr.c sched/levels.c
 * links: sched/ordered.c base/tree.c arch/sim/switch.c arch/sim/irq.c
 *
 * The executor as in handover.c on one CPU, with three tasks that take turns: an interrupt, at any
 * point, ends a quantum. The task that it strikes goes on behind both others.
 */
#define CPUS       1
#define TASKS      3
#define INTERRUPTS 1
#define POLICY     sched_rr
#define QUANTUM_NS 1000
#include "handover.c"
