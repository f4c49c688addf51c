/*
 * lab08.h: what the programs on the kernel share: tasks that compute, and what should hold in plain
 * words. The set of tasks follows from the simulator's seed, elsewhere from `set=N`.
 */
#pragma once

#include "../../common/program.h"
#include "async/join.h"
#include "async/sleep.h"
#include "services/burn.h"

static inline u64 set_number(void)
{
	return test_number(board_cmdline(), "set", trace_descriptor.seed) * 1000 + 1;
}
