/*
 * The two-level segregated fit by itself, beside a model that knows nothing of lists: a map of
 * which unit of the pool belongs to which block. Steps are counted as the simulator's events, one
 * for each memory access and each basic block.
 * cpus: 1
 */
#include "../test.h"
#include "core/time.h"
#include "mm/tlsf.h"

#define POOL_UNITS_MAX 16384u
#define LIVE_MAX       1024u
#define MARK           0x74657374u

static u8 pool[POOL_UNITS_MAX * UNIT_BYTES] __attribute__((aligned(16)));
static u32 pool_units;
static struct tlsf t;

/* The model: blocks in use, and for each unit whether it belongs to one, its header included. */
static struct block *live[LIVE_MAX];
static unsigned lives;
static bool taken[POOL_UNITS_MAX];

static u32 unit_of(const struct block *b)
{
	return (u32)((u8 *)b - pool) / UNIT_BYTES;
}

static void begin(u32 units)
{
	pool_units = units;
	lives = 0;
	memset(&t, 0, sizeof t);
	memset(taken, 0, sizeof taken);
	taken[units - 1] = true; /* the end mark */
	CHECK(tlsf_is_pool(tlsf_add(&t, pool, units * UNIT_BYTES)));
}

static void mark_units(const struct block *b, bool to)
{
	u32 first = unit_of(b), n = 1 + block_bytes(b) / UNIT_BYTES;

	ASSERT(first + n < pool_units);
	for (u32 i = first; i < first + n; i++) {
		CHECK(taken[i] == !to);
		taken[i] = to;
	}
}

/* The largest block that a heap could have free here: the longest gap without its header. */
static u32 largest_gap_bytes(void)
{
	u32 best = 0, run = 0;

	for (u32 i = 0; i < pool_units; i++) {
		run = taken[i] ? 0 : run + 1;
		best = MAX(best, run);
	}
	return best ? (best - 1) * UNIT_BYTES : 0;
}

/* A request is met when a gap has room for what the lists round it to, and never when none has
 * room for the request itself. What it gets is not more than it asked for and a unit. */
static bool model_take(u32 bytes)
{
	u32 gap = largest_gap_bytes();
	struct block *b = tlsf_take(&t, bytes, MARK);

	CHECK(b || gap < tlsf_round(bytes));
	CHECK(!b || gap >= bytes);
	if (!b)
		return false;
	CHECK(block_is(b, MARK));
	CHECK(block_bytes(b) >= bytes && block_bytes(b) <= bytes + UNIT_BYTES);
	mark_units(b, true);
	ASSERT(lives < LIVE_MAX);
	live[lives++] = b;
	return true;
}

static void model_give(unsigned i)
{
	struct block *b = live[i];

	mark_units(b, false);
	live[i] = live[--lives];
	tlsf_give(&t, b);
}

static unsigned listed(void)
{
	unsigned n = 0;

	for (unsigned l = 0; l < TLSF_LEVELS; l++) {
		CHECK_EQ(t.levels_filled >> l & 1, t.lists_filled[l] != 0);
		for (unsigned i = 0; i < TLSF_LISTS; i++) {
			const struct block *before = NULL;

			CHECK_EQ(t.lists_filled[l] >> i & 1, t.lists[l][i] != NULL);
			for (const struct block *b = t.lists[l][i]; b; b = b->next_free) {
				CHECK(block_is(b, MARK_FREE) && b->prev_free == before);
				before = b;
				n++;
			}
		}
	}
	return n;
}

/* The blocks tile the pool; each gap of the model is one free block; lists and bits agree. */
static void check_all(void)
{
	const struct block *b = (const struct block *)pool;
	u32 prev = PREV_NONE;
	bool free_before = false;
	unsigned free_blocks = 0;

	for (; b->size; b = block_after(b)) {
		bool is_free = block_is(b, MARK_FREE);

		CHECK(is_free || block_is(b, MARK));
		CHECK_EQ(b->prev, prev);
		CHECK(!(is_free && free_before));
		CHECK(taken[unit_of(b)] == !is_free);
		free_blocks += is_free;
		free_before = is_free;
		prev = block_bytes(b);
	}
	CHECK(block_is(b, MARK_END) && unit_of(b) == pool_units - 1 && b->prev == prev);
	CHECK_EQ(listed(), free_blocks);
}

struct saved {
	struct tlsf t;
	u8 pool[96 * UNIT_BYTES];
	bool taken[96];
	struct block *live[12];
	unsigned lives;
};

static void save(struct saved *s)
{
	s->t = t;
	memcpy(s->pool, pool, sizeof s->pool);
	memcpy(s->taken, taken, sizeof s->taken);
	memcpy(s->live, live, sizeof s->live);
	s->lives = lives;
}

static void restore(const struct saved *s)
{
	t = s->t;
	memcpy(pool, s->pool, sizeof s->pool);
	memcpy(taken, s->taken, sizeof s->taken);
	memcpy(live, s->live, sizeof s->live);
	lives = s->lives;
}

static struct saved saved[8];

/* Every sequence of up to @p depth operations, each of which takes one of the sizes, in units, or
 * gives any block back. Returns how many there are. */
static unsigned explore(const u32 *sizes, unsigned count, unsigned depth)
{
	unsigned seen = 1;

	check_all();
	if (!depth)
		return seen;
	save(&saved[depth]);
	for (unsigned i = 0; i < count; i++) {
		if (model_take(sizes[i] * UNIT_BYTES))
			seen += explore(sizes, count, depth - 1);
		restore(&saved[depth]);
	}
	for (unsigned i = 0; i < saved[depth].lives; i++) {
		model_give(i);
		seen += explore(sizes, count, depth - 1);
		restore(&saved[depth]);
	}
	return seen;
}

static void every_short_sequence_of_small_blocks(void)
{
	static const u32 sizes[] = {1, 2, 3};

	begin(13);
	CHECK(explore(sizes, 3, 6) > 5000);
}

/* Where the lists of one size each end, and where the steps between them double. */
static void every_short_sequence_about_the_boundaries(void)
{
	static const u32 sizes[] = {15, 16, 17, 32, 33};

	begin(96);
	CHECK(explore(sizes, 5, 5) > 3000);
}

static u32 some_bytes(u64 *seed)
{
	u32 bits = (u32)test_below(seed, 14);

	return ALIGN_UP((u32)(test_random(seed) >> (63 - bits)) + 1, UNIT_BYTES);
}

static void long_random_sequences(void)
{
	for (u64 seed = 1; seed <= 6; seed++) {
		u64 s = seed;

		begin(2048 - (u32)test_below(&s, 64));
		for (unsigned n = 0; n < 400; n++) {
			if (lives && (lives == LIVE_MAX || test_below(&s, 5) < 2))
				model_give((unsigned)test_below(&s, lives));
			else if (!model_take(some_bytes(&s)) && lives)
				model_give((unsigned)test_below(&s, lives));
			if (n % 20 == 0)
				check_all();
		}
		while (lives)
			model_give((unsigned)test_below(&s, lives));
		check_all();
		CHECK(tlsf_is_pool((struct block *)pool));
	}
}

/* A block that fills its pool exactly, and one unit more. */
static void a_pool_can_be_used_to_its_last_unit(void)
{
	for (u32 units = 3; units < 16; units++) {
		begin(units);
		CHECK(!model_take((units - 1) * UNIT_BYTES));
		CHECK(model_take((units - 2) * UNIT_BYTES));
		check_all();
		model_give(0);
		check_all();
		tlsf_remove(&t, (struct block *)pool);
		CHECK_EQ(listed(), 0);
	}
}

static void rounding_is_up_to_a_list_and_not_further(void)
{
	for (u32 bytes = UNIT_BYTES; bytes < KIB(70); bytes += UNIT_BYTES) {
		u32 rounded = tlsf_round(bytes);

		CHECK(rounded >= bytes && rounded - bytes <= bytes / 16);
		CHECK_EQ(tlsf_round(rounded), rounded);
		CHECK_EQ(rounded % UNIT_BYTES, 0);
	}
	CHECK_EQ(tlsf_round(TLSF_MAX_BYTES), TLSF_MAX_BYTES);
	CHECK_EQ(tlsf_round(255), 255);
	CHECK_EQ(tlsf_round(272), 272);
	CHECK_EQ(tlsf_round(528), 544);
}

/* Steps of one operation; the CPU is alone and nothing interrupts. */
static u64 most_steps;

static void steps(u64 begin_ns)
{
	most_steps = MAX(most_steps, clock_ns() - begin_ns);
}

/* The most steps that an operation takes in a heap of about @p blocks blocks, every other of which
 * is free, of all sizes. */
static u64 most_steps_among(unsigned blocks, u64 seed)
{
	begin(POOL_UNITS_MAX);
	while (lives < blocks &&
	       (live[lives] = tlsf_take(&t, some_bytes(&seed) % 256 + UNIT_BYTES, MARK)) != NULL)
		lives++;
	for (unsigned i = 0; i < lives; i++) {
		struct block *b = live[i];

		live[i] = live[--lives];
		tlsf_give(&t, b);
	}
	most_steps = 0;
	for (unsigned n = 0; n < 400; n++) {
		u32 bytes = some_bytes(&seed);
		bool irqs = arch_irq_save();
		u64 begin_ns = clock_ns();
		struct block *b = tlsf_take(&t, bytes, MARK);

		steps(begin_ns);
		if (b) {
			begin_ns = clock_ns();
			tlsf_give(&t, b);
			steps(begin_ns);
		}
		if (lives) {
			unsigned i = (unsigned)test_below(&seed, lives);

			b = live[i];
			live[i] = live[--lives];
			begin_ns = clock_ns();
			tlsf_give(&t, b);
			steps(begin_ns);
		}
		arch_irq_restore(irqs);
	}
	return most_steps;
}

/* What the longest way through take and give costs does not depend on how much there is. */
static void steps_are_bounded(void)
{
	static const unsigned blocks[] = {1, 10, 100, 1000};

	for (unsigned i = 0; i < ARRAY_LEN(blocks); i++) {
		u64 most = most_steps_among(blocks[i], i + 1);

		kprintf("  among %u blocks: at most %llu steps\n", blocks[i],
			(unsigned long long)most);
		CHECK(most > 20 && most <= 100);
	}
}

TESTS_MAIN(PLAIN(every_short_sequence_of_small_blocks),
	   PLAIN(every_short_sequence_about_the_boundaries), PLAIN(long_random_sequences),
	   PLAIN(a_pool_can_be_used_to_its_last_unit),
	   PLAIN(rounding_is_up_to_a_list_and_not_further), PLAIN(steps_are_bounded));
