/*
 * ksym.h: back traces with names. See base/ksym.h.
 */
#pragma once

#include "base/ksym.h"

/** Prints "  #0 address name+0x12" lines for the back trace from @p fp. Any context. */
void backtrace_print(uptr fp);

/** The same for @p n addresses to which calls return, as arch_backtrace gives them; @p exact: but
 *  the first is an instruction's. */
void frames_print(const uptr *pcs, unsigned n, bool exact);
