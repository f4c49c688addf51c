/*
 * lab.h: what stands in a function that is yours to write. `lab start` puts this header and lab.c
 * into a starter; neither is in the kernel. Context: any; no locks.
 */
#pragma once

#ifdef __ASSEMBLER__
/* In place of a routine: calls lab_todo on the stack that is there. */
#ifdef __x86_64__
#define LAB_TODO_ASM(lab, function)                                                                \
	lea 101f(% rip), % rdi;                                                                    \
	lea 102f(% rip), % rsi;                                                                    \
	and $ - 16, % rsp;                                                                         \
	call lab_todo;                                                                             \
	101 :.asciz lab;                                                                           \
	102 :.asciz function;                                                                      \
	.balign 4
#else
#define LAB_TODO_ASM(lab, function)                                                                \
	adr x0, 101f;                                                                              \
	adr x1, 102f;                                                                              \
	b lab_todo;                                                                                \
	101 :.asciz lab;                                                                           \
	102 :.asciz function;                                                                      \
	.balign 4
#endif
#else
/* Helpers of a function that is not written yet have no caller. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#endif

/** Exit status of a run that came to a function that is not written yet. */
#define LAB_TODO_STATUS 99

/** Says whose the function is and ends the run. */
_Noreturn void lab_todo(const char *lab, const char *function);

#define LAB_TODO(lab, function) lab_todo(lab, function)
#endif
