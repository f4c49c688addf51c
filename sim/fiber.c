/*
 * fiber.c: what lies in a stack that fiber_switch saved; the layouts are those of
 * fiber_x86_64.S and fiber_aarch64.S.
 */
#include "sim/fiber.h"
#include "sim/port.h"

extern const char sim_fiber_boot[];

#if defined(__x86_64__)
struct frame {
	uintptr_t r15, r14, arg, fn, rbx, fp, pc;
	uintptr_t pad[2]; /* sim_fiber_boot must begin 16-byte aligned, for its call */
};
const size_t fiber_saved_bytes = offsetof(struct frame, pad);
#elif defined(__aarch64__)
struct frame {
	uintptr_t fp, pc, fn, arg, x21_to_x28[8], d8_to_d15[8];
};
const size_t fiber_saved_bytes = sizeof(struct frame);
#else
#error "the simulator runs on x86_64 and AArch64 hosts"
#endif
_Static_assert((sizeof(struct frame) & 7) == 0, "stacks are words");

void *fiber_registers(void *saved)
{
#if defined(__x86_64__)
	return &((struct frame *)saved)->r15;
#else
	return &((struct frame *)saved)->x21_to_x28[0];
#endif
}

void *fiber_prepare(void *top, void (*fn)(uintptr_t), uintptr_t arg)
{
	struct frame *f = (struct frame *)top - 1;

	*f = (struct frame){.fn = (uintptr_t)fn, .arg = arg, .pc = (uintptr_t)sim_fiber_boot};
	return f;
}

uintptr_t sim_saved_fp(const void *saved)
{
	return ((const struct frame *)saved)->fp;
}

uintptr_t sim_saved_pc(const void *saved)
{
	return ((const struct frame *)saved)->pc;
}
