/*
 * state.c: the variables of the program under test, and how they come to be what they were at
 * first: what it is about to write is noted in blocks, and those are copied back. Each execution
 * writes a few of them, while the kernel has a structure of some kilobytes for each of 64 CPUs.
 */
#include "sim/explore/explore.h"
#include <string.h>

/* The program's state, as the linker gathered it (sim/kernel.ld); weak: it may have none. */
extern char __start_kdata[] __attribute__((weak)), __stop_kdata[] __attribute__((weak));
extern char __start_kbss[] __attribute__((weak)), __stop_kbss[] __attribute__((weak));

#define PART_BYTES  (2u << 20)
#define BLOCK_BYTES 256u
static struct part {
	char *begin;
	size_t bytes;
	unsigned n; /* blocks that were changed */
	uint16_t list[PART_BYTES / BLOCK_BYTES];
	bool changed[PART_BYTES / BLOCK_BYTES];
	char saved[PART_BYTES];
} data, bss;

void explore_writes(uintptr_t at, size_t bytes)
{
	struct part *p = at - (uintptr_t)data.begin < data.bytes ? &data : &bss;

	if (at - (uintptr_t)p->begin >= p->bytes)
		return;
	at -= (uintptr_t)p->begin;
	for (size_t i = at / BLOCK_BYTES; i <= (at + bytes - 1) / BLOCK_BYTES; i++) {
		if (p->changed[i])
			continue;
		p->changed[i] = true;
		p->list[p->n++] = (uint16_t)i;
	}
}

static void put_back(struct part *p)
{
	while (p->n) {
		size_t i = p->list[--p->n], at = i * BLOCK_BYTES, left = p->bytes - at;

		memcpy(p->begin + at, p->saved + at, left < BLOCK_BYTES ? left : BLOCK_BYTES);
		p->changed[i] = false;
	}
}

/* Nobody wrote what was not noted. */
static void check_put_back(const struct part *p)
{
	if (p->bytes && memcmp(p->begin, p->saved, p->bytes))
		explore_fail("the explorer is wrong: the program wrote and no hook saw it");
}

/* The part of the program's variables from @p begin to @p end, as they are at first. */
static bool save(struct part *p, char *begin, const char *end)
{
	if (p->begin)
		return true;
	p->bytes = (size_t)(end - begin);
	if (p->bytes > PART_BYTES) {
		explore_fail("the program has %zu bytes of variables, more than %u", p->bytes,
			     PART_BYTES);
		return false;
	}
	p->begin = begin;
	if (p->bytes)
		memcpy(p->saved, begin, p->bytes);
	return true;
}

bool state_save(void)
{
	return save(&data, __start_kdata, __stop_kdata) && save(&bss, __start_kbss, __stop_kbss);
}

void state_put_back(void)
{
	put_back(&data);
	put_back(&bss);
}

void state_check(void)
{
	check_put_back(&data);
	check_put_back(&bss);
}
