/*
 * name.h: things that tasks find by name: topics and services. A thing lives as long as somebody
 * has it open. A task that dies of a fault or is killed closes what it opened; one that returns may
 * have handed it on. Context: task or start-up. One spin lock for all names, taken before any other.
 */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/types.h"

#define NAME_BYTES 32

/* First member of the thing. */
struct named {
	struct list link; /* under the lock of all names, like the next three */
	const void *sort; /* which sort of thing it is: each has its own names */
	u32 refs;
	struct list opened; /* by whom, as far as that matters when they die */
	/** Takes the thing apart: nobody finds it any more. Constant. Context: as name_close. */
	void (*gone)(struct named *n);
	char name[NAME_BYTES];
};

/** The thing of this @p sort and @p name (up to 31 characters), with one more reference; when
 *  there is none, @p fresh, whose gone is set, takes its place and belongs to the names from now on.
 *  NULL: no memory to remember who opened it. */
struct named *name_open(const void *sort, const char *name, struct named *fresh) MUST_CHECK;

/** What the calling task opened stays open when it dies: somebody else will close it. */
void name_hand_on(struct named *n);

/** Gives a reference back; with the last one the thing is gone. */
void name_close(struct named *n);
