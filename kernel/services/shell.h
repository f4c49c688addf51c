/*
 * shell.h: the shell on the console, a task like any other, and its commands. A command is a line
 * in the table of commands.c.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

/** Spawns the shell. Errors: ERR_NOMEM. Context: task. */
int shell_start(void) MUST_CHECK;

#define COMMAND_WORDS_MAX 8

struct command {
	const char *name;
	const char *arguments; /* as `help` shows them; "" for none */
	const char *help;
	unsigned words_min, words_max; /* behind the name */
	/** Runs it with @p words[0..n-1]. Returns 0, or ERR_INVAL when the words are malformed: the
	 *  shell then says what was expected. Context: the shell's task; must not await. */
	int (*run)(char **words, unsigned n);
};

extern const struct command commands[];
extern const unsigned commands_count;

/** Runs one line, which it cuts up. A pair of parentheses around it is accepted. Prints one line
 *  that says what was expected when it is not a command. */
void shell_run_line(char *line);
