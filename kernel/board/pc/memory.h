/*
 * memory.h: which RAM there is and which of it is free; what board_memory() returns.
 */
#pragma once

#include "base/types.h"

/** Works out the ranges from loader and firmware. Context: start-up, after both. */
void memory_init(void);

/** A page of RAM below 640 KiB that nobody uses, for the code that secondary CPUs begin with; 0
 *  when there is none. */
uptr memory_low_page(void);
