/*
 * spawn.h: the shell's `spawn`, a task that computes, with any class and parameters, and `sched`,
 * which gives a task others.
 */
#pragma once

#include "base/error.h"
#include "base/types.h"

#define SPAWN_ARGUMENTS "CLASS [LEVEL|DEADLINE_MS [MS]] [NAME=NUMBER]..."

/**
 * Runs it. words[0] is the class; what is not named has a default where the class needs it. Says on
 * the console which names there are when it does not know one; of values out of range task_spawn
 * says what it expects. Returns 0, or ERR_INVAL when the words are malformed. Context: task.
 */
int spawn_run(char **words, unsigned n) MUST_CHECK;

#define SCHED_ARGUMENTS "ID CLASS [LEVEL|DEADLINE_MS] [NAME=NUMBER]..."

/** The same for the task whose number is words[0], as task_set_params; the class is words[1]. */
int sched_run(char **words, unsigned n) MUST_CHECK;
