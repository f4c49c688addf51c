/*
 * prove.h: what the proofs by CBMC share. A proof is a function main; "any" values come from
 * nondet_*, which have no body: CBMC takes every value at once. The file under proof is included
 * as it is, so that its static functions can be reached.
 */
#pragma once

#include "base/types.h"

#define ASSUME(condition) __CPROVER_assume(condition)
/* REACHABLE tells that a proof is not vacuous: a run with REACH finds a way to each of them. */
#ifdef REACH
#define CLAIM(condition, text)     ((void)(condition))
#define REACHABLE(condition, text) __CPROVER_assert(!(condition), "REACH: " text)
#else
#define CLAIM(condition, text)     __CPROVER_assert(condition, text)
#define REACHABLE(condition, text) ((void)(condition))
#endif

bool nondet_bool(void);
u8 nondet_u8(void);
u16 nondet_u16(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
unsigned nondet_unsigned(void);
