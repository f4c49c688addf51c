#include "core/cpu.h"
#include "core/irq.h"
#include "core/time.h"

struct cpu cpus[CPUS_MAX];
_Static_assert(offsetof(struct cpu, current) == 8, "arch_current reads it there");
unsigned cpu_count;

void cpu_init_all(void)
{
	for (unsigned id = 0; id < CPUS_MAX; id++) {
		struct cpu *c = &cpus[id];

		c->self = c;
		c->id = id;
		c->quantum_end_ns = TIME_NEVER;
		c->timer_set_ns = c->timer_quantum_ns = TIME_NEVER;
	}
}

void preempt_enable(void)
{
	bool on = arch_irq_save();
	struct cpu *c = arch_cpu();

	c->preempt_off--;
	if (on)
		irq_look(c);
	else if (!c->preempt_off && c->current && cpu_hinted(c))
		irqchip->send_hint(c->id); /* taken when the caller unmasks interrupts */
	arch_irq_restore(on);
}
