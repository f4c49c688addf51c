/*
 * host.h: tests of functions by themselves, in a program of the host: the kernel's file, the test,
 * and nothing else, under the compiler's address and undefined-behaviour checkers.
 *
 * The program's argument is a number, from which all that is drawn at random follows. A test that
 * fails says in plain words what should have held. What the functions answer goes into a digest;
 * whoever graded the same functions with the same number has the same.
 */
#pragma once

#include "base/panic.h"
#include "base/types.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static u64 host_state, host_digest = 0xcbf29ce484222325ull;
static unsigned host_failures, host_ran, host_failed;
static const char *host_name;

/* What the kernel's files call. */
_Noreturn void panic(const char *fmt, ...)
{
	printf("not ok %s: the kernel's own check panics: %s\n", host_name, fmt);
	exit(101);
}

_Noreturn void lab_todo(const char *lab, const char *function);
_Noreturn void lab_todo(const char *lab, const char *function)
{
	printf("\nlab %s: %s is yours\n", lab, function);
	exit(99);
}

/** An even number below @p n: Vigna's splitmix64 (2015). */
static inline u64 host_below(u64 n)
{
	u64 z = host_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) % n;
}

/** Puts an answer into the digest (FNV-1a, by words). */
static inline void host_note(u64 answer)
{
	host_digest = (host_digest ^ answer) * 0x100000001b3ull;
}

/** Unless @p cond holds, says the rest in plain words; the first time in each test. */
#define EXPECT(cond, ...)                                                                          \
	do {                                                                                       \
		if (!(cond) && !host_failures++) {                                                 \
			printf("not ok %s: ", host_name);                                          \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

static int host_end(void)
{
	printf("digest %016llx\ntests: %u ran, %u failed\n", (unsigned long long)host_digest,
	       host_ran, host_failed);
	return host_failed > 0;
}

/* What a test that fails leaves behind would confuse those after it. */
static void host_test(const char *name, void (*test)(void))
{
	host_name = name;
	host_failures = 0;
	test();
	host_ran++;
	host_failed += host_failures > 0;
	if (host_failures)
		exit(host_end());
	printf("ok %s\n", name);
}

#define TEST(function) host_test(#function, function)

static void host_begin(int argc, char **argv)
{
	struct rlimit cpu_s = {20, 25};

	(void)setrlimit(RLIMIT_CPU, &cpu_s); /* a loop without end has one */
	setvbuf(stdout, NULL, _IOLBF, 0);
	host_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	host_note(host_state);
}

#define TESTS(...)                                                                                 \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		host_begin(argc, argv);                                                            \
		__VA_ARGS__;                                                                       \
		return host_end();                                                                 \
	}                                                                                          \
	struct host_tests_end /* takes the semicolon */
