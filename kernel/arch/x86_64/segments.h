/*
 * segments.h: the selectors that entry.S and the final tables agree on, for C and assembly.
 * Source: Intel SDM vol. 3, 3.4.2 (selectors), 8.7 (64-bit TSS).
 */
#pragma once

#define SEL_CODE64 0x08
#define SEL_DATA   0x10
#define SEL_CODE32 0x18 /* on the way to long mode only */
#define SEL_TSS    0x20 /* takes two entries */

#define GDT_ENTRIES 6

/* Descriptors; base and limit do not matter in long mode, and are flat before it. */
#define DESC_CODE64 0x00af9b000000ffff
#define DESC_DATA   0x00cf93000000ffff
#define DESC_CODE32 0x00cf9b000000ffff
