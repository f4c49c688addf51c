/*
 * asan.h: what the compiler's AddressSanitizer must be told in a build with SANITIZE=address: stacks change, and
 * what the kernel's allocators hand out and take back. Elsewhere these do nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifndef SIM_ASAN
#define SIM_ASAN 0
#endif

#if SIM_ASAN
/** The CPU goes on on the stack that was left at @p sp. */
void asan_stack(const void *sp);

/** Nobody may access these bytes any more, or may again. */
void asan_memory(const void *p, size_t bytes, bool usable);

/** As memcpy, of memory with forbidden bytes in it. */
void asan_copy(void *to, const void *from, size_t bytes);
#else
#define asan_stack(sp)		       ((void)(sp))
#define asan_memory(p, bytes, usable)  ((void)(p))
#define asan_copy(to, from, bytes)     memcpy(to, from, bytes)
#endif
