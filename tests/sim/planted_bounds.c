/*
 * Planted bugs that only a compiler's checks see, since what lies behind an array is the kernel's own as well: one a run, chosen by bug= on
 * the command line; with the word `right` the same without it.
 */
#include "../unit/test.h"

#define ENTRIES 8u

static u32 table[ENTRIES], behind[ENTRIES];
static volatile unsigned last; /* so that no compiler knows it */
static volatile i32 most = INT32_MAX;

static u32 sum(const u32 *all)
{
	u32 n = 0;

	for (unsigned i = 0; i <= last; i++)
		n += all[i];
	return n;
}

static __attribute__((noinline)) void global_overrun(void)
{
	CHECK_EQ(sum(table) + behind[0], 0);
}

static __attribute__((noinline)) void stack_overrun(void)
{
	u32 own[ENTRIES] = {0};

	for (unsigned i = 0; i <= last; i++)
		own[i] = i;
	CHECK(sum(own) > 0);
}

static __attribute__((noinline)) void signed_overflow(void)
{
	i32 n = most;

	CHECK(n + (i32)last != 0);
}

/* Of eight entries seven are written. */
static __attribute__((noinline)) void local_unset(void)
{
	u32 own[ENTRIES];
	u32 *volatile all = own;

	for (unsigned i = 0; i <= last; i++)
		all[i] = i;
	CHECK(all[ENTRIES - 1] != 12345);
}

static void planted(void)
{
	char bug[24], text[4];
	bool right = words_find(board_cmdline(), "right", text, sizeof text);

	MUST(words_find(board_cmdline(), "bug", bug, sizeof bug) ? 0 : ERR_INVAL);
	last = right ? ENTRIES - 1 : ENTRIES;
	if (!strcmp(bug, "global_overrun"))
		global_overrun();
	if (!strcmp(bug, "stack_overrun"))
		stack_overrun();
	if (!strcmp(bug, "signed_overflow") && !right)
		signed_overflow();
	if (!strcmp(bug, "local_unset")) {
		last = right ? ENTRIES - 1 : ENTRIES - 2;
		local_unset();
	}
}

TESTS_MAIN(PLAIN(planted));
