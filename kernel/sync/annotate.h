/*
 * annotate.h: which lock protects which field, in a form that clang checks with -Wthread-safety.
 * Source: clang documentation, "Thread Safety Analysis". gcc sees nothing.
 */
#pragma once

#ifdef __clang__
#define TS_ATTR(x) __attribute__((x))
#else
#define TS_ATTR(x)
#endif

#define CAPABILITY(name) TS_ATTR(capability(name))
#define GUARDED_BY(lock) TS_ATTR(guarded_by(lock))
#define PT_GUARDED_BY(lock) TS_ATTR(pt_guarded_by(lock))
#define REQUIRES(...) TS_ATTR(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) TS_ATTR(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TS_ATTR(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS TS_ATTR(no_thread_safety_analysis)
