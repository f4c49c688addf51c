/*
 * hooks.c: the runtime of the compilers' instrumentation. Every memory access and basic block of
 * the kernel calls one of these; each call is one event: time passes, an interrupt may strike,
 * another CPU may run, before the access happens.
 *
 * Most of them are called only when the budget is spent, as __tsan_slow_: hooks.awk puts the fast path into their callers.
 *
 * The functions and their signatures are the ThreadSanitizer and SanitizerCoverage interfaces
 * that gcc (gcc/sanitizer.def) and clang (ThreadSanitizer.cpp, SanitizerCoverage.cpp) emit
 * calls to. Atomics do their work here, one at a time and so sequentially consistent; the order
 * that the source asked for is for the checkers (watch.h).
 */
#include "sim/watch.h"
#include <string.h>

#define HOOK __attribute__((used)) void

#define APART __attribute__((noinline, cold))
#define SLOW  __attribute__((noinline))

APART void sim_slow_access(uintptr_t pc, const volatile void *at, size_t bytes, unsigned kind)
{
	if (sim_is_due())
		sim_slow(pc);
	if (bound.on)
		bound_point(pc);
	if (sim.cfg.watch)
		watch_access((uintptr_t)at, bytes, kind, pc);
}

APART void sim_slow_atomic(uintptr_t pc, const volatile void *at, size_t bytes, unsigned op, int order)
{
	if (sim_is_due())
		sim_slow(pc);
	if (bound.on)
		bound_point(pc);
	if (sim.cfg.watch)
		watch_atomic((uintptr_t)at, bytes, (enum atomic_op)op, order, pc);
}

/* Before an atomic, when the budget is spent or said to be. */
static inline __attribute__((always_inline)) void before_atomic(uintptr_t pc, const volatile void *p, unsigned bytes, enum atomic_op op,
								int order)
{
	unsigned kind = op == OP_LOAD ? ACCESS_MARKED : ACCESS_WRITE | ACCESS_MARKED;
	uintptr_t at = (uintptr_t)p;

	if (!race_only(at, bytes)) {
		sim_slow_atomic(pc, p, bytes, op, order);
		return;
	}
	if (!race_takes(at, bytes, kind, pc))
		race_word(at, bytes, kind, pc);
	if (op != OP_LOAD || !race_loads_nothing(at))
		race_atomic(at, op, order);
}

HOOK __sanitizer_cov_trace_pc(void);
HOOK __sanitizer_cov_trace_pc(void)
{
	SIM_EVENT(SIM_PC);
}

HOOK __tsan_slow_trace_pc(void);
HOOK __tsan_slow_trace_pc(void)
{
	if (sim_is_due())
		sim_slow(SIM_PC);
}

HOOK __tsan_init(void);
HOOK __tsan_init(void)
{
}

HOOK __tsan_func_entry(void *pc);
HOOK __tsan_func_entry(void *pc)
{
	(void)pc;
}

HOOK __tsan_func_exit(void);
HOOK __tsan_func_exit(void)
{
}

/* The hooks that the compilers' assembly calls when the budget is spent or said to be. */
static inline __attribute__((always_inline)) void slow_access(uintptr_t pc, const void *p, unsigned bytes, unsigned kind)
{
	uintptr_t at = (uintptr_t)p;

	if (!race_only(at, bytes)) {
		sim_slow_access(pc, p, bytes, kind);
		return;
	}
	if (!race_takes(at, bytes < 8 ? bytes : 8, kind, pc))
		race_word(at, bytes < 8 ? bytes : 8, kind, pc);
	if (bytes == 16 && !race_takes(at + 8, 8, kind, pc))
		race_word(at + 8, 8, kind, pc);
}

/* An event: whether its access is to be looked at. */
static inline __attribute__((always_inline)) bool is_looked_at(void)
{
	return sim_spent() || __builtin_expect(sim.always, 0);
}

#define SIM_ACCESS(at, bytes, kind)                                                                \
	do {                                                                                       \
		if (is_looked_at())                                                                 \
			sim_slow_access(SIM_PC, at, bytes, kind);                                  \
	} while (0)
#define ACCESS(name, bytes, kind)                                                                  \
	HOOK __tsan_##name##bytes(const void *at);                                                 \
	HOOK __tsan_##name##bytes(const void *at)                                                  \
	{                                                                                          \
		SIM_ACCESS(at, bytes, kind);                                                       \
	}                                                                                          \
	HOOK __tsan_slow_##name##bytes(const void *at);                                            \
	HOOK __tsan_slow_##name##bytes(const void *at)                                             \
	{                                                                                          \
		slow_access(SIM_PC, at, bytes, kind);                                              \
	}
#define ACCESSES(n)                                                                                \
	ACCESS(read, n, ACCESS_READ)                                                               \
	ACCESS(write, n, ACCESS_WRITE)                                                             \
	ACCESS(read_write, n, ACCESS_WRITE)                                                        \
	ACCESS(volatile_read, n, ACCESS_MARKED)                                                    \
	ACCESS(volatile_write, n, ACCESS_WRITE | ACCESS_MARKED)                                    \
	ACCESS(unaligned_read, n, ACCESS_READ)                                                     \
	ACCESS(unaligned_write, n, ACCESS_WRITE)                                                   \
	ACCESS(unaligned_read_write, n, ACCESS_WRITE)                                              \
	ACCESS(unaligned_volatile_read, n, ACCESS_MARKED)                                          \
	ACCESS(unaligned_volatile_write, n, ACCESS_WRITE | ACCESS_MARKED)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

/* A block operation is one event for each word. */
static void words(const void *at, size_t bytes, unsigned kind, uintptr_t pc)
{
	for (size_t i = 0; i < bytes; i += 8)
		if (is_looked_at())
			sim_slow_access(pc, (const char *)at + i, bytes - i < 8 ? bytes - i : 8, kind);
}

HOOK __tsan_read_range(const void *at, size_t bytes);
HOOK __tsan_read_range(const void *at, size_t bytes)
{
	words(at, bytes, ACCESS_READ, SIM_PC);
}

HOOK __tsan_write_range(void *at, size_t bytes);
HOOK __tsan_write_range(void *at, size_t bytes)
{
	words(at, bytes, ACCESS_WRITE, SIM_PC);
}

/* Word by word, so that what another CPU sees in between is a copy half done. */
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		n = bytes - i < 8 ? bytes - i : 8;
		SIM_ACCESS((char *)to + i, n, ACCESS_WRITE);
		if (__builtin_expect(sim.cfg.watch, 0))
			watch_access((uintptr_t)from + i, n, ACCESS_READ | ACCESS_COPY, SIM_PC);
		memcpy((char *)to + i, (const char *)from + i, n);
	}
	return to;
}

void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	words(to, bytes, ACCESS_WRITE, SIM_PC);
	if (sim.cfg.watch)
		watch_access((uintptr_t)from, bytes, ACCESS_READ | ACCESS_COPY, SIM_PC);
	return memmove(to, from, bytes);
}

void *__tsan_memset(void *to, int byte, size_t bytes);
void *__tsan_memset(void *to, int byte, size_t bytes)
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		n = bytes - i < 8 ? bytes - i : 8;
		SIM_ACCESS((char *)to + i, n, ACCESS_WRITE);
		memset((char *)to + i, byte, n);
	}
	return to;
}

#define WATCH_EXCHANGE(at, done, order, order_if_not)                                              \
	do {                                                                                       \
		if (__builtin_expect(sim.cfg.watch, 0))                                            \
			watch_atomic((uintptr_t)(at), sizeof *(at), (done) ? OP_RMW : OP_LOAD,     \
				     (done) ? (order) : (order_if_not), SIM_PC);                   \
	} while (0)

/* The slow way of an atomic does all of it, so that the fast one calls nothing and has nothing to save. */
#define FETCH(bits, type, name, expr)                                                              \
	static SLOW type slow_##bits##_##name(uintptr_t pc, volatile type *at, type v, int order) \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		before_atomic(pc, at, sizeof *at, OP_RMW, order);                                  \
		old = *at;                                                                         \
		*at = (type)(expr);                                                                \
		return old;                                                                        \
	}                                                                                          \
	type __tsan_slow_atomic##bits##_##name(volatile type *at, type v, int order);              \
	type __tsan_slow_atomic##bits##_##name(volatile type *at, type v, int order)               \
	{                                                                                          \
		return slow_##bits##_##name(SIM_PC, at, v, order);                                 \
	}                                                                                          \
	type __tsan_atomic##bits##_##name(volatile type *at, type v, int order);                   \
	type __tsan_atomic##bits##_##name(volatile type *at, type v, int order)                    \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		if (is_looked_at())                                                                \
			return slow_##bits##_##name(SIM_PC, at, v, order);                         \
		old = *at;                                                                         \
		*at = (type)(expr);                                                                \
		return old;                                                                        \
	}
#define EXCHANGE_IF(bits, type, name)                                                              \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected,       \
							  type v, int order, int order_if_not);    \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected,       \
							  type v, int order, int order_if_not)     \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		SIM_EVENT(SIM_PC);                                                                 \
		old = *at;                                                                         \
		WATCH_EXCHANGE(at, old == *expected, order, order_if_not);                         \
		if (old == *expected) {                                                            \
			*at = v;                                                                   \
			return 1;                                                                  \
		}                                                                                  \
		*expected = old;                                                                   \
		return 0;                                                                          \
	}
#define ATOMIC(bits, type)                                                                         \
	static SLOW type slow_##bits##_load(uintptr_t pc, const volatile type *at, int order)     \
	{                                                                                          \
		before_atomic(pc, at, sizeof *at, OP_LOAD, order);                                 \
		return *at;                                                                        \
	}                                                                                          \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                       \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                        \
	{                                                                                          \
		return is_looked_at() ? slow_##bits##_load(SIM_PC, at, order) : *at;                  \
	}                                                                                          \
	type __tsan_slow_atomic##bits##_load(const volatile type *at, int order);                  \
	type __tsan_slow_atomic##bits##_load(const volatile type *at, int order)                   \
	{                                                                                          \
		return slow_##bits##_load(SIM_PC, at, order);                                      \
	}                                                                                          \
	static SLOW void slow_##bits##_store(uintptr_t pc, volatile type *at, type v, int order)  \
	{                                                                                          \
		before_atomic(pc, at, sizeof *at, OP_STORE, order);                                \
		*at = v;                                                                           \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order);                    \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order)                     \
	{                                                                                          \
		if (is_looked_at())                                                                \
			slow_##bits##_store(SIM_PC, at, v, order);                                 \
		else                                                                               \
			*at = v;                                                                   \
	}                                                                                          \
	void __tsan_slow_atomic##bits##_store(volatile type *at, type v, int order);               \
	void __tsan_slow_atomic##bits##_store(volatile type *at, type v, int order)                \
	{                                                                                          \
		slow_##bits##_store(SIM_PC, at, v, order);                                         \
	}                                                                                          \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not);              \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not)               \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		SIM_EVENT(SIM_PC);                                                                 \
		old = *at;                                                                         \
		WATCH_EXCHANGE(at, old == expected, order, order_if_not);                          \
		if (old == expected)                                                               \
			*at = v;                                                                   \
		return old;                                                                        \
	}                                                                                          \
	FETCH(bits, type, exchange, v)                                                             \
	FETCH(bits, type, fetch_add, old + v)                                                      \
	FETCH(bits, type, fetch_sub, old - v)                                                      \
	FETCH(bits, type, fetch_and, old &v)                                                       \
	FETCH(bits, type, fetch_or, old | v)                                                       \
	FETCH(bits, type, fetch_xor, old ^ v)                                                      \
	FETCH(bits, type, fetch_nand, ~(old & v))                                                  \
	EXCHANGE_IF(bits, type, strong)                                                            \
	EXCHANGE_IF(bits, type, weak)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

HOOK __tsan_atomic_thread_fence(int order);
HOOK __tsan_atomic_thread_fence(int order)
{
	SIM_EVENT(SIM_PC);
	if (__builtin_expect(sim.cfg.watch, 0))
		watch_fence(order);
}

HOOK __tsan_atomic_signal_fence(int order);
HOOK __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
