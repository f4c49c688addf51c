#include "async/name.h"
#include "base/string.h"
#include "sync/spin.h"

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

struct named *name_open(const void *sort, const char *name, struct named *fresh)
{
	bool irqs = spin_lock(&names_lock);
	struct named *n = find(sort, name);

	if (!n) {
		n = fresh;
		n->sort = sort;
		strlcpy(n->name, name, sizeof n->name);
		list_add_tail(&names, &n->link);
	}
	n->refs++;
	spin_unlock(&names_lock, irqs);
	return n;
}

bool name_close(struct named *n)
{
	bool irqs = spin_lock(&names_lock);
	bool last = --n->refs == 0;

	if (last)
		list_del(&n->link);
	spin_unlock(&names_lock, irqs);
	return last;
}
