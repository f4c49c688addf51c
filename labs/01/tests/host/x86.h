/*
 * x86.h: in place of the kernel's: ports that lead to the model of a device in a test.
 */
#pragma once

#include "base/types.h"

u8 inb(u16 port);
void outb(u16 port, u8 value);
