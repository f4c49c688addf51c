/*
 * program.h: what the labs' programs on the kernel share. Those on the host have host.h.
 */
#pragma once

#include "../../tests/unit/test.h"

/** Unless @p cond holds, the test fails and says the rest. */
#define EXPECT(cond, ...)                                                                          \
	do {                                                                                       \
		if (!(cond))                                                                       \
			test_fail(__FILE__, __LINE__, __VA_ARGS__);                                \
	} while (0)

static volatile int explored_part;

/** The part whose schedules are all gone through begins where this is called first ... */
static void __attribute__((noinline, unused)) explored_from_here(void)
{
	explored_part = 1;
}

/** ... and ends where this is. */
static void __attribute__((noinline, unused)) explored_to_here(void)
{
	explored_part = 2;
}
