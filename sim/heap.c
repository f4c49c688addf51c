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
#include <string.h>

#define STATES_BASE 0x1c000000000ull
#define BLOCKS_BASE 0x1d000000000ull
#define PAGES_BASE 0x1d800000000ull
#define PAGES (RAM_BYTES_MAX / SIM_PAGE_BYTES)
#define UNIT 16

/* Of a byte. Others, such as static memory and stacks, may be used as one likes. */
enum { USABLE, NEVER_WRITTEN, BEYOND, GIVEN_BACK };

/* Of UNIT bytes: when they were last handed out or taken back, and how many such units the block has
 * before them. */
struct unit {
	uint64_t event : 40, before : 24;
};

/* Of a page: whether it was given back as a whole, with its event and how many pages went before it; and
 * whether the states of its bytes say something. */
struct page {
	uint64_t event : 40, before : 21, given : 1, bytes : 1, touched : 1;
};

extern const unsigned char sim_mm_begin[], sim_mm_end[];

static uint32_t touched[PAGES]; /* pages whose struct page is not zero */
static unsigned touched_count;
static bool mapped;

static uint8_t *state_of(uintptr_t at)
{
	return (uint8_t *)STATES_BASE + (at - RAM_BASE);
}

static struct unit *unit_of(uintptr_t at)
{
	return (struct unit *)BLOCKS_BASE + (at - RAM_BASE) / UNIT;
}

static struct page *page_of(uintptr_t at)
{
	return (struct page *)PAGES_BASE + (at - RAM_BASE) / SIM_PAGE_BYTES;
}

static struct page *touch(uintptr_t at)
{
	struct page *p = page_of(at);

	if (!p->touched)
		touched[touched_count++] = (uint32_t)((at - RAM_BASE) / SIM_PAGE_BYTES);
	p->touched = 1;
	return p;
}

void heap_begin(void)
{
	if (mapped)
		return;
	watch_map(STATES_BASE, RAM_BYTES_MAX, false);
	watch_map(BLOCKS_BASE, RAM_BYTES_MAX / UNIT * sizeof(struct unit), false);
	watch_map(PAGES_BASE, PAGES * sizeof(struct page), false);
	mapped = true;
}

static void forget_bytes(uintptr_t page)
{
	memset(state_of(page), USABLE, SIM_PAGE_BYTES);
	page_of(page)->bytes = 0;
}

void heap_reset(void)
{
	for (unsigned i = 0; i < touched_count; i++) {
		uintptr_t page = RAM_BASE + (uintptr_t)touched[i] * SIM_PAGE_BYTES;

		if (page_of(page)->bytes)
			forget_bytes(page);
		*page_of(page) = (struct page){0};
	}
	touched_count = 0;
}

static bool in_ram(uintptr_t at, size_t bytes)
{
	return at >= RAM_BASE && at - RAM_BASE + bytes <= sim.cfg.ram_bytes;
}

/* @p bytes at @p at, all of them in the state @p state from now on. */
static void set(uintptr_t at, size_t bytes, int state)
{
	for (size_t i = 0, n; i < bytes; i += n) {
		n = SIM_PAGE_BYTES - (at + i) % SIM_PAGE_BYTES;
		n = n < bytes - i ? n : bytes - i;
		touch(at + i)->bytes = 1;
		memset(state_of(at + i), state, n);
	}
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

	asan_memory((const char *)p - UNIT, UNIT, false);
	asan_memory(p, bytes - slack_bytes, true);
	asan_memory((const char *)p + bytes - slack_bytes, slack_bytes, false);
	if (!(sim.cfg.watch & WATCH_MEMORY) || !in_ram(at, bytes))
		return;
	watch_show(SIM_PC);
	note(at, bytes);
	set(at, bytes - slack_bytes, NEVER_WRITTEN);
	set(at + bytes - slack_bytes, slack_bytes, BEYOND);
	set(at - UNIT, UNIT, BEYOND);
	*unit_of(at - UNIT) = (struct unit){.event = sim_event_now()};
}

static void pages_given(uintptr_t at, size_t pages)
{
	uint64_t event = sim_event_now();

	for (size_t i = 0; i < pages; i++, at += SIM_PAGE_BYTES) {
		struct page *p = touch(at);

		if (p->bytes)
			forget_bytes(at);
		p->event = event & ((1ull << 40) - 1);
		p->before = i & ((1u << 21) - 1);
		p->given = 1;
	}
}

void sim_memory_given(const void *p, size_t bytes)
{
	uintptr_t at = (uintptr_t)p;

	asan_memory(p, bytes, false);
	if (!(sim.cfg.watch & WATCH_MEMORY) || !in_ram(at, bytes))
		return;
	watch_show(SIM_PC);
	if (at % SIM_PAGE_BYTES == 0 && bytes % SIM_PAGE_BYTES == 0) {
		pages_given(at, bytes / SIM_PAGE_BYTES);
		return;
	}
	note(at, bytes);
	set(at, bytes, GIVEN_BACK);
}

void sim_memory_usable(const void *p, size_t bytes)
{
	uintptr_t at = (uintptr_t)p;

	asan_memory(p, bytes, true);
	if (!(sim.cfg.watch & WATCH_MEMORY) || !in_ram(at, bytes))
		return;
	for (size_t i = 0, n; i < bytes; i += n) {
		n = SIM_PAGE_BYTES - (at + i) % SIM_PAGE_BYTES;
		n = n < bytes - i ? n : bytes - i;
		page_of(at + i)->given = 0;
		if (page_of(at + i)->bytes)
			memset(state_of(at + i), USABLE, n);
	}
}

static void found(const char *what, uintptr_t at, uintptr_t wrong, unsigned bytes, unsigned kind,
		  uintptr_t pc)
{
	const struct page *p = page_of(wrong);
	const struct unit *u = unit_of(wrong);
	uint64_t event = p->given ? p->event : u->event;
	uint64_t before = p->given ? p->before * SIM_PAGE_BYTES + wrong % SIM_PAGE_BYTES
				   : u->before * UNIT + wrong % UNIT;

	if (!report_begin(pc, event))
		return;
	report_line("%s: %u bytes at %#llx, which is byte %llu of a block", what, bytes,
		    (unsigned long long)at, (unsigned long long)before);
	report_here(kind & ACCESS_WRITE ? "write" : "read", pc);
	report_later(p->given || *state_of(wrong) == GIVEN_BACK ? "release" : "allocation", event);
	report_end();
}

/* A word of an access: what is wrong with it. */
static void look(uintptr_t at, unsigned bytes, unsigned kind, uintptr_t pc)
{
	uint8_t *state = state_of(at);
	unsigned written = 0;

	if (page_of(at)->given) {
		found("memory that was given back is used", at, at, bytes, kind, pc);
		return;
	}
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
	if (!in_ram(at, bytes) || (!page_of(at)->touched && !page_of(at + bytes - 1)->touched))
		return;
	if (pc >= (uintptr_t)sim_mm_begin && pc < (uintptr_t)sim_mm_end)
		return;
	for (size_t i = 0; i < bytes; i += 8)
		look(at + i, (unsigned)(bytes - i < 8 ? bytes - i : 8), kind, pc);
}
