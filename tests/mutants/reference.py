"""Defects of another kernel that had no mutant yet; docs/reference-defects.md has the whole list."""

from mutants import PREEMPTION, SERVICE, Mutant, Runs

HANDOVER = "kernel/task/handover.h"
PREEMPT = "kernel/task/preempt.c"

MUTANTS = [
    Mutant("no-end-of-interrupt-when-idle", "an interrupt that finds its CPU idle is not ended at the controller",
           (("kernel/arch/x86_64/irq.c", "	if (vector >= VECTOR_DEVICE && vector != VECTOR_SPURIOUS)\n",
             "	if (vector >= VECTOR_DEVICE && vector != VECTOR_SPURIOUS && c->current)\n"),),
           "stall test no-end", Runs(board="pc", cc="clang", seeds=5)),
    Mutant("placed-before-there-is-a-stack", "the next task is what the CPU runs although there is no stack for it",
           ((PREEMPT, "	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)next->id);\n",
             "	l->cpu->current = (struct task *)next;\n"
             "	TRACE_OP(op_seq(traced()), WORKER_NONE, worker_exhausted, .tid = (i32)next->id);\n"),),
           "J R3 R8 panic test no-progress", Runs(PREEMPTION, seeds=3)),
    Mutant("waiting-time-counts", "a task's time runs on while it waits in its queue",
           ((HANDOVER, "	next->since_ns = now_ns;\n", "	if (!next->worker)\n		next->since_ns = now_ns;\n"),),
           "test P11", Runs(SERVICE, cpus=1, seeds=3, strategy="time", events=2_000_000_000)),
]
