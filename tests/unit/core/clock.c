/*
 * The clock's arithmetic, at every frequency that boards have and at random ones. The clock that
 * runs is set to another frequency meanwhile, so all is one section without interrupts.
 * cpus: 1
 */
#include "../test.h"
#include "core/time.h"

typedef unsigned __int128 u128;

static const u64 frequencies[] = {1000,       32768,      1000000,    3579545,    14318180,
				  19200000,   24000000,   54000000,   62500000,   100000000,
				  999999999,  1000000000, 1000000001, 2445406123, 3000000000,
				  9999999999, 10000000000};

/* ns is the floor of ticks * 1e9 / hz, or one less where the ratio is not exact. */
static bool ns_is_right(u64 ticks, u64 hz)
{
	u128 exact = (u128)ticks * NS_PER_S;
	u64 ns = clock_ticks_to_ns(ticks);

	return (u128)ns * hz <= exact && exact < (u128)(ns + 2) * hz;
}

/* Of all ticks, the first whose time is not before ns. */
static bool ticks_are_right(u64 ns)
{
	u64 ticks = clock_ns_to_ticks(ns);

	return clock_ticks_to_ns(ticks) >= ns && (!ticks || clock_ticks_to_ns(ticks - 1) < ns);
}

/* Times up to 200 years, of all magnitudes. */
static u64 some_ns(u64 *seed)
{
	return (test_random(seed) >> test_below(seed, 64)) % (200ull * 366 * 86400 * NS_PER_S);
}

static unsigned errors_at(u64 hz, u64 *seed)
{
	unsigned wrong = 0;

	clock_init(hz);
	for (unsigned n = 0; n < 300; n++) {
		u64 ns = some_ns(seed);

		/* About ns at hz, as 2^30 is about 1e9; at 10 GHz 200 years are just under 2^64. */
		wrong += !ns_is_right((u64)((u128)ns * hz >> 30) % (UINT64_MAX / 2), hz);
		wrong += ns < UINT64_MAX / 20 && !ticks_are_right(ns);
	}
	return wrong;
}

static void conversions_are_exact(void)
{
	u64 seed = 1, hz = clock_hz, wrong[ARRAY_LEN(frequencies)], wrong_random = 0;
	bool irqs = arch_irq_save();

	for (unsigned i = 0; i < ARRAY_LEN(frequencies); i++)
		wrong[i] = errors_at(frequencies[i], &seed);
	for (unsigned n = 0; n < 100; n++)
		wrong_random += errors_at(1000 + test_below(&seed, 10000000000ull - 1000), &seed);
	clock_init(hz);
	arch_irq_restore(irqs);
	for (unsigned i = 0; i < ARRAY_LEN(frequencies); i++)
		CHECK_EQ(wrong[i], 0);
	CHECK_EQ(wrong_random, 0);
}

static void a_gigahertz_is_the_identity(void)
{
	u64 hz = clock_hz, seed = 2;
	unsigned wrong = 0;
	bool irqs = arch_irq_save();

	clock_init(NS_PER_S);
	for (unsigned n = 0; n < 300; n++) {
		u64 ns = test_random(&seed) >> (1 + test_below(&seed, 63));

		wrong += clock_ticks_to_ns(ns) != ns || clock_ns_to_ticks(ns) != ns;
	}
	wrong += clock_ns_to_ticks(TIME_NEVER) != UINT64_MAX;
	clock_init(10 * NS_PER_S);
	wrong += clock_ns_to_ticks(TIME_NEVER) != UINT64_MAX;
	wrong += clock_ns_to_ticks(UINT64_MAX / 2) != UINT64_MAX;
	clock_init(hz);
	arch_irq_restore(irqs);
	CHECK_EQ(wrong, 0);
}

static void time_goes_on(void)
{
	u64 before = clock_ns(), now;

	for (unsigned n = 0; n < 1000; n++, before = now) {
		now = clock_ns();
		CHECK(now >= before);
	}
}

TESTS_MAIN(PLAIN(conversions_are_exact), PLAIN(a_gigahertz_is_the_identity), PLAIN(time_goes_on));
