/*
 * ksym.h: names for addresses. The build links twice: tools/ksyms turns the first image's
 * symbols into the sorted table that the second one carries. Implemented in core/ksym.c; declared
 * here so that every layer may use it. Context: any.
 */
#pragma once

#include "base/types.h"

/** The last function that begins at or before @p pc, and the offset from its begin; NULL when
 *  there is none. */
const char *ksym_find(uptr pc, uptr *offset);
