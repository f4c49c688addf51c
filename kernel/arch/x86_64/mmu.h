/*
 * mmu.h: what the architecture's other files ask of the page tables. Any context, no locks.
 */
#pragma once

#include "base/types.h"

/** True when a read at @p va does not fault, in the tables that this CPU uses now. */
bool x86_mapped(uptr va);
