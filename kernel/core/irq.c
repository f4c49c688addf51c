#include "core/irq.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/start.h"
#include "core/time.h"
#include "trace/trace.h"

const struct irqchip *irqchip;

struct irq_entry {
	const char *name;
	void *arg;
	u64 count;
	/* Published last; a handler is never taken away. */
	void (*_Atomic fn)(void *arg);
};

static struct irq_entry handlers[IRQS_MAX];

/* What the interrupt at pc struck. In arch_idle up to the halting instruction interrupts must
 * still be masked, so an interrupt there shows the window that loses wake-ups. */
static u8 struck(const struct cpu *c, uptr pc)
{
	if (pc >= (uptr)arch_idle && pc <= (uptr)arch_idle_halt)
		return TRACE_irq_from_open_window;
	if (c->current)
		return TRACE_irq_from_task;
	return c->idle_since_ns ? TRACE_irq_from_halt : TRACE_irq_from_kernel;
}

struct cpu *irq_note_struck(uptr pc)
{
	struct cpu *c = arch_cpu();

	c->irq_from = struck(c, pc);
	return c;
}

static __attribute__((noinline)) void record_hint(const struct cpu *c)
{
	TRACE(HINT_ENTRY, x86_irq_vectors_reschedule_entry, .from = c->irq_from);
	TRACE(HINT_EXIT, x86_irq_vectors_reschedule_exit, .vector = 0);
}

void irq_hint(struct cpu *c)
{
	panic_join();
	if (unlikely(trace_level != TRACE_OFF))
		record_hint(c);
}

void irq_record_entry(const struct cpu *c, i32 irq, u16 name)
{
	TRACE(IRQ_ENTRY, irq_handler_entry, .irq = irq, .name = name, .from = c->irq_from);
}

void irq_record_exit(i32 irq, bool handled)
{
	TRACE(IRQ_EXIT, irq_handler_exit, .irq = irq, .ret = handled);
}

void irq_device(struct cpu *c, u32 irq)
{
	struct irq_entry *e = &handlers[irq % IRQS_MAX];
	/* acquire: pairs with the release in irq_register */
	void (*fn)(void *) = atomic_load_explicit(&e->fn, memory_order_acquire);

	if (unlikely(trace_level != TRACE_OFF))
		irq_record_entry(c, (i32)irq, TRACE_irq_name_device);
	if (fn) {
		e->count++;
		fn(e->arg);
	}
	if (unlikely(trace_level != TRACE_OFF))
		irq_record_exit((i32)irq, fn != NULL);
}

int irq_register(u32 irq, const char *name, void (*fn)(void *arg), void *arg)
{
	static struct spin lock = SPIN_INIT;

	if (irq >= IRQS_MAX || !name || !fn)
		return ERR_INVAL;

	struct irq_entry *e = &handlers[irq];
	bool irqs = spin_lock(&lock);
	/* relaxed: writers are ordered by the lock */
	bool taken = atomic_load_explicit(&e->fn, memory_order_relaxed) != NULL;

	if (!taken) {
		e->name = name;
		e->arg = arg;
		/* release: pairs with the acquire in irq_device and irq_for_each */
		atomic_store_explicit(&e->fn, fn, memory_order_release);
	}
	spin_unlock(&lock, irqs);
	if (taken)
		return ERR_BUSY;
	irqchip->unmask(irq);
	return 0;
}

void irq_for_each(void (*row)(const char *name, u32 irq, u64 count))
{
	for (u32 irq = 0; irq < IRQS_MAX; irq++) {
		struct irq_entry *e = &handlers[irq];

		/* acquire: pairs with the release in irq_register */
		if (atomic_load_explicit(&e->fn, memory_order_acquire))
			row(e->name, irq, e->count);
	}
}
