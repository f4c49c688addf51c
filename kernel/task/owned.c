#include "task/owned.h"
#include "base/error.h"
#include "core/cpu.h"
#include "mm/kmalloc.h"
#include "task/fault.h"

void owned_add(struct owned *o, void (*release)(struct owned *o))
{
	bool irqs = arch_irq_save();
	struct task *t = arch_cpu()->current;

	if (t) {
		o->release = release;
		list_add_tail(&t->owned, &o->link);
	}
	arch_irq_restore(irqs);
}

void owned_remove(struct owned *o)
{
	bool irqs = arch_irq_save();

	if (o->release) {
		o->release = NULL;
		list_del(&o->link);
	}
	arch_irq_restore(irqs);
}

struct kept {
	struct owned owned;
	void *object;
	void (*put)(void *object);
};

static void kept_release(struct owned *o)
{
	struct kept *k = CONTAINER_OF(o, struct kept, owned);

	k->put(k->object);
	kfree(k);
}

int owned_keep(void *object, void (*put)(void *object))
{
	struct kept *k;

	if (!task_current())
		return 0;
	k = kmalloc(sizeof *k);
	if (!k)
		return ERR_NOMEM;
	*k = (struct kept){.object = object, .put = put};
	owned_add(&k->owned, kept_release);
	return 0;
}

void owned_forget(void *object, void (*put)(void *object))
{
	struct task *t = task_current();

	if (!t)
		return;
	for (struct list *it = t->owned.prev; it != &t->owned; it = it->prev) {
		struct owned *o = LIST_ENTRY(it, struct owned, link);
		struct kept *k = CONTAINER_OF(o, struct kept, owned);

		if (o->release != kept_release || k->object != object || k->put != put)
			continue;
		owned_remove(o);
		kfree(k);
		return;
	}
}
