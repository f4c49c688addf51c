/*
 * Each CPU has a wheel of timers and one hardware timer, set to what comes first: the wheel's next
 * time or the end of the running task's quantum.
 *
 * An interrupt does a bounded number of the wheel's steps; when more is due, the hardware timer is
 * set to a time that is past, and what else interrupts has its turn in between.
 *
 * fn runs without the lock, so that it may arm timers and wake tasks. c->timer_running names the
 * timer meanwhile: timer_cancel on another CPU waits until it changes. It is the CPU's field, not
 * the timer's, because fn may let go of the timer's memory.
 */
#include "core/cpu.h"
#include "core/irq.h"
#include "core/time.h"
#include "trace/trace.h"

#define TIMER_IRQ (-1) /* the CPU's own timer has no number at the controller */
#define STEPS_MAX 32u  /* of the wheel, in one interrupt */

static void set(struct cpu *c, u64 quantum_end_ns, bool fired) REQUIRES(c->timer_lock)
{
	u64 next_ns = MIN(wheel_next(&c->timers), quantum_end_ns);

	c->timer_quantum_ns = quantum_end_ns;
	if (fired || next_ns != c->timer_set_ns) {
		c->timer_set_ns = next_ns;
		arch_timer_set(next_ns);
	}
}

static void program(struct cpu *c) REQUIRES(c->timer_lock)
{
	set(c, c->quantum_end_ns, false);
}

/* A quantum that is over needs no second interrupt: the end of this one looks, or preempt_enable
 * does. With preemption off it would otherwise interrupt for ever. */
static void program_again(struct cpu *c) REQUIRES(c->timer_lock)
{
	u64 quantum_end_ns = c->quantum_end_ns;

	if (quantum_end_ns != TIME_NEVER && quantum_end_ns <= clock_ns())
		quantum_end_ns = TIME_NEVER;
	set(c, quantum_end_ns, true);
}

void timer_program(void)
{
	struct cpu *c = arch_cpu();

	/* Whatever changes the wheel's next time programs the hardware itself. */
	if (c->quantum_end_ns == c->timer_quantum_ns)
		return;

	bool irqs = spin_lock(&c->timer_lock);

	program(c);
	spin_unlock(&c->timer_lock, irqs);
}

void timer_arm(struct timer *t, u64 at_ns)
{
	bool irqs = arch_irq_save();
	struct cpu *c = arch_cpu();

	spin_lock_raw(&c->timer_lock);
	t->queued = true;
	/* release: pairs with the acquire in timer_cancel, which then takes this CPU's lock */
	atomic_store_explicit(&t->cpu, c, memory_order_release);
	/* What is past comes just after the last interrupt: never in the one that arms it. */
	wheel_push(&c->timers, &t->node, MAX(at_ns, c->timer_seen_ns + 1));
	program(c);
	spin_unlock(&c->timer_lock, irqs);
}

/* One attempt: false when the timer moved or its fn runs on that CPU, to be tried again. */
static bool try_cancel(struct timer *t, struct cpu *c, bool *canceled)
{
	bool irqs = spin_lock(&c->timer_lock);
	bool mine = c == arch_cpu();
	/* relaxed: where it points to this CPU, the lock orders it */
	bool stayed = atomic_load_explicit(&t->cpu, memory_order_relaxed) == c;
	bool settled = stayed && (t->queued || mine || c->timer_running != t);

	*canceled = settled && t->queued;
	if (*canceled) {
		t->queued = false;
		wheel_remove(&c->timers, &t->node);
		if (mine)
			program(c);
	}
	spin_unlock(&c->timer_lock, irqs);
	return settled;
}

bool timer_cancel(struct timer *t)
{
	for (;;) {
		bool canceled;
		/* acquire: pairs with the release in timer_arm */
		struct cpu *c = atomic_load_explicit(&t->cpu, memory_order_acquire);

		if (!c)
			return false;
		if (try_cancel(t, c, &canceled))
			return canceled;
		arch_relax();
	}
}

static __attribute__((noinline)) void record_fire(u64 due_ns, u64 now_ns)
{
	TRACE(TIMER_EXPIRE, timer_expire, .due_ns = due_ns, .late_ns = now_ns - due_ns);
}

/* Takes note of who is at work, for timer_cancel, and lets him work without the lock. */
static void fire(struct cpu *c, struct timer *t, u64 now_ns) REQUIRES(c->timer_lock)
{
	t->queued = false;
	c->timer_running = t;
	spin_unlock_raw(&c->timer_lock);
	if (unlikely(trace_level != TRACE_OFF))
		record_fire(t->node.key, now_ns);
	t->fn(t);
	spin_lock_raw(&c->timer_lock);
	c->timer_running = NULL;
}

void irq_timer(struct cpu *c)
{
	u64 now_ns = clock_ns();
	struct wheel_node *n;

	if (unlikely(trace_level != TRACE_OFF))
		irq_record_entry(c, TIMER_IRQ, TRACE_irq_name_timer);
	spin_lock_raw(&c->timer_lock);
	c->timer_seen_ns = now_ns;
	for (unsigned i = 0; i < STEPS_MAX && wheel_step(&c->timers, now_ns, &n); i++)
		if (n)
			fire(c, CONTAINER_OF(n, struct timer, node), now_ns);
	program_again(c);
	spin_unlock_raw(&c->timer_lock);
	if (unlikely(trace_level != TRACE_OFF))
		irq_record_exit(TIMER_IRQ, true);
}
