/*
 * event.h: waiting for something that happens, and waiting for each other.
 * Context: task for the awaitables, any for the rest. See wait.h for locks and order.
 */
#pragma once

#include "async/wait.h"

/* Stays set until it is reset. */
struct event {
	struct wait_queue queue;
	bool set; /* under queue.lock */
};

void event_init(struct event *e);

/** Sets @p e: whoever waits goes on, also when it is reset before they run. */
void event_set(struct event *e);

/** Whoever waits from now on waits for the next event_set. */
void event_reset(struct event *e);

/** Ready when @p e is set. */
struct awaitable *event_wait(struct wait *w, struct event *e);

struct barrier {
	struct wait_queue queue;
	u32 tasks;      /* constant */
	u32 to_go;      /* of the generation that is passing; under queue.lock, like the next */
	u64 generation; /* how many times it opened */
};

/** For @p tasks (at least one) tasks. */
void barrier_init(struct barrier *b, u32 tasks);

/** Ready when as many tasks wait as the barrier is for; then it begins anew. One that is
 *  cancelled before that has not arrived. */
struct awaitable *barrier_wait(struct wait *w, struct barrier *b);
