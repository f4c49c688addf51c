/*
 * cpu.h: one structure for each CPU, reached through a register (arch_cpu). Fields belong to
 * their CPU and are touched with interrupts masked there, except those marked shared.
 */
#pragma once

#include "arch/arch.h"
#include "base/types.h"
#include "base/wheel.h"
#include "sync/spin.h"
#include <stdatomic.h>

struct task;
struct worker;

/* Each step is one compare-and-swap, so that a CPU which comes too late stays out. */
enum cpu_state {
	CPU_ABSENT,   /* not started, or it came too late */
	CPU_STARTING, /* told to start */
	CPU_ONLINE,   /* runs tasks, may be sent hints; for ever */
};

struct cpu {
	struct cpu *self;     /* offset 0: x86_64 reads %gs:0 */
	struct task *current; /* offset 8: arch_current reads it. The task whose poll runs here, NULL in
				 the worker's own code */
	unsigned id;
	unsigned irq_depth;   /* interrupt handlers on this CPU's stack */
	unsigned preempt_off; /* while > 0, a hint stays pending */
	u8 irq_from;	      /* TRACE_irq_from_*: what the interrupt being handled struck */
	_Atomic u8 state;     /* shared: enum cpu_state */

	/* Scheduling; see task/executor.h. */
	struct worker *worker; /* whose stack this CPU is on */
	u64 quantum_end_ns;    /* when the current task's quantum ends; TIME_NEVER for none */
	u64 timer_quantum_ns;  /* the same, as the hardware timer was last set for it */
	u32 hints_seen;	       /* number of the last hint that this CPU acted on */
	u8 frozen_why;	       /* why the switch under way left ... */
	struct task *frozen;   /* ... this poll behind, or NULL; the successor queues it */
	struct worker *left;   /* the stack that the switch under way leaves */
	struct worker *spare;  /* a free stack, or NULL */
	u64 left_ns;	       /* when */
	u64 quantum_left_ns;   /* what was left of its quantum; 0: nothing. Where it has none: anything */

	/* Timers; see core/timer.c. */
	struct spin timer_lock;
	struct wheel timers GUARDED_BY(timer_lock);
	u64 timer_seen_ns GUARDED_BY(timer_lock); /* when the last timer interrupt began */
	struct timer *timer_running GUARDED_BY(timer_lock); /* whose fn runs now, or NULL */
	u64 timer_set_ns; /* what the hardware timer was last set to */

	/* Counters, for the shell; read without a lock, so a sum may be off by what is in flight. */
	u64 irqs, switches, idle_ns;
	u64 idle_since_ns; /* when it went idle, 0 while it is not */

	/* Shared, read and written by all; see task/hint.c. */
	struct {
		_Atomic u64 promised; /* rank of what it runs, or was hinted for */
		_Atomic u32 hints;    /* number of the last hint: "look again" */
		_Atomic bool leaving; /* is to run no tasks; see task/hotplug.c */
		_Atomic bool left_out; /* runs none; written by itself */
	} CACHE_ALIGNED;

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

/** True when a hint of @p c, this CPU, is pending. A hint that comes while this reads arrives with
 *  an interrupt of its own. Context: interrupts masked. */
static inline bool cpu_hinted(const struct cpu *c)
{
	/* relaxed: who acts on it looks again with acquire (task/look.h) */
	return atomic_load_explicit(&c->hints, memory_order_relaxed) != c->hints_seen;
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
