/*
 * owned.h: what a task owns and gives back when it ends, in whichever way: a list of things, each
 * with a function that releases it. When the task faults, is killed, or just returns, they are
 * released in reverse order: the last one that it got goes first. A lock that is released so is
 * poisoned, a channel's end closed, an unanswered call handed on.
 *
 * The list is the task's own: only the task changes it, with interrupts masked, so that it is in
 * order wherever a fault or a kill strikes. Taking a thing and putting it on the list must be one
 * step: both under the thing's lock, or before anybody else can see it.
 */
#pragma once

#include "base/list.h"
#include "base/types.h"

struct task;

struct owned {
	struct list link;
	/** Releases it; it is off the list already. Context: its task, which runs nothing else any
	 *  more; interrupts on. */
	void (*release)(struct owned *o);
};

/** The calling task owns @p o from now on. Does nothing outside of tasks. Context: task, start-up;
 *  the lock of what @p o stands for may be held. */
void owned_add(struct owned *o, void (*release)(struct owned *o));

/** It does not any more; twice does no harm. @p o was added, or is all zero. Context: as above. */
void owned_remove(struct owned *o);

/** True while @p o is on a list. */
static inline bool owned_listed(const struct owned *o)
{
	return o->release;
}

/*
 * For things that have no place for a struct owned in them for each owner, such as a topic that
 * several tasks have open: a record of its own, from the kernel's heap.
 */

/** The calling task owns @p object, which @p put gives back, once more; outside of tasks nobody
 *  does. Errors: ERR_NOMEM. */
int owned_keep(void *object, void (*put)(void *object)) __attribute__((warn_unused_result));

/** It owns it once less: the latest record for @p object and @p put goes. Without one nothing
 *  happens. */
void owned_forget(void *object, void (*put)(void *object));
