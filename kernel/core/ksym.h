/*
 * ksym.h: back traces with names. See base/ksym.h.
 */
#pragma once

#include "base/ksym.h"

/** Prints such lines for addresses that were taken earlier; @p first_is_exact: the first one is an
 *  instruction's own and no return address. Any context. */
void frames_print(const uptr *pcs, unsigned n, bool first_is_exact);

/** Prints "  #0 address name+0x12" lines: @p pc unless it is 0, and the back trace from @p fp.
 *  Any context. */
void backtrace_print(uptr pc, uptr fp);
