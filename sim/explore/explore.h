/*
 * explore.h: the explorer's parts. It is a second runtime for the hooks that the compilers put into
 * the kernel (sim/hooks.c is the first): each of a few threads is a virtual CPU, each atomic is
 * carried out as C11 allows it and not as the host does, and one execution after another is
 * enumerated until there is none left. docs/explorer.md explains how.
 *
 * model.c is the memory, race.c its data races, state.c the program's variables, search.c and
 * order.c the enumeration, hooks.c the hooks and sim/port.h, main.c or litmus.c the program around
 * them. One host thread; nothing here is reentrant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPLORE_THREADS_MAX 6
#define LOCATIONS_MAX       42
#define MESSAGES_MAX        64
#define STEPS_MAX           2048
#define LOCKS_MAX           32

/* What the program under test provides (tests/explore/explore.h). */
extern const unsigned explore_threads;
void explore_begin(void);
void explore_thread(unsigned id);
void explore_end(void);

/* What it may provide. */
extern const bool explore_locks_given __attribute__((weak));
extern const unsigned explore_interrupts[] __attribute__((weak));
extern const bool explore_halts_end __attribute__((weak));
extern const bool explore_newest __attribute__((weak));
void explore_interrupt(unsigned id) __attribute__((weak));

/* memory_order_*, as the hooks pass them. */
enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

enum op_kind {
	OP_LOAD,
	OP_STORE,
	OP_RMW, /* also an exchange */
	OP_CAS, /* compare and exchange */
	OP_FENCE,
	OP_HINT,   /* sim_hint */
	OP_HALT,   /* sim_idle: enabled when a hint is pending */
	OP_RELAX,  /* the body of a spin loop: never enabled, see search.c */
	OP_LOCK,   /* takes a spin lock that is taken for granted: enabled when it is free */
	OP_STRIKE, /* whether an interrupt comes here; concerns nobody else */
};

/* What a thread does next. */
struct op {
	uint8_t kind, order, order_if_not, bytes;
	uintptr_t at, pc;
};

/* Options of a search. */
struct explore_options {
	bool reduce;        /* with partial-order reduction; else every interleaving */
	bool tell;          /* record the steps of each execution */
	bool may_wait;      /* threads that wait for ever are no error */
	uint64_t max;       /* executions; 0: all */
	const char *replay; /* one execution, by these choices; NULL: all */
};

struct explore_counts {
	uint64_t executions; /* all that were begun */
	uint64_t complete;   /* of these, to the end of all threads */
	uint64_t waiting;    /* of these, cut where a thread waits for a write that it has read in
				another */
	uint64_t repeated;   /* of these, cut because others like it were seen */
	uint64_t steps;
	unsigned deepest; /* steps of the longest */
	bool unfit; /* what failed are the choices to replay: they are none, or not this program's */
};

/* search.c */

extern struct explore_options explore_options;
extern struct explore_counts explore_counts;

/** All executions, or the one to replay, each followed by @p done, when it is not NULL, after
 *  explore_end. True when none failed; else explore_error and explore_choices say more. */
bool explore(void (*done)(void));

/** What went wrong in the last execution; "" when nothing did. */
const char *explore_error(void);

/** Writes the last execution's choices in the form that explore_options.replay takes. */
void explore_choices(FILE *to);

/** The thread that runs; EXPLORE_THREADS_MAX in explore_begin and explore_end. */
extern unsigned explore_current;

/** The number of the step under way, from 1. */
unsigned explore_step(void);

/** The calling thread's next operation: comes back when it is its turn. */
void explore_point(struct op op);

/** One of @p n ways for the step under way, from 0. */
unsigned explore_choose(unsigned n);

/** A load of the running thread could read one of @p n writes; of these the first so many, by the time at which they were
 *  made, it need not. */
unsigned explore_known(unsigned n);

/** There is nothing else that it could read: the execution ends here, as others are to go first. */
void explore_put_off(void);

/** A step of the running thread that concerns nobody else, and has so many ways; which, from 0. */
unsigned explore_aside(uintptr_t pc, unsigned ways);

/** The running thread gives the lock with that number. */
void explore_gave(unsigned lock);

/** Ends the execution with an error. Comes back only to the explorer's own code. */
void explore_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** True when the running thread only looks whether its loop would ever end: it reads what is
 * newest. */
extern bool explore_confirming;

/** One more hook that is no scheduling point; fails a thread that makes no other for too long. */
void explore_tick(void);

/* model.c */

/** Forgets all; @p threads begin with clocks of their own. */
void model_reset(unsigned threads);

uint64_t model_load(const struct op *op);
void model_store(const struct op *op, uint64_t value);
/** @p change: the new value from the old one and @p value. Returns the old one. */
uint64_t model_rmw(const struct op *op, uint64_t value, uint64_t (*change)(uint64_t, uint64_t));
/** The old value; it was changed when that is @p expected. */
uint64_t model_cas(const struct op *op, uint64_t expected, uint64_t value);
void model_fence(const struct op *op);
void model_hint(unsigned cpu);
void model_halt(unsigned cpu);
bool model_hinted(unsigned cpu);

/** The number of the spin lock at @p at, below LOCKS_MAX. */
unsigned model_lock(uintptr_t at);
bool model_lock_held(unsigned lock);
void model_lock_take(unsigned lock);
void model_lock_give(unsigned lock);

/** A plain access of the running thread. */
void model_plain(uintptr_t at, size_t bytes, bool write, uintptr_t pc);

/** True when what thread @p id read last has been overwritten since. */
bool model_newer(unsigned id);

/** True when the last thing thread @p id did to memory was to write. */
bool model_wrote(unsigned id);

/** Thread @p id begins to look whether its loop ends; afterwards: has the loop read anything else
 *  than before? */
void model_confirm(unsigned id);
bool model_read_new(unsigned id);

/** Was the first look one that it had not made before its pause? */
bool model_read_late(unsigned id);

/* race.c */

void race_reset(void);

/** An access of the running thread, which knows @p clocks of all threads, to @p bytes, a bit for
 *  each, of the four at @p at. Returns what race_atomic does. */
bool *race_check(const int32_t *clocks, uintptr_t at, uint8_t bytes, bool write, bool atomic,
		 uintptr_t pc);

/** Whether the four bytes at @p at are part of an atomic variable; to be set and read. */
bool *race_atomic(uintptr_t at);

/* state.c */

/** Keeps the program's variables as they are, once. False: they are too many. */
bool state_save(void);

/** The program is about to write there. */
void explore_writes(uintptr_t at, size_t bytes);

/** What was written becomes what it was. */
void state_put_back(void);

/** Fails when a write was not noted: after state_put_back. */
void state_check(void);

/* hooks.c */

/** All CPUs have interrupts enabled and no struct cpu. */
void hooks_reset(void);

/** Interrupts still come to thread @p id. */
bool hooks_struck_later(unsigned id);

/** Thread @p id is at its end: those that still come, come now. */
void hooks_strike_rest(void);

/* main.c */

/** A step, for the list of them; only with explore_options.tell. @p from: number of the step whose
 *  write was read, 0 for what was there at the beginning, -1 when nothing was read. */
void explore_tell(const struct op *op, uint64_t read, uint64_t written, int from, bool wrote,
		  bool in_order);
