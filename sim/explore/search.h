/*
 * search.h: what search.c and order.c share: the steps of the execution at hand, and its threads.
 */
#pragma once

#include "sim/explore/explore.h"

#define unfit(...) (explore_counts.unfit = true, explore_fail(__VA_ARGS__))

struct node {
	uint8_t thread, enabled, backtrack, done, sleep; /* sets of threads, but the first */
	uint8_t waits; /* whose look would only show that they must wait: see waits_here */
	uint8_t choice, choices;
	uint8_t looked;                     /* writes that a load could have read */
	uint8_t known[EXPLORE_THREADS_MAX]; /* of these, what a thread's look was put off at */
	struct op op;
	/* Steps before this one that it depends on: by thread, the last one's number. */
	uint16_t after[EXPLORE_THREADS_MAX];
};

struct thread {
	void *sp;
	struct op op;      /* the next one */
	bool done, looked; /* looked: behind its end, whether its spin loop ends */
	uint16_t after[EXPLORE_THREADS_MAX]; /* as in its last node */
};

extern struct node nodes[STEPS_MAX];
extern struct thread threads[EXPLORE_THREADS_MAX];
extern int depth; /* of the step under way */

/* order.c */

/** No lock was given yet. */
void order_reset(void);

bool op_writes(const struct op *op);

/** Whether the order of the two is of any matter. */
bool dependent(const struct op *a, const struct op *b);

/** Marks where the next step of thread @p p could also have come before an earlier one: that is to
 * be tried. */
void note_races(unsigned p);

/** Thread @p p takes the step at hand: keeps what it comes behind. */
void note_step(unsigned p);
