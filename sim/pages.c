/*
 * pages.c: what of the kernel's state was written since a moment. kbss, the boot stack and RAM are write-protected
 * then; the first write to a page copies it and opens it for good, so that going back to that moment again and
 * again costs a copy of these pages and no call of the host's. kdata, and the pages that kbss shares with others at its ends, are
 * copied always.
 */
#define _GNU_SOURCE
#include "sim/sim.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

extern unsigned char __start_kdata[], __stop_kdata[], __start_kbss[], __stop_kbss[];

static unsigned char *pages[PAGES_MAX], *originals, *rest;
static unsigned n_pages;
static bool watching;

unsigned char *pages_room(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "sim: no host memory for %zu bytes of saved machines\n", bytes);
		exit(EXIT_BROKEN);
	}
	return p;
}

unsigned pages_count(void)
{
	return n_pages;
}

unsigned char *pages_at(unsigned i)
{
	return pages[i];
}

const unsigned char *pages_original(unsigned i)
{
	return originals + (size_t)i * SIM_PAGE_BYTES;
}

static size_t kdata_bytes(void)
{
	return (size_t)(__stop_kdata - __start_kdata);
}

static unsigned char *kbss_begin(void)
{
	return (unsigned char *)(((uintptr_t)__start_kbss + SIM_PAGE_BYTES - 1) & -(uintptr_t)SIM_PAGE_BYTES);
}

static unsigned char *kbss_end(void)
{
	return (unsigned char *)((uintptr_t)__stop_kbss & -(uintptr_t)SIM_PAGE_BYTES);
}

size_t pages_rest_bytes(void)
{
	return kdata_bytes() + 2 * SIM_PAGE_BYTES;
}

void pages_rest(unsigned char *copy, bool save)
{
	unsigned char *at[] = {__start_kdata, __start_kbss, kbss_end()};
	size_t bytes[] = {kdata_bytes(), (size_t)(kbss_begin() - __start_kbss), (size_t)(__stop_kbss - kbss_end())};

	if (kbss_end() <= kbss_begin()) {
		bytes[1] = (size_t)(__stop_kbss - __start_kbss);
		bytes[2] = 0;
	}
	for (unsigned i = 0; i < 3; copy += bytes[i++])
		memcpy(save ? copy : at[i], save ? at[i] : copy, bytes[i]);
}

static void protect(void *begin, size_t bytes, int how)
{
	if (mprotect(begin, bytes, how) == 0)
		return;
	fprintf(stderr, "sim: the host does not protect memory, so the machine cannot be saved\n");
	exit(EXIT_BROKEN);
}

static void protect_all(int how)
{
	if (kbss_end() > kbss_begin())
		protect(kbss_begin(), (size_t)(kbss_end() - kbss_begin()), how);
	protect((char *)memory_boot_stack() - BOOT_STACK_BYTES, BOOT_STACK_BYTES, how);
	for (uintptr_t page = RAM_BASE; page < RAM_BASE + sim.cfg.ram_bytes;) {
		uintptr_t end = page;

		while (end < RAM_BASE + sim.cfg.ram_bytes && memory_is_open(end))
			end += SIM_PAGE_BYTES;
		if (end > page)
			protect((void *)page, end - page, how);
		page = end + SIM_PAGE_BYTES;
	}
}

void pages_watch(void)
{
	if (!originals) {
		originals = pages_room((size_t)PAGES_MAX * SIM_PAGE_BYTES);
		rest = pages_room(pages_rest_bytes());
	}
	n_pages = 0;
	watching = true;
	pages_rest(rest, true);
	protect_all(PROT_READ);
}

void pages_end(void)
{
	if (watching)
		protect_all(PROT_READ | PROT_WRITE);
	watching = false;
}

bool pages_fault(uintptr_t at)
{
	unsigned char *page = (unsigned char *)(at & -(uintptr_t)SIM_PAGE_BYTES);
	bool mine = (page >= kbss_begin() && page < kbss_end()) || sim_memory_ok((uintptr_t)page, SIM_PAGE_BYTES);

	if (!watching || !mine)
		return false;
	for (unsigned i = 0; i < n_pages; i++)
		if (pages[i] == page)
			return false; /* it was writable: a fault of the kernel's */
	if (n_pages == PAGES_MAX) {
		fprintf(stderr, "sim: more than %u pages of memory are written behind the place where the machine was saved\n", PAGES_MAX);
		exit(EXIT_BROKEN);
	}
	protect(page, SIM_PAGE_BYTES, PROT_READ | PROT_WRITE);
	memcpy(originals + (size_t)n_pages * SIM_PAGE_BYTES, page, SIM_PAGE_BYTES);
	pages[n_pages++] = page;
	return true;
}

void pages_back(void)
{
	for (unsigned i = 0; i < n_pages; i++)
		memcpy(pages[i], pages_original(i), SIM_PAGE_BYTES);
	pages_rest(rest, false);
}
