/*
 * asm.h: what the assembly files share. Each routine has a section of its own, so that the
 * linker can drop it, and stands between ENTRY and END.
 */
#pragma once

#define ENTRY(name)                                                                                \
	.section .text.name, "ax", @progbits;                                                      \
	.balign 16;                                                                                \
	.globl name;                                                                               \
	.type name, @function;                                                                     \
name:

#define END(name) .size name, . - name
