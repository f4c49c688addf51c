/*
 * heap.c: use of memory that was given back, that nobody wrote yet, or that lies beyond a block's
 * ends. The kernel's allocators say what they hand out and take back (port.h); each byte of RAM has
 * a state, which the hooks look at before each access.
 *
 * The code in kernel/mm/ (kernel.ld gathers it) owns what is free and what lies between blocks:
 * its accesses are not looked at. Copying is no use: memcpy may read what nobody wrote, padding for
 * one, and what it writes counts as written. A read is one of memory that nobody wrote only if that is
 * so for all of its bytes.
 */
#include "sim/watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STATES_BASE 0x1c000000000ull
#define BLOCKS_BASE 0x1d000000000ull
#define UNIT 16

/* Of a byte. Others, such as static memory and stacks, may be used as one likes. */
enum { USABLE, NEVER_WRITTEN, BEYOND, GIVEN_BACK };

/* Of UNIT bytes: when they were last handed out or taken back, and how many such units the block has
 * before them. */
struct unit {
	uint64_t event : 40, before : 24;
};

extern const unsigned char sim_mm_begin[], sim_mm_end[];

static uint8_t *state_of(uintptr_t at)
{
	return (uint8_t *)STATES_BASE + (at - RAM_BASE);
}

static struct unit *unit_of(uintptr_t at)
{
	return (struct unit *)BLOCKS_BASE + (at - RAM_BASE) / UNIT;
}

static void map(uint64_t base, uint64_t bytes)
{
	void *got = mmap((void *)base, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (got != (void *)base) {
		fprintf(stderr, "sim: the host has no room for what --watch must remember\n");
		exit(EXIT_BROKEN);
	}
}

void heap_begin(void)
{
	map(STATES_BASE, RAM_BYTES_MAX);
	map(BLOCKS_BASE, RAM_BYTES_MAX / UNIT * sizeof(struct unit));
}

static bool in_ram(uintptr_t at, size_t bytes)
{
	return at >= RAM_BASE && at - RAM_BASE + bytes <= sim.cfg.ram_bytes;
}

static void note(uintptr_t at, size_t bytes)
{
	uint64_t event = sim_event_now();

	for (size_t i = 0; i < (bytes + UNIT - 1) / UNIT; i++)
		unit_of(at)[i] = (struct unit){event & ((1ull << 40) - 1), i & ((1u << 24) - 1)};
}

/* The header is the unit before the block. */
void sim_memory_taken(const void *p, size_t bytes, size_t slack_bytes)
{
	uintptr_t at = (uintptr_t)p;

	if (!(sim.cfg.watch & WATCH_MEMORY) || !in_ram(at, bytes))
		return;
	watch_show(SIM_PC);
	note(at, bytes);
	memset(state_of(at), NEVER_WRITTEN, bytes - slack_bytes);
	memset(state_of(at + bytes - slack_bytes), BEYOND, slack_bytes);
	memset(state_of(at - UNIT), BEYOND, UNIT);
	*unit_of(at - UNIT) = (struct unit){.event = sim_event_now()};
}

void sim_memory_given(const void *p, size_t bytes)
{
	uintptr_t at = (uintptr_t)p;

	if (!(sim.cfg.watch & WATCH_MEMORY) || !in_ram(at, bytes))
		return;
	watch_show(SIM_PC);
	note(at, bytes);
	memset(state_of(at), GIVEN_BACK, bytes);
}

void sim_memory_usable(const void *p, size_t bytes)
{
	if (sim.cfg.watch & WATCH_MEMORY && in_ram((uintptr_t)p, bytes))
		memset(state_of((uintptr_t)p), USABLE, bytes);
}

static void found(const char *what, uintptr_t at, uintptr_t wrong, unsigned bytes, unsigned kind,
		  uintptr_t pc)
{
	const struct unit *u = unit_of(wrong);
	bool given = *state_of(wrong) == GIVEN_BACK;

	if (!report_begin(pc, u->event))
		return;
	report_line("%s: %u bytes at %#llx, which is byte %llu of a block", what, bytes,
		    (unsigned long long)at,
		    (unsigned long long)(u->before * UNIT + wrong % UNIT));
	report_here(kind & ACCESS_WRITE ? "write" : "read", pc);
	report_later(given ? "release" : "allocation", u->event);
	report_end();
}

/* @p bytes, of one page: what is wrong with an access. */
static void look(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	uint8_t *state = state_of(at);
	unsigned written = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (state[i] == GIVEN_BACK) {
			found("memory that was given back is used", at, at + i, bytes, kind, pc);
			return;
		}
		if (state[i] == BEYOND) {
			found("access beyond a block's end", at, at + i, bytes, kind, pc);
			return;
		}
		written += state[i] == USABLE;
	}
	if (kind & ACCESS_WRITE)
		memset(state, USABLE, bytes);
	else if (!written && !(kind & ACCESS_COPY) && !report_copies(pc))
		found("memory that nobody wrote is read", at, at, bytes, kind, pc);
}

void heap_access(uintptr_t at, size_t bytes, unsigned kind, uintptr_t pc)
{
	uint64_t states = 0;

	if (!in_ram(at, bytes))
		return;
	if (bytes <= sizeof states)
		memcpy(&states, state_of(at), bytes);
	if (bytes <= sizeof states && !states)
		return;
	if (pc >= (uintptr_t)sim_mm_begin && pc < (uintptr_t)sim_mm_end)
		return;
	for (size_t i = 0; i < bytes; i += 8)
		look(at + i, (unsigned)(bytes - i < 8 ? bytes - i : 8), kind, pc);
}
