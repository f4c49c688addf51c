/*
 * Lists of address ranges, beside a word with a bit for each address.
 * cpus: 1
 */
#include "../test.h"
#include "mm/ranges.h"

static u64 bits(u64 base, u64 bytes)
{
	u64 set = 0;

	for (u64 at = base; at < MIN(base + bytes, 64); at++)
		set |= 1ull << at;
	return set;
}

/* The addresses in the list; each must be in one range only, and no range empty. */
static u64 covered(const struct ranges *l)
{
	u64 set = 0;

	for (unsigned i = 0; i < l->n; i++) {
		u64 one = bits(l->r[i].base, l->r[i].bytes);

		CHECK(l->r[i].bytes > 0);
		CHECK_EQ(set & one, 0);
		set |= one;
	}
	return set;
}

static void cutting_is_set_difference(void)
{
	for (u64 seed = 1; seed <= 300; seed++) {
		static struct ranges l;
		u64 random = seed, expected = 0, top = 40 + test_below(&random, 25);

		l.n = 0;
		for (u64 base = 0; base < 64; base += 16) {
			u64 from = base + test_below(&random, 8), n = test_below(&random, 9);

			ranges_add(&l, from, n, top);
			expected |= bits(from, n) & bits(0, top);
		}
		CHECK_EQ(covered(&l), expected);
		for (unsigned i = 0; i < 8; i++) {
			u64 from = test_below(&random, 64), n = test_below(&random, 12);

			ranges_cut(&l, from, n);
			expected &= ~bits(from, n);
			CHECK_EQ(covered(&l), expected);
		}
	}
}

static void the_ends_of_the_address_space(void)
{
	struct ranges l = {.n = 0};

	ranges_add(&l, 0, UINT64_MAX, UINT64_MAX);
	ranges_cut(&l, 1ull << 63, UINT64_MAX); /* its end is beyond all addresses */
	CHECK_EQ(l.n, 1);
	CHECK(l.r[0].base == 0 && l.r[0].bytes == 1ull << 63);
	ranges_add(&l, 100, 5, 100);
	ranges_add(&l, 100, 0, 200);
	CHECK_EQ(l.n, 1);
}

static void a_full_list_leaves_out(void)
{
	static struct ranges l;

	for (u64 i = 0; i < RANGES_MAX + 3; i++)
		ranges_add(&l, i * 100, 50, UINT64_MAX);
	CHECK_EQ(l.n, RANGES_MAX);
	ranges_cut(&l, 110, 10); /* no room for the second piece: it goes, too */
	CHECK_EQ(l.n, RANGES_MAX);
	CHECK(l.r[1].base == 100 && l.r[1].bytes == 10);
}

TESTS_MAIN(PLAIN(cutting_is_set_difference), PLAIN(the_ends_of_the_address_space),
	   PLAIN(a_full_list_leaves_out));
