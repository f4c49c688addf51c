/*
 * Taking CPUs out of scheduling. Why no task waits for ever, or for longer than it should: the CPU
 * is hinted after it was told to leave, so it looks; its look takes nothing and, as it spent a
 * hint, hints for the rest (look_end). Who still hints the CPU, having seen it before it left,
 * makes it look once more: it passes the hint on in the same way. A CPU that comes back is hinted
 * too, and looks for what to run (hint.c).
 */
#include "task/hotplug.h"
#include "task/executor.h"

_Atomic u64 cpus_out;

static struct spin changes_lock; /* taken before all of the scheduler's; keeps two changes apart */

static bool is_out(unsigned cpu)
{
	/* relaxed: written under changes_lock; else for people, or as in cpus_for */
	return atomic_load_explicit(&cpus_out, memory_order_relaxed) >> cpu & 1;
}

enum cpu_use cpu_use(unsigned cpu)
{
	/* relaxed, both: true for the moment */
	if (atomic_load_explicit(&cpus[cpu].left_out, memory_order_relaxed))
		return CPU_IS_OUT;
	return atomic_load_explicit(&cpus[cpu].leaving, memory_order_relaxed) ? CPU_LEAVES
									      : CPU_RUNS_TASKS;
}

static void record(unsigned cpu, bool leaves)
{
	TRACE_OP(op_seq(traced()), CPU_LEAVES, cpu_leaves, .cpu = cpu, .leaves = leaves);
}

static void look_at_it(unsigned cpu, bool irqs)
{
	if (hint_runner((struct wanted){.cpu = cpu}) == cpu_id())
		act_on_own_hint(arch_cpu(), irqs);
}

/* Under changes_lock. */
static int leave(unsigned cpu, u32 *needed_by)
{
	u64 bit = 1ull << cpu;
	/* relaxed: set before each task is asked under a lock, behind which others read it */
	u64 out = atomic_fetch_or_explicit(&cpus_out, bit, memory_order_relaxed) | bit;

	*needed_by = 0;
	if (out != SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count) && !task_needing(out, needed_by)) {
		/* relaxed, both: the hint orders them */
		atomic_store_explicit(&cpus[cpu].leaving, true, memory_order_relaxed);
		record(cpu, true);
		atomic_fetch_and_explicit(&online_cpus, ~bit, memory_order_relaxed);
		return 0;
	}
	/* relaxed: whoever saw it was refused */
	atomic_fetch_and_explicit(&cpus_out, ~bit, memory_order_relaxed);
	return ERR_BUSY;
}

int cpu_take_out(unsigned cpu, u32 *needed_by)
{
	bool irqs = spin_lock(&changes_lock);
	u32 ignored;
	int err;

	if (cpu >= cpu_count)
		err = ERR_NODEV;
	else if (is_out(cpu))
		err = ERR_INVAL;
	else
		err = leave(cpu, needed_by ? needed_by : &ignored);
	spin_unlock_raw(&changes_lock);
	if (!err)
		look_at_it(cpu, irqs);
	arch_irq_restore(irqs);
	return err;
}

int cpu_put_back(unsigned cpu)
{
	bool irqs = spin_lock(&changes_lock);
	int err = cpu >= cpu_count ? ERR_NODEV : is_out(cpu) ? 0 : ERR_INVAL;

	if (!err) {
		/* relaxed, all: the hint orders them */
		atomic_store_explicit(&cpus[cpu].leaving, false, memory_order_relaxed);
		atomic_fetch_or_explicit(&online_cpus, 1ull << cpu, memory_order_relaxed);
		atomic_fetch_and_explicit(&cpus_out, ~(1ull << cpu), memory_order_relaxed);
	}
	spin_unlock_raw(&changes_lock);
	if (!err) {
		look_at_it(cpu, irqs);
		record(cpu, false);
	}
	arch_irq_restore(irqs);
	return err;
}
