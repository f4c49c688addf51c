/*
 * sched_key.h: what SPIN compares states by; see sched_key.c.
 */
#pragma once

#include "sched_model.h"

/* The same of all states that go on alike. */
struct key {
	u8 task[TASKS][3];
	u8 cpu[CPUS][5];
	u8 rest[2];
};
#define HINTS_MAX 7 /* that no look has spent, of each CPU */
extern struct key model_key;

void key_begin(void);
/* Has model_key say what m is. */
void key_make(void);
