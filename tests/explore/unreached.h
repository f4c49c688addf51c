/*
 * unreached.h: what the files of task/ name and no program that explores them reaches.
 */
#pragma once

#include "base/printf.h"
#include "base/words.h"
#include "board/board.h"
#include "core/ksym.h"
#include "task/executor.h"

#define UNREACHED(name) panic("%s is not part of this program", name)

void trace_record(unsigned id, const void *payload, usize bytes, const void *more, usize more_bytes)
{
	(void)id, (void)payload, (void)bytes, (void)more, (void)more_bytes;
	UNREACHED("trace_record");
}

void kprintf(const char *fmt, ...)
{
	(void)fmt;
	UNREACHED("kprintf");
}

int ksnprintf(char *to, usize bytes, const char *fmt, ...)
{
	(void)to, (void)bytes, (void)fmt;
	UNREACHED("ksnprintf");
}

void backtrace_print(uptr pc, uptr fp)
{
	(void)pc, (void)fp;
	UNREACHED("backtrace_print");
}

const char *board_cmdline(void)
{
	UNREACHED("board_cmdline");
}

bool words_find(const char *text, const char *name, char *value, usize bytes)
{
	(void)text, (void)name, (void)value, (void)bytes;
	UNREACHED("words_find");
}

int task_requeue(struct task *t, int (*decide)(struct task *t, const void *arg, struct order *o),
		 const void *arg)
{
	(void)t, (void)decide, (void)arg;
	UNREACHED("task_requeue");
}
