/*
 * asan.c: for SANITIZE=address. The kernel is compiled with AddressSanitizer and trace-pc: gcc and clang do not have it beside
 * ThreadSanitizer, so events are basic blocks, and memory accesses are none.
 */
#include "sim/asan.h"
#if SIM_ASAN
#include "sim/port.h"
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#define STACK_BYTES (32u << 10) /* a worker's; the boot's and the host's are larger, and of these it is the part around sp */

/* Frames are abandoned here, without a return, whenever a task ends in a panic; the simulator takes faults itself. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0:"
	       "detect_stack_use_after_return=0:exitcode=106";
}

void asan_stack(const void *sp)
{
	uintptr_t bottom = (uintptr_t)sp & -(uintptr_t)STACK_BYTES;

	__sanitizer_start_switch_fiber(NULL, (const void *)bottom, STACK_BYTES);
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}

void asan_memory(const void *p, size_t bytes, bool usable)
{
	if (usable)
		__asan_unpoison_memory_region(p, bytes);
	else
		__asan_poison_memory_region(p, bytes);
}

/* The library's memcpy would look at each byte. */
__attribute__((no_sanitize_address)) void asan_copy(void *to, const void *from, size_t bytes)
{
	volatile unsigned char *t = to;
	const volatile unsigned char *f = from;

	for (size_t i = 0; i < bytes; i++)
		t[i] = f[i];
}
#endif
