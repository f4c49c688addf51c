/*
 * pages.c: kernel/mm/page.c, by induction: any state of the allocator over two ranges of pages,
 * anywhere, and one operation. A list is what list.c proves that it is: here a set of blocks, whose
 * first is any of them.
 */
#include "prove.h"

#include "arch/arch.h"
#include "base/list.h"

static u8 stack;
#define arch_sp()     ((uptr)&stack + SPIN_STACK_BYTES)
#define list_init     set_init
#define list_add_head set_add
#define list_del      set_del
#define list_empty    set_empty
#define list_first    set_first
static void set_init(struct list *l);
static void set_add(struct list *l, struct list *n);
static void set_del(struct list *n);
static bool set_empty(const struct list *l);
static struct list *set_first(const struct list *l);

#include "mm/page.c"

/* Pages of each range, its states' own page being the first; and all of them. */
#define PAGES_0 (END_0 - BEGIN_0 + 0u)
/* A range that is added begins at the object that holds its states. */
#ifdef ADDED
#define BASE_0 (ADDED ? (uptr)PAGE_BYTES * BEGIN_0 : (uptr)state_0)
#define BASE_1 ((uptr)state_1)
#define RANGES ADDED
#else
#define BASE_0 ((uptr)PAGE_BYTES * BEGIN_0)
#define BASE_1 (BASE_0 + PAGES_0 * PAGE_BYTES)
#define RANGES 2
#endif
#define PAGES   (PAGES_0 + PAGES_1)
#define NOWHERE PAGES /* a page of no range */

static u8 state_0[PAGES_0], state_1[PAGES_1];
static u8 listed[PAGES]; /* 1 + the order in whose list it is, or 0 */
static bool is_list[ORDERS];
static u8 before[PAGES]; /* the states */
static u64 free_before;
static unsigned largest_before; /* in pages */
static bool misused;            /* the operation must not be done */

_Noreturn void panic(const char *fmt, ...)
{
	(void)fmt;
	CLAIM(misused, "it panics only when it must");
	ASSUME(false);
	for (;;)
		;
}

void *memset(void *to, int byte, usize bytes)
{
	for (usize i = 0; i < bytes; i++)
		((u8 *)to)[i] = (u8)byte;
	return to;
}

static unsigned range_at(unsigned page)
{
	return page < PAGES_0 ? 0 : 1;
}

static bool is_there(unsigned page)
{
	return range_at(page) < range_count;
}

static bool holds_states(unsigned page)
{
	return page == 0 || page == PAGES_0;
}

static uptr address_of(unsigned page)
{
	return page < PAGES_0 ? BASE_0 + page * PAGE_BYTES : BASE_1 + (page - PAGES_0) * PAGE_BYTES;
}

static unsigned page_at(uptr p)
{
	uptr page_0 = (p - BASE_0) / PAGE_BYTES, page_1 = (p - BASE_1) / PAGE_BYTES;

	if (p % PAGE_BYTES == 0 && range_count > 0 && page_0 < PAGES_0)
		return (unsigned)page_0;
	if (p % PAGE_BYTES == 0 && range_count > 1 && page_1 < PAGES_1)
		return PAGES_0 + (unsigned)page_1;
	return NOWHERE;
}

static u8 state_at(unsigned page)
{
	return page < PAGES_0 ? ranges[0].state[page] : ranges[1].state[page - PAGES_0];
}

static unsigned order_of(const struct list *l)
{
	CLAIM(l >= free_blocks && l < free_blocks + ORDERS, "a list that there is");
	return (unsigned)(l - free_blocks);
}

static void set_init(struct list *l)
{
	unsigned order = order_of(l);

	for (unsigned i = 0; i < PAGES; i++)
		if (listed[i] == 1 + order)
			listed[i] = 0;
	is_list[order] = true;
}

static void set_add(struct list *l, struct list *n)
{
	unsigned i = page_at((uptr)n), order = order_of(l);

	CLAIM(is_list[order] && i != NOWHERE && !holds_states(i) && !listed[i],
	      "a page that is in no list is added");
	if (i != NOWHERE)
		listed[i] = (u8)(1 + order);
}

static void set_del(struct list *n)
{
	unsigned i = page_at((uptr)n);

	CLAIM(i != NOWHERE && listed[i], "a page that is in a list is taken out");
	if (i != NOWHERE)
		listed[i] = 0;
}

static bool set_empty(const struct list *l)
{
	unsigned order = order_of(l);

	CLAIM(is_list[order], "it was made a list");
	for (unsigned i = 0; i < PAGES; i++)
		if (listed[i] == 1 + order)
			return false;
	return true;
}

static struct list *set_first(const struct list *l)
{
	unsigned i = nondet_unsigned(), order = order_of(l);

	if (set_empty(l))
		return NULL;
	ASSUME(i < PAGES && listed[i] == 1 + order);
	return (struct list *)address_of(i);
}

/* Each page behind those of the states is in one block; blocks are aligned and in their range; the
 * free ones, and no others, are in the list of their order; of two free ones that could be one
 * there is none. */
static bool is_right(void)
{
	unsigned left = 0;
	u64 bytes = 0, all = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		unsigned order = state_at(i) & 0x3f, buddy;

		if (!is_there(i)) {
			if (left || listed[i])
				return false;
			continue;
		}
		all += holds_states(i) ? 0 : PAGE_BYTES;
		if (left || holds_states(i)) {
			if (state_at(i) != INSIDE || listed[i] || (left && holds_states(i)))
				return false;
			left -= left ? 1 : 0;
			continue;
		}
		if (order >= ORDERS || address_of(i) % block_bytes(order))
			return false;
		left = (1u << order) - 1;
		if (state_at(i) == (USED | order)) {
			if (listed[i])
				return false;
			continue;
		}
		if (state_at(i) != (FREE | order) || listed[i] != 1 + order)
			return false;
		bytes += block_bytes(order);
		buddy = page_at(address_of(i) ^ block_bytes(order));
		if (order < PAGE_ORDER_MAX && buddy != NOWHERE && range_at(buddy) == range_at(i) &&
		    state_at(buddy) == (FREE | order))
			return false;
	}
	return !left && free_bytes == bytes && total_bytes == all &&
	       page_lock.next == page_lock.owner;
}

/* The largest block that is free, in pages. */
static unsigned largest(void)
{
	unsigned most = 0;

	for (unsigned i = 0; i < PAGES; i++)
		if (is_there(i) && (before[i] & 0xc0) == FREE)
			most = MAX(most, 1u << (before[i] & 0x3f));
	return most;
}

static void any_pages(void)
{
	range_count = RANGES;
	ASSUME(range_count <= 2);
	for (unsigned order = 0; order < ORDERS; order++)
		is_list[order] = range_count;
	ranges[0] = (struct range){BASE_0, PAGES_0, state_0};
	ranges[1] = (struct range){BASE_1, PAGES_1, state_1};
	for (unsigned i = 0; i < PAGES; i++) {
		*(i < PAGES_0 ? &state_0[i] : &state_1[i - PAGES_0]) = before[i] = nondet_u8();
		listed[i] = nondet_u8();
	}
	free_bytes = free_before = nondet_u64();
	total_bytes = nondet_u64();
	page_lock.next = page_lock.owner = nondet_u16();
	ASSUME(is_right());
	largest_before = largest();
}

/* Outside of these pages, what is in use stays in use, as it is, and nothing else comes into use.
 */
static bool others_stay(unsigned from, unsigned n)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (i - from >= n && is_there(i) && ((before[i] | state_at(i)) & USED) &&
		    before[i] != state_at(i))
			return false;
	return true;
}

/* All of these pages lay in one block that was free. */
static bool were_free(unsigned from, unsigned n)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (is_there(i) && (before[i] & 0xc0) == FREE && i <= from &&
		    from + n <= i + (1u << (before[i] & 0x3f)))
			return true;
	return false;
}

static void alloc(void)
{
	unsigned order = nondet_unsigned();
	uptr block = (uptr)page_alloc(order);
	unsigned i = page_at(block), n = 1u << order % 32;

	CLAIM(is_right(), "nothing is lost, and what can be one is one");
	CLAIM(!block == (order > PAGE_ORDER_MAX || n > largest_before),
	      "none only if nothing fits");
	if (!block) {
		CLAIM(others_stay(0, 0) && free_bytes == free_before, "then all stays");
		return;
	}
	REACHABLE(n == 1 && were_free(i, 4), "one that is cut twice");
	REACHABLE(i > PAGES_0 && free_before == 3 * PAGE_BYTES, "one of the second range, of two");
	CLAIM(i < PAGES && block % block_bytes(order) == 0 && were_free(i, n), "free, and aligned");
	CLAIM(state_at(i) == (USED | order) && others_stay(i, n), "in use, as are all that were");
	CLAIM(free_bytes == free_before - block_bytes(order), "it is counted");
}

static void give(void)
{
	uptr at = nondet_u64();
	unsigned order = nondet_unsigned(), i = page_at(at);

	misused = i == NOWHERE || order > PAGE_ORDER_MAX || state_at(i) != (USED | order);
	page_free((void *)at, order);
	CLAIM(!misused, "what is not in use panics");
	REACHABLE(order == 0 && free_before == 3 * PAGE_BYTES && i && state_at(i - 1) == (FREE | 2),
		  "one that is joined twice");
	REACHABLE(order == 2 && state_at(i) == (FREE | 2) && before[i ^ 4] == (FREE | 2),
		  "two of the largest, side by side");
	CLAIM(is_right(), "nothing is lost, and what can be one is one");
	CLAIM(others_stay(i, 1u << order), "all others stay in use");
	CLAIM(free_bytes == free_before + block_bytes(order), "it is counted");
}

/* The pages are in use as they are cut: the largest block first. */
static bool are_cut(unsigned from, unsigned n)
{
	for (unsigned order = ORDERS; order-- > 0;)
		if (n >> order & 1) {
			if (from + (1u << order) > PAGES || !is_there(from) ||
			    state_at(from) != (USED | order))
				return false;
			from += 1u << order;
		}
	return true;
}

static void alloc_row(void)
{
	usize n = nondet_unsigned();
	u64 keep = nondet_u64();
	uptr block;
	unsigned i, whole;

	ASSUME(n && n <= 1u << PAGE_ORDER_MAX);
	block = (uptr)pages_alloc(n, keep);
	i = page_at(block);
	whole = n > 2 ? 4 : (unsigned)n;
	CLAIM(is_right(), "nothing is lost, and what can be one is one");
	CLAIM(!block == (whole > largest_before || keep > free_before ||
			 free_before - keep < n * PAGE_BYTES),
	      "none only if nothing fits, or too little would be left");
	if (!block) {
		CLAIM(others_stay(0, 0) && free_bytes == free_before, "then all stays");
		return;
	}
	REACHABLE(n == 3, "one that is cut");
	CLAIM(i < PAGES && were_free(i, whole) && are_cut(i, (unsigned)n),
	      "free before, in use now");
	CLAIM(others_stay(i, (unsigned)n), "all others stay in use");
	CLAIM(free_bytes == free_before - n * PAGE_BYTES, "they are counted");
}

static void give_row(void)
{
	unsigned n = nondet_unsigned(), i = nondet_unsigned();

	ASSUME(n && n <= 1u << PAGE_ORDER_MAX && i < PAGES && are_cut(i, n));
	pages_free((void *)address_of(i), n);
	REACHABLE(n == 3, "two blocks");
	CLAIM(is_right(), "nothing is lost, and what can be one is one");
	CLAIM(others_stay(i, n), "all others stay in use");
	CLAIM(free_bytes == free_before + n * PAGE_BYTES, "they are counted");
}

#ifdef ADDED
/* Some bytes before the first page, and behind the last. */
static void add(void)
{
	unsigned all = ADDED ? PAGES_1 : PAGES_0, pages = nondet_unsigned();
	unsigned head = nondet_unsigned() % PAGE_BYTES, tail = nondet_unsigned() % PAGE_BYTES;

	ASSUME(pages < 2 || pages == all);
	page_add((ADDED == 1 ? BASE_1 : BASE_0) - head, head + pages * PAGE_BYTES + tail);
	REACHABLE(pages == all && head && tail, "more than whole pages");
	CLAIM(is_right(), "its pages are in blocks, as large as can be");
	if (pages < 2 || ADDED == RANGES_MAX) {
		CLAIM(range_count == ADDED && others_stay(0, 0) && free_bytes == free_before,
		      "what does not fit is ignored");
		return;
	}
	CLAIM(range_count == ADDED + 1 && others_stay(ADDED ? PAGES_0 : 0, all),
	      "what was in use stays in use");
	CLAIM(free_bytes == free_before + (all - 1) * PAGE_BYTES, "it is free but for the states");
}
#endif

int main(void)
{
	any_pages();
	OPERATION();
	return 0;
}
