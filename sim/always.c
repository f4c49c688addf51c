/*
 * always.c: the kernel's hooks for accesses and atomics, called at each of them and not only when the budget is spent. What
 * hooks.awk wrote is a decrement, a branch and a call; here the branch goes, or comes back. Those of basic blocks, of which
 * no checker wants to know, stay as they are.
 */
#define _GNU_SOURCE
#include "sim/watch.h"
#include <string.h>
#include <sys/mman.h>

static bool always;

#if defined(__x86_64__)

void __tsan_slow_trace_pc(void);

/* movq %r11, sim_budget, with the address in bytes 4 to 7: the end of the decrement */
static const unsigned char decrement[8] = {0x4c, 0x89, 0x1c, 0x25};

/* What follows: a jump over a call and a load of 13 bytes, of an access; or one to the call, of an atomic, whose distance
 * stays. */
static const unsigned char over[2] = {0x79, 0x0d}, nop[2] = {0x66, 0x90};
#define CALL 0xe8
#define JS   0x78
#define JMP  0xeb

static void change(unsigned char *p)
{
	uintptr_t to;
	int32_t distance;

	if (p[0] == JS || p[0] == JMP) {
		p[0] = always ? JMP : JS;
		return;
	}
	memcpy(&distance, p + 3, sizeof distance);
	to = (uintptr_t)p + 7 + (uintptr_t)(intptr_t)distance;
	if ((memcmp(p, over, 2) == 0 || memcmp(p, nop, 2) == 0) && p[2] == CALL && to != (uintptr_t)__tsan_slow_trace_pc)
		memcpy(p, always ? nop : over, 2);
}

bool hooks_always(bool wanted)
{
	uintptr_t begin = (uintptr_t)__start_ktext / SIM_PAGE_BYTES * SIM_PAGE_BYTES, end = (uintptr_t)__stop_ktext;
	unsigned char find[sizeof decrement], *p = (unsigned char *)(uintptr_t)__start_ktext;
	uint32_t address = (uint32_t)(uintptr_t)&sim_budget;

	if (wanted == always || mprotect((void *)begin, end - begin, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return always;
	always = wanted;
	memcpy(find, decrement, sizeof find);
	memcpy(find + 4, &address, sizeof address);
	while ((p = memmem(p, end - (uintptr_t)p, find, sizeof find))) {
		p += sizeof find;
		change(p); /* behind a decrement there is a branch */
	}
	mprotect((void *)begin, end - begin, PROT_READ | PROT_EXEC);
	return always;
}

#else

bool hooks_always(bool wanted)
{
	(void)wanted;
	return always;
}

#endif
