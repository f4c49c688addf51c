/*
 * Each CPU has a heap of timers and one hardware timer, set to what comes first: the heap's head
 * or the end of the running task's quantum.
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

/* A quantum that is over needs no second interrupt: the end of this one looks, or preempt_enable
 * does. With preemption off it would otherwise interrupt for ever. */
static void program(struct cpu *c, bool fired) REQUIRES(c->timer_lock)
{
	struct heap_node *head = heap_peek(&c->timers);
	bool over = fired && c->quantum_end_ns != TIME_NEVER && c->quantum_end_ns <= clock_ns();
	u64 quantum_end_ns = over ? TIME_NEVER : c->quantum_end_ns;
	u64 next = head ? MIN(head->key, quantum_end_ns) : quantum_end_ns;

	c->timer_quantum_ns = quantum_end_ns;
	if (fired || next != c->timer_set_ns) {
		c->timer_set_ns = next;
		arch_timer_set(next);
	}
}

void timer_program(void)
{
	struct cpu *c = arch_cpu();

	/* Whatever changes the heap's head programs the hardware itself. */
	if (c->quantum_end_ns == c->timer_quantum_ns)
		return;

	bool irqs = spin_lock(&c->timer_lock);

	program(c, false);
	spin_unlock(&c->timer_lock, irqs);
}

void timer_arm(struct timer *t, u64 at_ns)
{
	bool irqs = arch_irq_save();
	struct cpu *c = arch_cpu();

	spin_lock_raw(&c->timer_lock);
	t->node.key = at_ns;
	t->node.seq = c->timer_seq++;
	t->queued = true;
	/* release: pairs with the acquire in timer_cancel, which then takes this CPU's lock */
	atomic_store_explicit(&t->cpu, c, memory_order_release);
	heap_push(&c->timers, &t->node);
	program(c, false);
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
		heap_remove(&c->timers, &t->node);
		if (mine)
			program(c, false);
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

/* Takes the first timer that is due and was armed before @p seq_end. */
static struct timer *take_due(struct cpu *c, u64 now_ns, u64 seq_end) REQUIRES(c->timer_lock)
{
	struct heap_node *n = heap_peek(&c->timers);

	if (!n || n->key > now_ns || n->seq >= seq_end)
		return NULL;

	struct timer *t = CONTAINER_OF(n, struct timer, node);

	heap_remove(&c->timers, n);
	t->queued = false;
	return t;
}

/* Takes note of who is at work, for timer_cancel, and lets him work without the lock. */
static void fire(struct cpu *c, struct timer *t, u64 now_ns) REQUIRES(c->timer_lock)
{
	u64 due_ns = t->node.key;

	c->timer_running = t;
	spin_unlock_raw(&c->timer_lock);
	TRACE(TIMER_EXPIRE, timer_expire, .due_ns = due_ns, .late_ns = now_ns - due_ns);
	t->fn(t);
	spin_lock_raw(&c->timer_lock);
	c->timer_running = NULL;
}

void irq_timer(struct cpu *c)
{
	u64 now_ns = clock_ns();

	TRACE(IRQ_ENTRY, irq_handler_entry, .irq = TIMER_IRQ, .name = TRACE_irq_name_timer,
	      .from = c->irq_from);
	spin_lock_raw(&c->timer_lock);
	/* Timers that the callbacks arm wait for the next interrupt, so this loop ends. */
	u64 seq_end = c->timer_seq;
	struct timer *t;

	while ((t = take_due(c, now_ns, seq_end)) != NULL)
		fire(c, t, now_ns);
	program(c, true);
	spin_unlock_raw(&c->timer_lock);
	TRACE(IRQ_EXIT, irq_handler_exit, .irq = TIMER_IRQ, .ret = 1);
}
