/*
 * sched_world.h: the rest of the kernel around the scheduler's model: its structures, built from
 * the model's state before each step and read back behind it.
 */
#pragma once

#include "core/irq.h"
#include "sched_model.h"
#include "task/look.h"

extern struct task tasks[TASKS];
extern struct worker stacks[TASKS];
extern u32 hints_before[CPUS]; /* counted, when the step began */
extern u64 sent;               /* bit c: the step interrupts CPU c */

/* The kernel's code sees the two other CPUs under each other's number, until the step is over. */
extern bool others_swapped;
/* The number under which it sees CPU c; those of a set, and back. */
unsigned number_of(unsigned c);
u64 numbers_of(u64 set);

/* Builds the kernel's structures from the state; what comes runs on CPU c. */
void world_enter(unsigned c);
/* Reads them back; what is wrong, or NULL. */
char *world_leave(void);
bool may_use(unsigned t, unsigned c);
u64 rank_of(unsigned t);
