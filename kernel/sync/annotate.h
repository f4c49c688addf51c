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

/* The function keeps no copy of this pointer: what it points to stays its caller's own. */
#define NO_ESCAPE TS_ATTR(noescape)

#define CAPABILITY(name) TS_ATTR(capability(name))

/* For a variable at file scope. */
#define VAR_GUARDED_BY(lock) TS_ATTR(guarded_by(lock))
/* For a field: in C, clang 14 cannot name the sibling field that holds the lock, so this tells
 * readers and the simulator's checker; functions say REQUIRES(object->lock), which clang checks. */
#define GUARDED_BY(lock)

#define REQUIRES(...) TS_ATTR(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) TS_ATTR(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TS_ATTR(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS TS_ATTR(no_thread_safety_analysis)
