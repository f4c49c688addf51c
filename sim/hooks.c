/*
 * hooks.c: the runtime of the compilers' instrumentation. Every memory access and basic block of
 * the kernel calls one of these; each call is one event: time passes, an interrupt may strike,
 * another CPU may run, before the access happens.
 *
 * The functions and their signatures are the ThreadSanitizer and SanitizerCoverage interfaces
 * that gcc (gcc/sanitizer.def) and clang (ThreadSanitizer.cpp, SanitizerCoverage.cpp) emit
 * calls to. Atomics do their work here, one at a time and so sequentially consistent; the order
 * that the source asked for is passed along, for checkers to come.
 */
#include "sim/sim.h"
#include <string.h>

#define HOOK __attribute__((used)) void

HOOK __sanitizer_cov_trace_pc(void);
HOOK __sanitizer_cov_trace_pc(void)
{
	SIM_EVENT(SIM_PC);
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

#define ACCESS(name)                                                                               \
	HOOK __tsan_##name(const void *at);                                                        \
	HOOK __tsan_##name(const void *at)                                                         \
	{                                                                                          \
		(void)at;                                                                          \
		SIM_EVENT(SIM_PC);                                                                 \
	}
#define ACCESSES(n)                                                                                \
	ACCESS(read##n)                                                                            \
	ACCESS(write##n)                                                                           \
	ACCESS(read_write##n)                                                                      \
	ACCESS(volatile_read##n)                                                                   \
	ACCESS(volatile_write##n)                                                                  \
	ACCESS(unaligned_read##n)                                                                  \
	ACCESS(unaligned_write##n)                                                                 \
	ACCESS(unaligned_read_write##n)                                                            \
	ACCESS(unaligned_volatile_read##n)                                                         \
	ACCESS(unaligned_volatile_write##n)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

/* A block operation is one event for each word. */
static void words(size_t bytes, uintptr_t pc)
{
	for (size_t i = 0; i < bytes; i += 8)
		SIM_EVENT(pc);
}

HOOK __tsan_read_range(const void *at, size_t bytes);
HOOK __tsan_read_range(const void *at, size_t bytes)
{
	(void)at;
	words(bytes, SIM_PC);
}

HOOK __tsan_write_range(void *at, size_t bytes);
HOOK __tsan_write_range(void *at, size_t bytes)
{
	(void)at;
	words(bytes, SIM_PC);
}

/* Word by word, so that what another CPU sees in between is a copy half done. */
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		n = bytes - i < 8 ? bytes - i : 8;
		SIM_EVENT(SIM_PC);
		memcpy((char *)to + i, (const char *)from + i, n);
	}
	return to;
}

void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	words(bytes, SIM_PC);
	return memmove(to, from, bytes);
}

void *__tsan_memset(void *to, int byte, size_t bytes);
void *__tsan_memset(void *to, int byte, size_t bytes)
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		n = bytes - i < 8 ? bytes - i : 8;
		SIM_EVENT(SIM_PC);
		memset((char *)to + i, byte, n);
	}
	return to;
}

#define FETCH(bits, type, name, expr)                                                              \
	type __tsan_atomic##bits##_##name(volatile type *at, type v, int order);                   \
	type __tsan_atomic##bits##_##name(volatile type *at, type v, int order)                    \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		(void)order;                                                                       \
		SIM_EVENT(SIM_PC);                                                                 \
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
		(void)order, (void)order_if_not;                                                   \
		SIM_EVENT(SIM_PC);                                                                 \
		old = *at;                                                                         \
		if (old == *expected) {                                                            \
			*at = v;                                                                   \
			return 1;                                                                  \
		}                                                                                  \
		*expected = old;                                                                   \
		return 0;                                                                          \
	}
#define ATOMIC(bits, type)                                                                         \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                       \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                        \
	{                                                                                          \
		(void)order;                                                                       \
		SIM_EVENT(SIM_PC);                                                                 \
		return *at;                                                                        \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order);                    \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order)                     \
	{                                                                                          \
		(void)order;                                                                       \
		SIM_EVENT(SIM_PC);                                                                 \
		*at = v;                                                                           \
	}                                                                                          \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not);              \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected, type v,  \
							int order, int order_if_not)               \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		(void)order, (void)order_if_not;                                                   \
		SIM_EVENT(SIM_PC);                                                                 \
		old = *at;                                                                         \
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
	(void)order;
	SIM_EVENT(SIM_PC);
}

HOOK __tsan_atomic_signal_fence(int order);
HOOK __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
