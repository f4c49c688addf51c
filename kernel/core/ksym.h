/*
 * ksym.h: names for addresses. The build links twice: tools/ksyms turns the first image's
 * symbols into the sorted table that the second one carries.
 */
#pragma once

#include "base/types.h"

/** The function that holds @p pc and the offset into it; NULL when no function does. */
const char *ksym_find(uptr pc, uptr *offset);

/** Prints "  #0 name+0x12" lines for a back trace from @p fp. Any context. */
void backtrace_print(uptr pc, uptr fp);
