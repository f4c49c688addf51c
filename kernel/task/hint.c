/*
 * Hints: which CPU should look at the run queues, and telling it. A hint is never needed for
 * correctness: the task is queued, and any CPU that looks will find it. What hints guarantee is
 * that some CPU looks soon: whenever none is pending, no waiting task is more urgent than what a
 * CPU runs. Proof sketch: each enqueue hints for its task unless every CPU runs or is promised
 * something as urgent; a promise is void only once its CPU looks; and a look that leaves no hint
 * pending hints for the most urgent task that is left (hint_rest).
 */
#include "core/irq.h"
#include "task/executor.h"

/* The CPU that runs, or is promised, the least urgent work. Ties: where the task ran last, then
 * here, which saves the interrupt. */
static unsigned least_urgent_cpu(const struct task *t) REQUIRES(scheduler.lock)
{
	unsigned best = t->cpu, self = cpu_id();

	if (scheduler.promised[self] > scheduler.promised[best])
		best = self;
	for (unsigned i = 0; i < cpu_count; i++)
		if (scheduler.promised[i] > scheduler.promised[best])
			best = i;
	return best;
}

unsigned hint_for(const struct task *t)
{
	unsigned target = least_urgent_cpu(t);
	struct cpu *c = &cpus[target];
	u64 rank = rank_of(t);
	bool here = c == arch_cpu();

	if (rank >= scheduler.promised[target])
		return TRACE_NO_CPU;
	scheduler.promised[target] = rank;
	/* relaxed: the lock orders it; the unlocked read in irq_exit may be late, and then the
	 * interrupt, which is sent after it, comes later still */
	if (!atomic_load_explicit(&c->hinted, memory_order_relaxed)) {
		atomic_store_explicit(&c->hinted, true, memory_order_relaxed);
		scheduler.hints_pending++;
	}
	TRACE(SCHED_HINT, sched_hint, .target_cpu = target, .tid = (i32)t->id,
	      .seq = scheduler.seq, .ipi = !here);
	if (!here) {
		TRACE(IPI_SEND, ipi_send, .target_cpu = target, .seq = scheduler.seq);
		irqchip->send_hint(target);
	}
	return target;
}

void hint_rest(void)
{
	struct task *t = runqueue_first();

	/* Without a free stack the CPUs would only send each other to look, and look in vain. */
	if (t && !scheduler.hints_pending && !scheduler.starved)
		hint_for(t);
}

void hint_take(struct cpu *c)
{
	bool hinted = atomic_load_explicit(&c->hinted, memory_order_relaxed);

	if (hinted) {
		atomic_store_explicit(&c->hinted, false, memory_order_relaxed);
		scheduler.hints_pending--;
		c->hints_taken++;
	}
	scheduler.promised[c->id] = scheduler.running[c->id];
	TRACE(SCHED_LOOK, sched_look, .seq = scheduler.seq, .hinted = hinted);
}
