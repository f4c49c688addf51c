/*
 * cpu.h: one structure for each CPU, reached through a register (arch_cpu). Fields belong to
 * their CPU and are touched with interrupts masked there, except those marked shared.
 */
#pragma once

#include "arch/arch.h"
#include "base/heap.h"
#include "base/types.h"
#include "sync/spin.h"

struct task;
struct worker;

struct cpu {
	struct cpu *self; /* offset 0: x86_64 reads %gs:0 */
	unsigned id;
	unsigned irq_depth;   /* interrupt handlers on this CPU's stack */
	unsigned preempt_off; /* while > 0, a hint stays pending */
	bool online;	      /* shared: set once, with release, when it may be sent hints */

	/* Scheduling; see task/executor.c. */
	struct task *current;	/* the task whose poll runs here, NULL in the worker's own code */
	struct worker *worker;	/* whose stack this CPU is on */
	_Atomic bool hinted;	/* shared: "look again" is pending; set and cleared under the
				   scheduler's lock, read without it at interrupt exit */
	u64 quantum_end_ns;	/* when the current task's quantum ends; TIME_NEVER for none */

	/* Timers; see core/timer.c. */
	struct spin timer_lock;
	struct heap timers GUARDED_BY(timer_lock);
	u64 timer_seq GUARDED_BY(timer_lock);
	u64 timer_set_ns; /* what the hardware timer was last set to */

	/* Counters, for the shell; read without a lock, so a sum may be off by what is in flight. */
	u64 irqs, hints_taken, switches, idle_ns, idle_since_ns;

	struct arch_cpu arch;
} CACHE_ALIGNED;

extern struct cpu cpus[CPUS_MAX];
extern unsigned cpu_count; /* CPUs that came up; constant once the boot CPU spawned init */

/** This CPU's number. Stable only while interrupts or preemption are off. */
static inline unsigned cpu_id(void)
{
	return arch_cpu()->id;
}

/**
 * Between these two the running task stays on its CPU and is not preempted. They nest. The
 * second acts on a hint that came in between. Context: any.
 */
static inline void preempt_disable(void)
{
	bool on = arch_irq_save();

	arch_cpu()->preempt_off++;
	arch_irq_restore(on);
}
void preempt_enable(void);
