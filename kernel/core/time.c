#include "core/time.h"
#include "base/panic.h"

#define HZ_MIN 1000ull
#define HZ_MAX 10000000000ull

typedef unsigned __int128 u128;

/* A ratio as mult / 2^shift with 2^63 <= mult < 2^64, so that u64 * ratio needs one 128-bit
 * product and is off by less than one part in 2^63. */
struct ratio {
	u64 mult;
	unsigned shift;
};

u64 clock_hz;
struct clock_scale clock_scale;
static struct ratio ns_per_tick, ticks_per_ns;

/* Long division, since the compilers' 128-bit division is a library call. */
static struct ratio make_ratio(u64 num, u64 den)
{
	struct ratio r = {num / den, 0};
	u64 rest = num % den;

	while (!(r.mult >> 63)) {
		rest <<= 1;
		r.mult = r.mult << 1 | (rest >= den);
		rest -= rest >= den ? den : 0;
		r.shift++;
	}
	return r;
}

static u128 scale(u64 value, struct ratio r)
{
	return (u128)value * r.mult >> r.shift;
}

void clock_init(u64 hz)
{
	ASSERT(hz >= HZ_MIN && hz <= HZ_MAX);
	ns_per_tick = make_ratio(NS_PER_S, hz);
	for (; ns_per_tick.shift > 64; ns_per_tick.shift--) /* above 1 GHz; so there is but one shift */
		ns_per_tick.mult >>= 1;
	clock_scale = (struct clock_scale){ns_per_tick.mult, 64 - ns_per_tick.shift};
	ticks_per_ns = make_ratio(hz, NS_PER_S);
	clock_hz = hz;
}

u64 clock_ns_to_ticks(u64 ns)
{
	u128 ticks = scale(ns, ticks_per_ns);

	/* The ratios are rounded down, so this is at most two short of the first tick at which
	 * clock_ns() is not less than ns. */
	while (ticks < UINT64_MAX && scale((u64)ticks, ns_per_tick) < ns)
		ticks++;
	return ticks < UINT64_MAX ? (u64)ticks : UINT64_MAX;
}
