#include "task/memory.h"
#include "base/string.h"
#include "core/cpu.h"
#include "task/task.h"

struct arena *arena_current(void)
{
	bool irqs = arch_irq_save();
	struct cpu *c = arch_cpu();
	struct task *t = c->irq_depth ? NULL : c->current;

	arch_irq_restore(irqs);
	return t ? &t->arena : NULL;
}

void *task_alloc(usize bytes)
{
	struct task *t = task_self();

	return arena_alloc(&t->arena, bytes, t->id);
}

void *task_zalloc(usize bytes)
{
	void *p = task_alloc(bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

void task_free(void *p)
{
	struct task *t = task_self();

	arena_free(&t->arena, p, t->id);
}
