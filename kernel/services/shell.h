/*
 * shell.h: the shell on the console, a task like any other, and its commands. A command is a line
 * in the table of commands.c.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

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

/**
 * Spawns the shell. @p own: commands of the program on top, which the table behind it cannot know,
 * ended by one without a name; NULL for none. Errors: ERR_NOMEM. Context: task, once.
 */
int shell_start(const struct command *own) MUST_CHECK;

/** Command number @p i of the table and, behind them, the program's own; NULL behind the last. */
const struct command *shell_command(unsigned i);

/** Runs one line, which it cuts up. A pair of parentheses around it is accepted. Prints one line
 *  that says what was expected when it is not a command. */
void shell_run_line(char *line);
