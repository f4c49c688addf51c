/*
 * start.h: from the boot loader to the first task, and the few calls that core makes upwards.
 */
#pragma once

#include "base/types.h"

#define FERMATA_VERSION "0.1"

/** The boot CPU's C entry: called by arch entry code once, on the boot stack, with BSS zeroed,
 *  the MMU on or off as the architecture needs, interrupts masked. @p boot: see board.h. */
_Noreturn void kernel_main(void *boot);

/** The C entry of every other CPU, on the stack given to board_cpu_start; interrupts masked. */
_Noreturn void cpu_start_secondary(unsigned cpu);

/*
 * Provided by the layers above core, which core must not include.
 */

/** task/: makes the worker stacks and run queues. Boot CPU, before the others start. */
void executor_init(void);
/** task/: leaves this CPU's boot stack for a worker's and runs tasks for ever. */
_Noreturn void executor_run(void);
/** task/: at the end of an interrupt, or of a preempt-off section, with interrupts masked and a
 *  hint pending or a quantum over: lets a more urgent task have this CPU. */
void executor_preempt(void);
/** services/: spawns the first task. */
void init_start(void);
