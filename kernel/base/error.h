/*
 * error.h: the kernel's error codes. Every function that can fail returns `int`: 0 or one of
 * these, and is MUST_CHECK. Context: any.
 */
#pragma once

enum err {
	ERR_INVAL = -1,	   /* an argument is out of its documented range */
	ERR_NOMEM = -2,	   /* no memory, stack or slot left */
	ERR_NODEV = -3,	   /* no such device, CPU or table */
	ERR_BUSY = -4,	   /* in use, or already registered */
	ERR_CLOSED = -5,   /* the other end is gone */
	ERR_AGAIN = -6,	   /* would have to wait */
	ERR_TIMEOUT = -7,  /* the time limit came first */
	ERR_CANCELED = -8, /* withdrawn before it was done */
	ERR_CORRUPT = -9,  /* a table or packet failed its check */
	ERR_NOTSUP = -10,  /* this machine cannot do it */
	ERR_PROTOCOL = -11, /* a step that the protocol does not allow */
	ERR_FAULTED = -12,  /* the task that should have done it faulted */
	ERR_POISONED = -13, /* who held the lock faulted: what it protects may be half done */
};

/** A short text for @p err (0 gives "ok"); never NULL. */
const char *err_name(int err);
