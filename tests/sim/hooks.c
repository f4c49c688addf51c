/*
 * Code with all that hooks.awk has to tell apart: straight lines, loops, jumps to labels that were
 * taken as values, calls, atomics. The hooks here only count. For budgets of 1 to 40 a line says
 * how many events there were, and in which of them the budget was spent. test_hooks.py builds it with
 * hooks in place and with hooks that are called.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#ifdef HOOKS /* this part is compiled without hooks */

int64_t sim_budget;
static int64_t armed, events;
static uint64_t hash;

void work(void);

static void spent(unsigned kind)
{
	events += armed - sim_budget;
	hash = (hash ^ (uint64_t)events ^ (uint64_t)kind << 32) * 0x100000001b3ull;
	sim_budget = armed;
}

#define EVENT(kind)                                                                                \
	do {                                                                                       \
		if (--sim_budget < 0)                                                              \
			spent(kind);                                                               \
	} while (0)
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	EVENT(0);
}
void __tsan_slow_trace_pc(void);
void __tsan_slow_trace_pc(void)
{
	spent(0);
}
#define ACCESS_AS(name, happens)                                                                   \
	void name(void *at);                                                                       \
	void name(void *at)                                                                        \
	{                                                                                          \
		(void)at;                                                                          \
		happens;                                                                           \
	}
#define ACCESS(name, kind)                                                                         \
	ACCESS_AS(__tsan_##name, EVENT(kind))                                                      \
	ACCESS_AS(__tsan_slow_##name, spent(kind))
ACCESS(read4, 1)
ACCESS(write4, 2)
ACCESS(read8, 3)
ACCESS(write8, 4)
ACCESS(read16, 3)
ACCESS(write16, 4)
#define ATOMIC_AS(type, name, happens)                                                             \
	type name##_load(volatile type *at, int order);                                            \
	type name##_load(volatile type *at, int order)                                             \
	{                                                                                          \
		(void)order;                                                                       \
		happens(5);                                                                        \
		return *at;                                                                        \
	}                                                                                          \
	void name##_store(volatile type *at, type v, int order);                                   \
	void name##_store(volatile type *at, type v, int order)                                    \
	{                                                                                          \
		(void)order;                                                                       \
		happens(6);                                                                        \
		*at = v;                                                                           \
	}                                                                                          \
	type name##_fetch_add(volatile type *at, type v, int order);                               \
	type name##_fetch_add(volatile type *at, type v, int order)                                \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		(void)order;                                                                       \
		happens(7);                                                                        \
		old = *at;                                                                         \
		*at = (type)(old + v);                                                             \
		return old;                                                                        \
	}
#define ATOMIC(type, bits)                                                                         \
	ATOMIC_AS(type, __tsan_atomic##bits, EVENT)                                                \
	ATOMIC_AS(type, __tsan_slow_atomic##bits, spent)
ATOMIC(uint8_t, 8)
ATOMIC(uint16_t, 16)
ATOMIC(uint32_t, 32)
ATOMIC(uint64_t, 64)
/* Always called: behind it the budget is another. */
uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t v, int order);
uint32_t __tsan_atomic32_exchange(volatile uint32_t *at, uint32_t v, int order)
{
	uint32_t old = *at;

	(void)order;
	EVENT(8);
	*at = v;
	return old;
}
void __tsan_init(void);
void __tsan_init(void)
{
}

int main(void)
{
	for (armed = 1; armed <= 40; armed++) {
		sim_budget = armed;
		events = 0;
		hash = 0xcbf29ce484222325ull;
		work();
		events += armed - sim_budget;
		printf("%d: %llu events, spent %016llx\n", (int)armed, (unsigned long long)events, (unsigned long long)hash);
	}
	return 0;
}

#else

static uint32_t words[16];
static uint64_t sums[4];
static _Atomic uint8_t a8;
static _Atomic uint16_t a16;
static _Atomic uint32_t a32;
static _Atomic uint64_t a64;

static __attribute__((noinline)) void turn(unsigned i, unsigned j)
{
	uint32_t w = words[i];

	words[i] = words[j];
	words[j] = w;
	sums[i % 4] += w;
}

static __attribute__((noinline)) void sort(void)
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = i; j && words[j - 1] > words[j]; j--)
			turn(j - 1, j);
}

static __attribute__((noinline)) void count(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		atomic_fetch_add_explicit(&a8, 1, memory_order_relaxed);
		atomic_store_explicit(&a16, (uint16_t)(atomic_load_explicit(&a8, memory_order_relaxed) * 300), memory_order_release);
		atomic_fetch_add_explicit(&a64, atomic_load_explicit(&a16, memory_order_acquire), memory_order_acq_rel);
		if (atomic_fetch_add_explicit(&a32, 3, memory_order_relaxed) % 2)
			atomic_store_explicit(&a64, atomic_load_explicit(&a64, memory_order_relaxed) + 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&a16, (uint16_t)atomic_exchange_explicit(&a32, i * 5, memory_order_relaxed), memory_order_relaxed);
		atomic_store_explicit(&a8, (uint8_t)(atomic_load_explicit(&a32, memory_order_relaxed) + 5), memory_order_relaxed);
	}
}

/* As AWAIT does: goes on at a label that was stored. */
static __attribute__((noinline)) uint64_t resume(void **at, unsigned i)
{
	if (*at)
		goto **at;
	*at = &&second;
	return sums[0] += words[i];
second:
	*at = &&third;
	return sums[1] += words[(i + 1) % 16] * 2u;
third:
	*at = NULL;
	sums[2]++;
	return sums[3] += words[(i + 2) % 16];
}

void work(void);
void work(void)
{
	void *at = NULL;

	for (unsigned i = 0; i < 16; i++)
		words[i] = i * 7 % 16;
	for (unsigned i = 0; i < 4; i++)
		sums[i] = i; /* all zero would be a memset, which is another hook */
	/* relaxed, all: one thread */
	atomic_store_explicit(&a8, 1, memory_order_relaxed);
	atomic_store_explicit(&a32, 3, memory_order_relaxed);
	sort();
	count(20);
	for (unsigned i = 0; i < 9; i++)
		sums[i % 4] += resume(&at, i);
	/* What came of it decides how many events follow. */
	for (uint64_t n = (sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ atomic_load_explicit(&a64, memory_order_relaxed)) % 97; n; n--)
		turn((unsigned)n % 16, 3);
}

#endif
