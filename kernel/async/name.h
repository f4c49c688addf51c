/*
 * name.h: things that tasks find by name: topics and services. A thing lives as long as somebody
 * has it open. Context: task. One spin lock for all names, taken before any other.
 */
#pragma once

#include "base/error.h"
#include "base/list.h"

#define NAME_BYTES 32

/* First member of the thing. */
struct named {
	struct list link; /* under the lock of all names, like refs */
	const void *sort; /* which sort of thing it is: each has its own names */
	u32 refs;
	char name[NAME_BYTES];
};

/** The thing of this @p sort and @p name (up to 31 characters), with one more reference; when
 *  there is none, @p fresh takes its place and belongs to the names from now on. */
struct named *name_open(const void *sort, const char *name, struct named *fresh);

/** Gives a reference back. True: it was the last, nobody finds @p n any more, and the caller,
 *  alone with it, takes it apart. */
bool name_close(struct named *n) MUST_CHECK;
