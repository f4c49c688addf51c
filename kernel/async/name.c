#include "async/name.h"
#include "base/string.h"
#include "task/fault.h"

/* That a task opened something. */
struct opened {
	struct owned owned;  /* what: the thing */
	struct list link;    /* of the thing; under names_lock, like the next */
	struct named *named; /* NULL: somebody else closed it */
};

static struct spin names_lock;
static struct list names VAR_GUARDED_BY(names_lock) = LIST_INIT(names);

static struct named *find(const void *sort, const char *name) REQUIRES(names_lock)
{
	LIST_FOR_EACH(it, &names)
	{
		struct named *n = LIST_ENTRY(it, struct named, link);

		if (n->sort == sort && !strncmp(n->name, name, NAME_BYTES - 1))
			return n;
	}
	return NULL;
}

static void forget(struct opened *o) REQUIRES(names_lock)
{
	list_del(&o->link);
	o->named = NULL;
}

/* True: it was the last reference. */
static bool drop(struct named *n) REQUIRES(names_lock)
{
	bool last = --n->refs == 0;

	if (last)
		list_del(&n->link);
	return last;
}

static void opener_ended(struct owned *owned)
{
	struct opened *o = CONTAINER_OF(owned, struct opened, owned);
	bool died = owned->task->ending, last;
	bool irqs = spin_lock(&names_lock);
	struct named *n = o->named;

	if (n)
		forget(o);
	last = n && died && drop(n);
	task_disown(owned);
	spin_unlock(&names_lock, irqs);
	kfree(o);
	if (last)
		n->gone(n);
}

/* Forgets that the calling task opened @p n. What it remembered that in, or NULL. */
static struct opened *forget_own(const struct named *n) REQUIRES(names_lock)
{
	struct task *self = task_current();
	struct owned *owned = self ? task_owned(self, opener_ended, n) : NULL;
	struct opened *o = owned ? CONTAINER_OF(owned, struct opened, owned) : NULL;

	if (o) {
		forget(o);
		task_disown(owned);
	}
	return o;
}

struct named *name_open(const void *sort, const char *name, struct named *fresh)
{
	struct task *self = task_current();
	struct opened *o = self ? kzalloc(sizeof *o) : NULL;
	struct named *n;
	bool irqs;

	if (self && !o)
		return NULL;
	irqs = spin_lock(&names_lock);
	n = find(sort, name);
	if (!n) {
		n = fresh;
		n->sort = sort;
		strlcpy(n->name, name, sizeof n->name);
		list_init(&n->opened);
		list_add_tail(&names, &n->link);
	}
	n->refs++;
	if (o) {
		o->named = n;
		o->owned = (struct owned){.release = opener_ended, .what = n};
		list_add_tail(&n->opened, &o->link);
		task_own(self, &o->owned);
	}
	spin_unlock(&names_lock, irqs);
	return n;
}

void name_hand_on(struct named *n)
{
	TASK_SHIELD();

	kfree(SPIN_READ(&names_lock, forget_own(n)));
}

void name_close(struct named *n)
{
	TASK_SHIELD();
	bool irqs = spin_lock(&names_lock), last;
	struct opened *o = forget_own(n);

	/* Else it was handed on: he who opened it is not to close it as well. */
	if (!o && !list_empty(&n->opened))
		forget(LIST_ENTRY(list_first(&n->opened), struct opened, link));
	last = drop(n);
	spin_unlock(&names_lock, irqs);
	if (last)
		n->gone(n);
	kfree(o);
}
