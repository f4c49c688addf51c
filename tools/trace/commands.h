/*
 * commands.h: the subcommands, and what they share. Each returns the exit status: 0 all well,
 * 1 something was found or left out, 2 it could not be done.
 */
#pragma once

#include <stdio.h>

#include "reader.h"

#define EXIT_CLEAN 0
#define EXIT_FOUND 1
#define EXIT_UNUSABLE 2

int cmd_check(int argc, char **argv);
int cmd_cut(int argc, char **argv);
int cmd_extract(int argc, char **argv);
int cmd_from_uart(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_perfetto(int argc, char **argv);
int cmd_print(int argc, char **argv);
int cmd_repair(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_tracedat(int argc, char **argv);

/* The help of a subcommand; help.c. */
struct help {
	const char *name, *usage, *summary, *text;
	int (*run)(int argc, char **argv);
};

const struct help *help_for(const char *name);
const struct help *help_at(unsigned i);

/* An option: --name VALUE into *value, or --name into *flag. */
struct option {
	const char *name;
	const char **value;
	bool *flag;
};

/**
 * Sorts the arguments of subcommand argv[0] into options and exactly @p want others. False after
 * a message that says what was expected. @p options ends with a NULL name.
 */
bool options_parse(int argc, char **argv, const struct option *options, const char **others,
		   int want) MUST_CHECK;

/** A number, decimal or 0x...; false after a message. */
bool parse_number(const char *option, const char *text, u64 *out) MUST_CHECK;

/** A time: seconds with decimals, or with the unit s, ms, us or ns behind it. */
bool parse_time(const char *option, const char *text, u64 *ns) MUST_CHECK;

/** Loads the trace; false after a message. Says on stderr what is damaged when @p complain. */
bool open_trace(struct trace *t, const char *dir, bool complain) MUST_CHECK;

/** Message "fermata-trace: ..." on stderr; returns EXIT_UNUSABLE. */
int fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* What the trace says about each task. */
struct task_entry {
	i32 tid;
	u8 class, prio;
	bool known; /* class and prio are */
	char name[17];
};

struct task_table {
	struct task_entry *entries;
	usize n, room;
	u32 *map; /* hash of tid -> index + 1 */
	usize map_size;
};

/** Collects the tasks of the whole trace. Entry 0 is tid 0. False without memory. */
bool tasks_collect(struct task_table *tasks, const struct trace *t) MUST_CHECK;
void tasks_free(struct task_table *tasks);

/** Index of the task in entries, which is made if it is new; 0 without memory. */
usize tasks_index(struct task_table *tasks, i32 tid);

/** A name to print: the task's, "idle" for 0, "?" when it has none. */
const char *tasks_name(const struct task_table *tasks, i32 tid);
