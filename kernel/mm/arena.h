/*
 * arena.h: the memory that a task owns: blocks of the tasks' heap, chained from the newest to the
 * oldest, with a limit on their sum.
 *
 * An arena belongs to its task and needs no lock: only the task itself uses it, and a task runs on
 * one CPU at a time; or, once the task will not run any more, whoever ends it. It is a part of the
 * task, so nothing has to be switched when the task moves, is preempted or is interrupted.
 *
 * A fault may end the task between any two instructions outside of the functions below. Inside,
 * the chain is right after each step, so that arena_release finds all blocks but at most the one
 * that was just being taken or released.
 */
#pragma once

#include "mm/kmalloc.h"
#include <stdatomic.h>

struct arena_block;

/* Counts units of 16 bytes: headers and links count, too. */
struct arena {
	struct arena_block *newest;
	_Atomic u32 used; /* relaxed: written by the task, read by others for statistics */
	u32 limit : 31;
	u32 service : 1; /* the task is a part of the kernel, and may have of the reserve */
};

/** An arena for at most @p max_bytes, of which each block takes 32 in addition to its size in
 *  units of 16; 0 and more than 32 GiB: no limit. @p service: what the task makes the kernel's
 *  heap allocate may come out of the reserve. */
void arena_init(struct arena *a, u64 max_bytes, bool service);

/** @p bytes of memory, 16-byte aligned, not zeroed; NULL when @p a's limit or the heap's end is
 *  reached. @p task: the owner's number, for messages. Context: the task. */
void *arena_alloc(struct arena *a, usize bytes, u32 task) __attribute__((warn_unused_result));

/** Releases a block of @p a; NULL does nothing, any other pointer panics. Context: the task. */
void arena_free(struct arena *a, void *p, u32 task);

/**
 * Releases all blocks of @p a, the newest first. Returns how many. It never panics: a block that
 * was written over its ends stays where it is, with a line on the console; and when the chain
 * itself was torn, what hung on it. Context: the task, or who ends it; interrupts as they are, a
 * bounded number of steps for each block.
 */
unsigned arena_release(struct arena *a);

/** Bytes that @p a has taken. Context: any. */
u64 arena_bytes(const struct arena *a);

/** Provided by task/: the arena of the task that this CPU runs; NULL in an interrupt and while it
 *  runs none. */
struct arena *arena_current(void);
