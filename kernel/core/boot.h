/*
 * boot.h: the words handed over at boot that the kernel knows; services/boot.c has the one table of
 * them, reads them and tells of mistakes. A word that is given twice counts the first time. A value
 * that is not allowed counts as the default, with a line on the console; no word keeps the kernel from
 * booting. Boot loaders and firmware may add words of their own: those that nobody knows are told of,
 * but for names with a '.' or a '/', and a few that are known to be added (docs/README.md).
 *
 * A program on top may have more words: it reads them with words_find, and does not call
 * boot_report_unknown. Context: any, once the board knows the command line.
 */
#pragma once

#include "base/types.h"

#define BOOT_LENGTH_MAX 100000u /* of a demonstration, and of the watchdog's bound */

enum boot_word {
	BOOT_CONSOLE,
	BOOT_SEMIHOSTING,
	BOOT_HEAP,
	BOOT_FAIL_ALLOC,
	BOOT_INHERIT,
	BOOT_SHARDS,
	BOOT_WATCHDOG,
	BOOT_DEMO,
	BOOT_DAG,
	BOOT_WORDS
};

/* Of the words that are one of some: which. */
enum { BOOT_CONSOLE_PL011, BOOT_CONSOLE_MINIUART };
enum { BOOT_HEAP_SLAB, BOOT_HEAP_TLSF };
enum { BOOT_INHERIT_ON, BOOT_INHERIT_OFF };

/** The number behind '=' or which of some it is; the default if there is none that is allowed. */
u64 boot_word(enum boot_word word);

/** True if it was given, with whatever value. */
bool boot_given(enum boot_word word);

/** Prints a line for each value that is not allowed: what is, and what is taken. */
void boot_report(void);

/** Prints a line for each word that nobody knows. */
void boot_report_unknown(void);

/** Prints all words. */
void boot_help(void);
