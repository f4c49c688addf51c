/* Waking a task that is to run on another CPU, which idles. Two CPUs; each counts its own. */
#include "bench.h"

#define ROUNDS 200u
#define SETTLE_NS US(50) /* until the other CPU idles again */

static _Atomic unsigned polls;

/* The path that the interrupt began on its CPU ends here. */
static enum poll woken(void *frame)
{
	(void)frame;
	arch_mark(MARK_END);
	/* release: pairs with the acquire in settle */
	atomic_fetch_add_explicit(&polls, 1, memory_order_release);
	return POLL_PENDING;
}

static void settle(unsigned expected)
{
	u64 end_ns;

	/* acquire: pairs with the release in woken */
	while (atomic_load_explicit(&polls, memory_order_acquire) != expected)
		arch_relax();
	end_ns = clock_ns() + SETTLE_NS;
	while (clock_ns() < end_ns)
		arch_relax();
}

static enum poll bench(void *frame)
{
	struct sched_params other = SCHED_PARAMS_FIFO(12);
	struct task *t;

	(void)frame;
	preempt_disable();
	other.cpus = 1ull << !cpu_id();
	bench_calibrate();
	must(TASK_SPAWN(&t, "far", woken, (struct async){}, other));
	settle(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_begin();
		task_wake(t);
		bench_end();
		settle(2 + i);
	}
	bench_report("sched.wake_remote.sender");
	for (unsigned i = 0; i < ROUNDS; i++) {
		arch_mark(MARK_ARM_ON);
		task_wake(t);
		settle(2 + ROUNDS + i);
	}
	kprintf("sample sched.wake_remote.receiver 0 0 0 0\n");
	bench_reset();
	bench_done();
}

BENCH_MAIN(bench, struct async)
