/*
 * layout.c: where in the kernel's structures a debugger on the host finds tasks and their stacks
 * (tools/sim/tasks.py). Compiled as the kernel is, so that the structures are the kernel's.
 */
#include "task/executor.h"
#include "task/frame.h"

/* In the order that tasks.py reads it. */
extern const u32 sim_debug_layout[];
const u32 sim_debug_layout[] = {
	offsetof(struct task, id),
	offsetof(struct task, name),
	offsetof(struct task, fn),
	offsetof(struct task, params.class),
	offsetof(struct task, params.level),
	offsetof(struct task, state),
	offsetof(struct task, cpu),
	offsetof(struct task, worker),
	offsetof(struct task, all),
	offsetof(struct task, frame),
	offsetof(struct worker, sp),
	offsetof(struct worker, id),
	WORKER_STRIDE_BYTES,
	sizeof(struct cpu),
	offsetof(struct cpu, current),
	offsetof(struct cpu, worker),
	offsetof(struct cpu, frozen),
	offsetof(struct cpu, left),
	offsetof(struct async, does),
	offsetof(struct async, resume),
	offsetof(struct async, awaiting),
	offsetof(struct awaitable, poll),
	ASYNC_AWAITS,
	ASYNC_CALLS,
};
