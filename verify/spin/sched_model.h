/*
 * sched_model.h: the state of the scheduler's model, and its steps; see sched_model.c. It holds
 * what the kernel's structures say in few bytes: from it they are built before each step, and read
 * back behind it.
 *
 * SPIN takes the steps by number (model_do), within bounds on what happens to the machine. The
 * acceptor of traces (accept.c, with ACCEPT defined) takes them as a trace shows them, without
 * these bounds.
 */
#pragma once

#include "base/types.h"
#include "sched/sched.h"

#ifndef TASKS
#define TASKS 4
#endif
#ifndef CPUS
#define CPUS 2
#endif
#define NOBODY 255
#ifndef PLUG
#define PLUG 0 /* so many times may a CPU leave or come back */
#endif
#define SAW     (1ull << 63)
#define NO_HINT 254 /* in giving[]: nobody needs to be hinted, which a trace says, too */

enum { WAITING, READY, RUNNING, LEAVING, DEAD };

/*
 * What a CPU does next: nothing; begin its look, with the only lock held; take, with the lock held;
 * take; hint for whom it gave up at a poll's end; end its look; tell that; queue whom it left
 * behind; hint for him; hint for whom it woke; hint a CPU that is to leave or to come back.
 */
enum { RUN, LOOK, TAKE_HELD, TAKE, YIELDED, SETTLE, TELL, ARRIVE, OTHERS, WOKEN, PLUGGED };

/* What may disturb it. */
enum trouble { SPURIOUS_ONE, TICKS, NOTES, FAULTS, TROUBLES };

struct model {
	u64 promised[CPUS], key[TASKS], idle, online;
	u64 saw[CPUS]; /* the CPUs online, as read by one that is about to hint, and SAW; 0: not
			  read */
	u64 can;       /* bit n: event n may come next */
	u8 state[TASKS], jobs[TASKS], noted[TASKS], suspended[TASKS], owed[TASKS], last[TASKS];
	u8 order[TASKS], queued; /* who waits, in order of arrival */
	u8 running[CPUS], phase[CPUS], left[CPUS], at_head[CPUS], spent[CPUS], over[CPUS];
	i8 hinted[CPUS];      /* so many hints are counted that no look has spent */
	u8 interrupted[CPUS]; /* a hint's interrupt is pending; those of several are one */
	u8 own[CPUS];         /* the CPU hinted itself, and looks without an interrupt */
	u8 giving[CPUS];  /* the CPU that it is about to count a hint for, or NO_HINT, or NOBODY ...
			   */
	u8 sends[CPUS];   /* ... and interrupt */
	u8 subject[CPUS]; /* for whom it is about to hint, as he was when he was queued: */
	u64 want_rank[CPUS];
	u8 want_cpu[CPUS];
	u8 leaving[CPUS], out[CPUS]; /* of scheduling: told to, and done */
	u8 asks[CPUS], goes[CPUS];   /* it looks, and is about to see whether to leave; and is to */
	u8 locked;                   /* the CPU that holds the lock from one step to the next */
	u8 plugs, troubles[TROUBLES]; /* how many more there may be */
#ifdef ACCEPT
	u32 hints[CPUS];     /* counted for it */
	u32 number[CPUS];    /* of the hint that it is about to count, 0: not yet told */
	u8 chose[CPUS];      /* its look found somebody, or had to tell that it did not */
	u8 coming[CPUS];     /* it is about to be online */
	u8 plugs_out[CPUS];  /* the CPU that it is about to take from those online, or NOBODY */
	u8 switches[CPUS];   /* what its look came to is not told yet */
	u8 prev[CPUS];       /* whom it left then */
	u8 prev_state[CPUS]; /* and in which state that was; by now it may have been woken */
	u8 looks[CPUS];      /* it has begun to look, which is not told yet */
#endif
};

extern struct model m;
extern struct sched_params model_params[TASKS];

/* What a step shows to the world: what a trace would say. */
enum shown {
	SHOW_WAKE,
	SHOW_NOTE,
	SHOW_DONE,
	SHOW_YIELD,
	SHOW_LOOK,
	SHOW_SWITCH,
	SHOW_HINT,
	SHOW_ENQUEUE
};
struct shown_step {
	u8 what, cpu, task, other;
};
extern struct shown_step model_shown[4];
extern unsigned model_shown_n;

/* The steps. Each returns what is wrong, or NULL. */
char *step_goes_on(unsigned c);
/* The same, with the numbers of the two other CPUs exchanged. */
char *step_goes_on_swapped(unsigned c);
enum why { BY_HINT, SPURIOUS, TICK };
char *step_interrupted(unsigned c, enum why why);
enum end { WAITS, ENDS };
char *step_poll_ends(unsigned c, enum end how);
char *step_wake(unsigned c, unsigned t, u64 now_ns);
char *step_plug(unsigned c, unsigned target);
/* CPU c counts the hint that it claimed a promise for. */
char *step_give(unsigned c);
char *model_invariants(void);

void model_begin(void);
char *model_do(int event);
char *model_end(void);
/* Keeps what is wrong, if it is, and gives what was kept. */
char *model_wrong(char *wrong);
