/*
 * sched_model.h: the state of the scheduler's model, and its events; see sched_model.c. It holds
 * what the kernel's structures say in few bytes: from it they are built before each event, and read
 * back behind it.
 */
#pragma once

#ifndef TASKS
#define TASKS 4
#endif
#ifndef CPUS
#define CPUS 2
#endif
#define NOBODY 255

struct model {
	unsigned long long promised[CPUS], key[TASKS], idle;
	unsigned long long can; /* bit n: event n may come next */
	unsigned char state[TASKS], jobs[TASKS], noted[TASKS], suspended[TASKS], owed[TASKS],
		last[TASKS];
	unsigned char order[TASKS], queued; /* who waits, in order of arrival */
	unsigned char running[CPUS], phase[CPUS], left[CPUS], at_head[CPUS], spent[CPUS],
		over[CPUS];
	unsigned char hinted[CPUS], subject[CPUS];    /* for whom it is about to hint */
	unsigned char spurious, ticks, notes, faults; /* how many more there may be */
};

extern struct model m;

void model_begin(void);
/* What is wrong, or NULL. */
char *model_do(int event);
char *model_end(void);
/* Keeps what is wrong, if it is, and gives what was kept. */
char *model_wrong(char *wrong);
