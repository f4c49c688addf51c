/*
 * lab.h: what stands in a function that is yours to write. `lab start` puts this header and lab.c
 * into a starter; neither is in the kernel. Context: any; no locks.
 */
#pragma once

#ifdef __ASSEMBLER__
#define LAB_TODO_ASM(lab, function) b lab_todo_assembly
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
