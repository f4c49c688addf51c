/*
 * fault.h: what vectors.S calls. Context: interrupts masked, on the stack of what was
 * interrupted, or on one of the CPU's own for page fault, double fault and NMI (cpu.c).
 */
#pragma once

#include "base/types.h"

/* As vectors.S pushes it; from vector on: Intel SDM vol. 3, 6.14.2. */
struct x86_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

void x86_exception(const struct x86_frame *f);
void x86_interrupt(u64 vector, uptr pc);
void x86_timer(uptr pc); /* of the vector VECTOR_TIMER */
