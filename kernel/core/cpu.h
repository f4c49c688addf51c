/*
 * cpu.h: one structure for each CPU, reached through a register (arch_cpu). Fields belong to
 * their CPU and are touched with interrupts masked there, except those marked shared.
 */
#pragma once

#include "arch/arch.h"
#include "base/types.h"
#include "base/wheel.h"
#include "sync/spin.h"

struct task;
struct worker;

/* Each step is one compare-and-swap, so that a CPU which comes too late stays out. */
enum cpu_state {
	CPU_ABSENT,   /* not started, or it came too late */
	CPU_STARTING, /* told to start */
	CPU_ONLINE,   /* runs tasks, may be sent hints; for ever */
};

struct cpu {
	struct cpu *self; /* offset 0: x86_64 reads %gs:0 */
	unsigned id;
	unsigned irq_depth;   /* interrupt handlers on this CPU's stack */
	unsigned preempt_off; /* while > 0, a hint stays pending */
	u8 irq_from;	      /* TRACE_irq_from_*: what the interrupt being handled struck */
	_Atomic u8 state;     /* shared: enum cpu_state */

	/* Scheduling; see task/executor.c. */
	struct task *current;	/* the task whose poll runs here, NULL in the worker's own code */
	struct worker *worker;	/* whose stack this CPU is on */
	_Atomic bool hinted;	/* shared: "look again" is pending; set and cleared under the
				   scheduler's lock, read without it at interrupt exit */
	u64 quantum_end_ns;	/* when the current task's quantum ends; TIME_NEVER for none */
	struct task *frozen;	/* left behind with its stack by the switch under way ... */
	u8 frozen_why;		/* ... and why; the successor queues it */
	struct worker *freed;	/* left behind with nothing on it */
	struct task *dead;	/* its last reference of the executor is to be dropped */

	/* Timers; see core/timer.c. */
	struct spin timer_lock;
	struct wheel timers GUARDED_BY(timer_lock);
	u64 timer_seen_ns GUARDED_BY(timer_lock); /* when the last timer interrupt began */
	struct timer *timer_running GUARDED_BY(timer_lock); /* whose fn runs now, or NULL */
	u64 timer_set_ns; /* what the hardware timer was last set to */

	/* Counters, for the shell; read without a lock, so a sum may be off by what is in flight. */
	u64 irqs, hints_taken, switches, idle_ns;
	u64 idle_since_ns; /* when it went idle, 0 while it is not */

	struct arch_cpu arch;
} CACHE_ALIGNED;

extern struct cpu cpus[CPUS_MAX];
extern unsigned cpu_count; /* CPUs 0 to cpu_count-1 are up; constant once init is spawned */

/** True when CPU @p id runs tasks and may be sent hints. Any context. */
static inline bool cpu_online(unsigned id)
{
	/* acquire: pairs with the release in cpu_step (core/start.c) */
	return atomic_load_explicit(&cpus[id].state, memory_order_acquire) == CPU_ONLINE;
}

/** Fills in the structures of all CPUs, before arch_cpu_init. Once, by kernel_main. */
void cpu_init_all(void);

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
