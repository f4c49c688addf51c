/*
 * ksym.h: back traces with names. See base/ksym.h.
 */
#pragma once

#include "base/ksym.h"

/** Prints "  #0 address name+0x12" lines: @p pc unless it is 0, and the back trace from @p fp.
 *  Any context. */
void backtrace_print(uptr pc, uptr fp);
