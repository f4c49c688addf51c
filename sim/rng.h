/*
 * rng.h: seeded generators. Each source of choice has a stream of its own, so that one more
 * choice in one of them does not shift the others: a shrinker may then take away one fault or
 * one switch and leave all else as it was.
 */
#pragma once

#include <stdint.h>

enum rng_source {
	RNG_SCHEDULE, /* which CPU runs next, and for how long */
	RNG_TIMER,    /* how late a timer fires */
	RNG_HINT,     /* how long a hint interrupt travels */
	RNG_CONSOLE,  /* when input arrives */
	RNG_FAULTS,   /* and more: one for each kind of fault */
	RNG_DEVICES = RNG_FAULTS + 18, /* one for each device */
	RNG_SOURCES = RNG_DEVICES + 5
};

struct rng {
	uint64_t state;
};

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline void rng_seed(struct rng *r, uint64_t seed, enum rng_source source)
{
	r->state = seed;
	r->state = rng_next(r) ^ ((uint64_t)source + 1) * 0xd1342543de82ef95ull;
	rng_next(r);
}

/** Uniform in 0 to @p n - 1; @p n is at least 1. The bias, under n / 2^64, is nobody's concern. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((__uint128_t)rng_next(r) * n) >> 64);
}
