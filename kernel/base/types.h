/*
 * types.h: fixed-width names, and the few macros every file uses.
 * Context: any. No state, no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef size_t usize;
typedef uintptr_t uptr;

#define NS_PER_US ((u64)1000)
#define NS_PER_MS ((u64)1000000)
#define NS_PER_S ((u64)1000000000)
#define US(n) ((u64)(n) * NS_PER_US)
#define MS(n) ((u64)(n) * NS_PER_MS)
#define SEC(n) ((u64)(n) * NS_PER_S)
#define TIME_NEVER UINT64_MAX

#define KIB(n) ((usize)(n) << 10)
#define MIB(n) ((usize)(n) << 20)

/* The host's <sys/param.h> never meets this file: the simulator's engine includes only sim.h. */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, a) (((x) + ((a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* For the few functions whose call would cost more than what they do. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define CACHE_LINE_BYTES 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE_BYTES)))

/* The largest machine: run-queue masks are one u64. */
#define CPUS_MAX 64
