/*
 * misuse.h: what a heap says of memory that was used wrongly. Context: any, interrupts as the
 * culprit had them; no lock of a heap is held except where it says so.
 */
#pragma once

#include "mm/block.h"
#include "mm/kmalloc.h"

/** Panics because @p b is no block that @p call may release into heap @p kind: says which one it
 *  is, whose, and what is wrong with it. */
_Noreturn void misuse_release(const struct block *b, enum heap_kind kind, const char *call);

/** Panics because the free block @p b does not look like one. With its heap's lock. */
_Noreturn void misuse_free_overwritten(const struct block *b);
