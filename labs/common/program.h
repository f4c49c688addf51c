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
