/*
 * Hints: which CPU should look at the run queues, and telling it. A hint is never needed for
 * correctness: the task is queued, and any CPU that looks will find it. What hints guarantee is
 * that some CPU looks soon. G: when no hint is pending, no CPU is at a look, and nobody is between
 * queueing a task and hinting for it, then no waiting task outranks what runs on a CPU that it may
 * use.
 *
 * A CPU's promise is the rank of what it runs, or smaller while a hint is pending or under way:
 * hint_for lowers it and then counts the hint; a look reads the count and then sets the promise.
 * So a lowered promise whose hint a look spent has been set since, and one lowered later comes
 * with a hint that is counted later.
 *
 * Proof. Call (t, c) bad if t waits, may use c, and outranks what c runs. Suppose a bad pair at
 * such a moment, and look at what came last: t was queued, or c began to run what it runs.
 * (1) c did. Its look set the promise, and then, if that made it less urgent, read all tops (a
 * promise that got more urgent, or stays, serves as well: whoever read the old one was told more
 * than the truth). t's waker published t and then read the promises. One of the two saw the other:
 * either the look saw t and would have taken it, or hint_for saw a promise that t outranks.
 * (2) t was, or (1) with the second outcome: hint_for found a promise that t outranks, of c or of
 * a CPU that is no more urgent, and hinted that CPU; or it found c promised to a task as urgent as
 * t, so c's hint was pending, and c's look for it sees t: then c runs nothing worse than t.
 * The hinted CPU d looks: it takes t, or another task before t. As it spent a hint, it goes on to
 * hint_rest, which finds t, or a task before t that may use c, and, with c's promise outranked,
 * hints again; and so on. The last of these hints is pending, or its look is not over. But at
 * such a moment neither is the case.
 * A yield needs no hint if the CPU then runs a task of the same rank that may run everywhere: (t,
 * c) was bad with that task for t, and the argument for it goes on to hold for t.
 *
 * Without a free stack a CPU cannot take what it was hinted for. Then the CPUs would only send
 * each other to look, and look in vain: hint_rest waits until a stack is free.
 */
#include "task/runqueue.h"

_Atomic u64 online_cpus, idle_cpus;

static u64 promise_of(unsigned cpu)
{
	/* relaxed: ordered by the fence in hint_for, or by the only shard's lock */
	return atomic_load_explicit(&cpus[cpu].promised, memory_order_relaxed);
}

/* idle_cpus may lack a CPU that idles, or have one that was just hinted: its promise decides. */
void promise_idle(const struct cpu *c, bool idle)
{
	/* relaxed: it only says where to look first */
	if (idle)
		atomic_fetch_or_explicit(&idle_cpus, 1ull << c->id, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&idle_cpus, ~(1ull << c->id), memory_order_relaxed);
}

/* Of the CPUs in @p set, an idle one; TRACE_NO_CPU: none. Best where the task ran last, then here,
 * which saves the interrupt. */
static unsigned idle_cpu(u64 set, unsigned last)
{
	unsigned self = cpu_id();

	while (set) {
		unsigned i = set >> last & 1 ? last
			     : set >> self & 1 ? self
					       : (unsigned)__builtin_ctzll(set);

		if (promise_of(i) == RANK_IDLE)
			return i;
		set &= ~(1ull << i);
	}
	return TRACE_NO_CPU;
}

/* Of the CPUs in @p set, the one that runs, or is promised, the least urgent work, and its promise;
 * ties as above. TRACE_NO_CPU: the set is empty. */
static unsigned least_urgent_cpu(u64 set, unsigned last, u64 *promise_seen)
{
	unsigned self = cpu_id(), best = set >> last & 1 ? last : TRACE_NO_CPU;
	u64 most = best == TRACE_NO_CPU ? 0 : promise_of(best);

	for (set &= best == TRACE_NO_CPU ? ~0ull : ~(1ull << best); set; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctzll(set);
		u64 promise = promise_of(i);

		if (promise > most || best == TRACE_NO_CPU ||
		    (i == self && promise == most && best != last)) {
			best = i;
			most = promise;
		}
	}
	*promise_seen = most;
	return best;
}

static unsigned target_for(const struct wanted *w, u64 may, u64 *promise_seen)
{
	/* relaxed: the promises decide */
	u64 idle = may & atomic_load_explicit(&idle_cpus, memory_order_relaxed);
	unsigned target = idle ? idle_cpu(idle, w->cpu) : TRACE_NO_CPU;

	*promise_seen = RANK_IDLE;
	return target == TRACE_NO_CPU ? least_urgent_cpu(may, w->cpu, promise_seen) : target;
}

static void give(const struct wanted *w, unsigned target)
{
	struct cpu *c = &cpus[target];
	bool ipi = c != arch_cpu();
	u32 seq = op_seq(traced());
	/* release: pairs with the acquire in look_begin, which then sees the task */
	u32 number = atomic_fetch_add_explicit(&c->hints, 1, memory_order_release) + 1;

	TRACE_OP(seq, SCHED_HINT, sched_hint, .target_cpu = (u16)target, .ipi = ipi,
		 .tid = (i32)w->tid, .number = number);
	if (!ipi)
		return;
	TRACE_OP(seq, IPI_SEND, ipi_send, .target_cpu = target);
	irqchip->send_hint(target);
}

/* Lowers the promise of the CPU in @p may that should run @p w; returns it, or TRACE_NO_CPU. */
static unsigned claim(const struct wanted *w, u64 may)
{
	/* seq_cst: pairs with the fence in look_take_any: the task was published before this, and
	 * the promises are read behind it */
	atomic_thread_fence(memory_order_seq_cst);
	for (;;) {
		u64 was;
		unsigned target = target_for(w, may, &was);

		if (w->rank >= was)
			return TRACE_NO_CPU; /* nor is any other promise outranked */
		/* Changed since, it may not be the one to hint. relaxed: the hint orders it */
		if (!atomic_compare_exchange_strong_explicit(&cpus[target].promised, &was, w->rank,
							     memory_order_relaxed,
							     memory_order_relaxed))
			continue;
		if (was == RANK_IDLE)
			atomic_fetch_and_explicit(&idle_cpus, ~(1ull << target),
						  memory_order_relaxed);
		return target;
	}
}

static unsigned hint_one_of(const struct wanted *w, u64 cpus)
{
	unsigned target = claim(w, w->cpus & cpus);

	if (target == TRACE_NO_CPU)
		hint_none(w);
	else
		give(w, target);
	return target;
}

unsigned hint_runner(struct wanted w)
{
	give(&w, w.cpu);
	return w.cpu;
}

unsigned hint_for(struct wanted w)
{
	return hint_one_of(&w, atomic_load_explicit(&online_cpus, memory_order_relaxed));
}

void hint_others(struct wanted w)
{
	u64 others = others_online();

	if (others)
		(void)hint_one_of(&w, others);
	else
		hint_none(&w);
}

/* Hints for the first task that CPU cpu could take, if that outranks @p promise, which is or was
 * the CPU's. False: there is none, or it outranks no promise any more. */
static bool hint_first(unsigned cpu, u64 promise, u64 others) NO_THREAD_SAFETY_ANALYSIS
{
	for (;;) {
		struct place place;
		struct shard *s = look_around(cpu, promise, &place);
		struct wanted w = {.rank = RANK_IDLE};
		const struct task *t;
		unsigned target;

		if (!s)
			return false;
		spin_lock_raw(&s->lock);
		t = shard_first(s, cpu);
		if (t)
			w = wanted(t);
		spin_unlock_raw(&s->lock);
		if (w.rank > place.rank)
			continue; /* somebody took it */
		target = claim(&w, w.cpus & others);
		if (target == TRACE_NO_CPU)
			return false;
		give(&w, target);
		return true;
	}
}

static bool any_pinned(void)
{
	for (unsigned i = 0; i < shard_count; i++)
		if (counted(&shards[i].pinned))
			return true;
	return false;
}

/*
 * One hint is enough, because the look that it causes comes back here. This CPU has just taken
 * the first that it may run. Where all tasks may run everywhere, one search is enough: for the CPU
 * with the least urgent promise.
 */
void hint_rest(void)
{
	u64 others = others_online();

	if (!others || workers_short())
		return;
	/* seq_cst: as in claim */
	atomic_thread_fence(memory_order_seq_cst);
	if (!any_pinned()) {
		u64 promise;
		unsigned cpu = least_urgent_cpu(others, cpu_id(), &promise);

		(void)hint_first(cpu, promise, others);
		return;
	}
	for (u64 set = others; set; set &= set - 1) {
		unsigned cpu = (unsigned)__builtin_ctzll(set);

		if (hint_first(cpu, promise_of(cpu), others))
			return;
	}
}
