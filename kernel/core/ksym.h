/*
 * ksym.h: names for addresses. The build links twice: tools/ksyms turns the first image's
 * symbols into the sorted table that the second one carries.
 */
#pragma once

#include "base/types.h"

/** The last function that begins at or before @p pc, and the offset from its begin; NULL when
 *  there is none. */
const char *ksym_find(uptr pc, uptr *offset);

/** Prints "  #0 address name+0x12" lines: @p pc unless it is 0, and the back trace from @p fp.
 *  Any context. */
void backtrace_print(uptr pc, uptr fp);
