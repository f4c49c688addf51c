/*
 * Hints: which CPU should look at the run queues, and telling it. A hint is never needed for
 * correctness: the task is queued, and any CPU that looks will find it. What hints guarantee is
 * that some CPU looks soon. G: whenever no hint is pending, no waiting task outranks what runs on
 * a CPU that it may use.
 *
 * Proof, over the operations under the lock. A CPU's promise differs from what it runs only while
 * its hint is pending: hint_for sets both, hint_take resets both, place sets promise and rank
 * alike, and only after hint_take. So when no hint is pending, promised equals running on every
 * CPU. Call (t, c) bad if t waits, may use c, and outranks promised[c]; G says: no hint pending,
 * no bad pair. An operation can make one by (1) queueing a task t: hint_for(t) follows in the
 * same operation and looks at all CPUs that t may use, so either no pair of t is bad or a hint is
 * pending; (2) letting a CPU run something less urgent: only a look does, and each look ends in
 * hint_rest; (3) spending the last pending hint: a look again. hint_rest, if no hint is pending,
 * looks for a bad pair and hints for its task; one is enough, because that hint's look comes back
 * here. If every waiting task may use every CPU, a bad pair exists only if the most urgent task
 * of all is in one. Otherwise the most urgent task that may use c is in one with c, or nothing
 * is: so one search for each CPU decides.
 *
 * The look of the CPU that was hinted may find another task to be its most urgent one; then that
 * one is taken, and the rest of the argument does not care whom the hint was for.
 */
#include "core/irq.h"
#include "task/executor.h"

static bool may_use(const struct task *t, unsigned cpu)
{
	return t->entity.cpus >> cpu & 1;
}

/* Of the CPUs that @p t may use, the one that runs, or is promised, the least urgent work. Ties:
 * where the task ran last, then here, which saves the interrupt. */
static unsigned least_urgent_cpu(const struct task *t) REQUIRES(scheduler.lock)
{
	unsigned best = t->cpu, self = cpu_id();

	if (!may_use(t, best))
		best = (unsigned)__builtin_ctzll(t->entity.cpus);
	if (may_use(t, self) && scheduler.promised[self] > scheduler.promised[best])
		best = self;
	for (unsigned i = 0; i < cpu_count; i++)
		if (may_use(t, i) && scheduler.promised[i] > scheduler.promised[best])
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
	/* Where all may run everywhere, every CPU has the same most urgent task. */
	unsigned searches = scheduler.pinned ? cpu_count : 1;

	/* Without a free stack the CPUs would only send each other to look, and look in vain. */
	if (!scheduler.waiting || scheduler.hints_pending || scheduler.starved)
		return;
	for (unsigned i = 0; i < searches; i++) {
		const struct task *t = runqueue_first(i);

		if (t && hint_for(t) != TRACE_NO_CPU)
			return;
	}
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
