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
static uint64_t filled[PAGES_MAX]; /* of the originals */
static unsigned n_pages;
static bool watching;

#define LINE_BYTES 64
#define GROUP 4 /* lines that are looked at together */
#define GROUP_MASK ((1u << GROUP) - 1)
_Static_assert(SIM_PAGE_BYTES == 64 * LINE_BYTES, "a bit for each line");

/* Half a line: one register of a processor that has AVX2, two of another. */
typedef uint64_t half __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))

INLINE bool any(const half *h)
{
	return ((*h)[0] | (*h)[1] | (*h)[2] | (*h)[3]) != 0;
}

INLINE bool group_filled(const half *h)
{
	half all = ((h[0] | h[1]) | (h[2] | h[3])) | ((h[4] | h[5]) | (h[6] | h[7]));

	return any(&all);
}

INLINE bool line_filled(const half *h)
{
	half all = h[0] | h[1];

	return any(&all);
}

/* Makes a line what it was, and seldom writes for that. */
INLINE void line_back(half *to, const half *from)
{
	half diff = (to[0] ^ from[0]) | (to[1] ^ from[1]);

	if (!any(&diff))
		return;
	to[0] = from[0];
	to[1] = from[1];
}

#define LINE(page, i) (&((half *)(page))[2 * (i)])

INLINE uint64_t keep(unsigned char *copy, const unsigned char *page)
{
	uint64_t lines = 0;

	for (unsigned i = 0; i < 64; i += GROUP) {
		if (!group_filled(LINE(page, i)))
			continue;
		for (unsigned k = i; k < i + GROUP; k++) {
			lines |= (uint64_t)line_filled(LINE(page, k)) << k;
			LINE(copy, k)[0] = LINE(page, k)[0];
			LINE(copy, k)[1] = LINE(page, k)[1];
		}
	}
	return lines;
}

/* Most lines hold zeros, and still do: so of the copy, little is read. */
INLINE void back(unsigned char *page, const unsigned char *copy, uint64_t lines)
{
	static const half zeros[2];

	for (unsigned i = 0; i < 64; i += GROUP) {
		if (!(lines >> i & GROUP_MASK) && !group_filled(LINE(page, i)))
			continue;
		for (unsigned k = i; k < i + GROUP; k++)
			line_back(LINE(page, k), lines >> k & 1 ? LINE(copy, k) : zeros);
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t keep_avx2(unsigned char *copy, const unsigned char *page)
{
	return keep(copy, page);
}

__attribute__((target("avx2"))) static void back_avx2(unsigned char *page, const unsigned char *copy, uint64_t lines)
{
	back(page, copy, lines);
}
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#else
#define HAS_AVX2 false
#define keep_avx2 keep
#define back_avx2 back
#endif

uint64_t page_keep(unsigned char *copy, const unsigned char *page)
{
	return HAS_AVX2 ? keep_avx2(copy, page) : keep(copy, page);
}

void page_back(unsigned char *page, const unsigned char *copy, uint64_t lines)
{
	if (HAS_AVX2)
		back_avx2(page, copy, lines);
	else
		back(page, copy, lines);
}

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

static unsigned char *original(unsigned i)
{
	return originals + (size_t)i * SIM_PAGE_BYTES;
}

void pages_back_one(unsigned i)
{
	page_back(pages[i], original(i), filled[i]);
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
	filled[n_pages] = page_keep(original(n_pages), page);
	pages[n_pages++] = page;
	return true;
}

void pages_back(void)
{
	static bool down; /* what was looked at last is in the cache yet: that comes first */

	down = !down;
	for (unsigned i = 0; i < n_pages; i++)
		pages_back_one(down ? n_pages - 1 - i : i);
	pages_rest(rest, false);
}
