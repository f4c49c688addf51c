/*
 * supervisor.h: services that come back. A supervised task that ends by a fault is made anew from
 * its first frame, after a pause that doubles each time; when it falls too often it is given up.
 * One supervisor, a task of its own, for each: one falls, one is restarted (Armstrong, "Making
 * reliable distributed systems in the presence of software errors", 2003, 5.2).
 *
 * What must outlive a fall is not in the service's frame but behind a pointer in it: the requests
 * under way, and which of them is in hand (struct in_hand).
 */
#pragma once

#include "task/task.h"

struct supervision {
	u32 restarts_max;  /* it is given up when it falls once more in a row */
	u64 pause_ns;      /* before the first restart; twice as long before each further one ... */
	u64 pause_max_ns;  /* ... up to this */
	u64 steady_ns;     /* one that lived so long begins to count from 0 again */
};

#define SUPERVISION_DEFAULT                                                                        \
	((struct supervision){.restarts_max = 5, .pause_ns = MS(1), .pause_max_ns = SEC(1),        \
			      .steady_ns = SEC(10)})

/**
 * Spawns @p spec's task and keeps it alive as @p how says. spec->frame must live as long. The
 * supervisor's own task, for which @p handle is as in task_spawn, ends with the service's status:
 * what it returned, ERR_KILLED when somebody killed it, or ERR_FAULT when it was given up.
 * Errors: as task_spawn. Context: task.
 */
int supervise(const struct task_spec *spec, const struct supervision *how, struct task **handle)
	MUST_CHECK;

/* The request that a service works on, where it survives the service; all zero at first. */
struct in_hand {
	bool some;
	u32 tries; /* how often it was begun */
};

/** The service begins a request, or begins it again after a fall; false when it was tried @p tries
 *  times already: then the request itself is at fault, and is to be answered with an error. */
static inline bool in_hand_begin(struct in_hand *h, u32 tries)
{
	h->some = true;
	return h->tries++ < tries;
}

/** It is answered. */
static inline void in_hand_end(struct in_hand *h)
{
	*h = (struct in_hand){.some = false};
}
