/*
 * words.h: lines of words, as the boot loader and the shell's user write them. Context: any.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/**
 * Finds @p word, alone or as word=value, in @p line. False when it is not there. @p value, unless
 * NULL, gets the text behind '=' ("" without one), cut to @p bytes - 1 characters.
 */
bool words_find(const char *line, const char *word, char *value, usize bytes);

/** The first word at or behind @p line, and its length in @p bytes; 0: there is none. */
const char *words_next(const char *line, usize *bytes);

/**
 * Cuts @p line in place into at most @p max words at blanks. Returns how many, or ERR_INVAL when
 * there are more.
 */
int words_split(char *line, char **words, unsigned max) MUST_CHECK;
