/*
 * string.h: the C library's memory and string functions that a freestanding kernel must bring
 * itself (compilers call the first four on their own). Semantics as in C17. Context: any.
 */
#pragma once

#include "base/types.h"

void *memcpy(void *restrict to, const void *restrict from, usize bytes);
void *memmove(void *to, const void *from, usize bytes);
void *memset(void *to, int byte, usize bytes);
int memcmp(const void *a, const void *b, usize bytes);
usize strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, usize n);
char *strchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);

/** Copies at most bytes-1 characters and terminates; returns strlen(from). */
usize strlcpy(char *to, const char *from, usize bytes);

/**
 * Reads an unsigned number (decimal, or hex after 0x) that must fill @p s entirely.
 * Returns 0, or ERR_INVAL for an empty, malformed or overflowing text.
 */
int parse_u64(const char *s, u64 *out);
