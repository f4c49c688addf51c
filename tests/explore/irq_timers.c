/*
 * links: core/timer.c base/wheel.c
 *
 * A CPU's timers and its timer interrupt: CPU 0 arms two timers and cancels the first, while its
 * interrupt comes twice, at any point; CPU 1 cancels the second. Each fires once or was canceled,
 * never both; when a cancel that came too late returns, the function is done; and the hardware is
 * set for what is left, the end of a quantum too until it has interrupted.
 */
#include "core/cpu.h"
#include "core/irq.h"
#include "core/time.h"
#include "explore.h"
#include "trace/trace.h"

const unsigned explore_threads = 2;
const unsigned explore_interrupts[] = {2, 0};
const bool explore_locks_given = true;

struct cpu cpus[CPUS_MAX];
_Atomic u8 trace_level = TRACE_OFF;
struct clock_scale clock_scale = {1ull << 63, 1};
static volatile u64 ticks = 10; /* volatile: the time orders nothing */
static volatile u64 set_ns[2];

#define QUANTUM_END 22 /* behind the first interrupt, before the second */

static struct timer timers[2];
static _Atomic bool armed;
static unsigned begun[2], fired[2];
static bool canceled[2];

uint64_t sim_clock_ns(void)
{
	return ticks;
}

void arch_timer_set(u64 deadline_ns)
{
	set_ns[arch_cpu()->id] = deadline_ns;
}

void trace_record(unsigned id, const void *payload, usize bytes, const void *more, usize more_bytes)
{
	(void)id, (void)payload, (void)bytes, (void)more, (void)more_bytes;
}

void irq_record_entry(const struct cpu *c, i32 irq, u16 name)
{
	(void)c, (void)irq, (void)name;
}

void irq_record_exit(i32 irq, bool handled)
{
	(void)irq, (void)handled;
}

static void fn(struct timer *t)
{
	unsigned i = (unsigned)(t - timers);

	ASSERT(ticks >= (i ? 20 : 15));
	begun[i]++;
	ASSERT(arch_cpu()->timer_running == t);
	fired[i]++;
}

void explore_begin(void) NO_THREAD_SAFETY_ANALYSIS
{
	for (unsigned i = 0; i < 2; i++) {
		cpus[i].id = i;
		cpus[i].quantum_end_ns = cpus[i].timer_quantum_ns = TIME_NEVER;
		cpus[i].timer_set_ns = set_ns[i] = TIME_NEVER;
		timer_init(&timers[i], fn);
	}
}

void explore_interrupt(unsigned id) NO_THREAD_SAFETY_ANALYSIS
{
	ticks += 7; /* behind 10: the first is due, the second is not */
	irq_timer(&cpus[id]);
	ASSERT(!cpus[id].timer_running); /* its own CPU's */
	ASSERT(set_ns[id] > ticks && (set_ns[id] <= QUANTUM_END || ticks >= QUANTUM_END ||
				      cpus[id].quantum_end_ns == TIME_NEVER));
}

static void cancel(unsigned i)
{
	canceled[i] = timer_cancel(&timers[i]);
	if (!canceled[i])
		ASSERT(begun[i] == fired[i]);
}

void explore_thread(unsigned id)
{
	bool irqs;

	sim_cpu_set_local(&cpus[id]);
	if (id) {
		/* acquire: the timer is handed over */
		if (atomic_load_explicit(&armed, memory_order_acquire))
			cancel(1);
		return;
	}
	ASSERT(!timer_cancel(&timers[1]));
	irqs = arch_irq_save();
	cpus[0].quantum_end_ns = QUANTUM_END; /* as if a task were taken */
	timer_program();
	ASSERT(set_ns[0] == QUANTUM_END);
	arch_irq_restore(irqs);
	irqs = arch_irq_save();
	timer_arm(&timers[1], 20);
	ASSERT(set_ns[0] <= MAX(20, ticks + 1));
	arch_irq_restore(irqs);
	atomic_store_explicit(&armed, true, memory_order_release);
	timer_arm(&timers[0], 15);
	cancel(0);
}

void explore_end(void) NO_THREAD_SAFETY_ANALYSIS
{
	sim_cpu_set_local(&cpus[0]);
	ASSERT(cpus[0].timer_set_ns == set_ns[0]);
	ASSERT(set_ns[0] <= wheel_next(&cpus[0].timers));
	while (wheel_next(&cpus[0].timers) != TIME_NEVER)
		explore_interrupt(0);
	for (unsigned i = 0; i < 2; i++)
		ASSERT(fired[i] + canceled[i] == 1 && !timers[i].queued);
}
