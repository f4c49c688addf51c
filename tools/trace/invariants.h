/*
 * invariants.h: the design's scheduling rules as a judge of events. Feed it every event in
 * order: by time, but no event with a seq before one with a smaller seq. It models run queues,
 * CPUs and hints from the events alone and reports each event, or scheduler operation (all
 * events with one seq), that breaks a rule.
 *
 * Pure: no I/O, no allocation, no libc beyond what a compiler expects of any program. All state
 * lies in the arena that the caller gives. Unknown is never wrong: what was lost, or lies before
 * the first event, is learned again as the events show it.
 */
#pragma once

#include "events.h"

struct violation {
	const char *rule; /* "R1" ... */
	const char *text; /* one sentence; valid during the call */
	u64 ticks;
	u32 cpu;
	u32 seq;
	bool has_seq;
	i32 tid; /* the task that it is about; 0 when none */
};

struct inv_config {
	u64 cpus;	 /* bit c: CPU c records events */
	unsigned tasks;	 /* that can be alive at the same time, 1 to 2^20 */
	bool from_start; /* the first event is the machine's first */
	u64 clock_hz;	 /* 0: unknown, and turns are not judged */
	u64 seed;	 /* of the run, with which lots are drawn */
	bool one_lock;	 /* each operation is whole: no sched_settled ends a look */
	void (*report)(void *ctx, const struct violation *v);
	void *ctx;
};

#define INV_RULES_MAX 32

struct inv_counts {
	u64 events, operations;
	u64 losses;	  /* gaps in seq, at which all was forgotten */
	u64 evaluated;	  /* operations after which all CPUs together were judged */
	u64 violations;
	u64 releases, jobs, misses; /* jobs done; those whose deadline had passed */
	u64 notes;		    /* wake-ups of tasks that were not waiting */
	u64 cpu0_switches;	    /* to a task, on CPU 0 */
	u64 ipis, hints, preemptions, exhausted;
	u64 untracked; /* events of tasks for which there was no room */
	u64 judged[INV_RULES_MAX]; /* how often rule_at(i) was put to the test */
};

struct inv;

/** Bytes of arena, 16-byte aligned, for so many tasks. */
usize inv_arena_bytes(unsigned tasks);

/** NULL when the arena is too small. @p config is copied. */
struct inv *inv_begin(void *arena, usize bytes, const struct inv_config *config);

void inv_event(struct inv *v, const struct trace_event *e);

/** Judges what only the end shows. */
void inv_end(struct inv *v);

const struct inv_counts *inv_counts(const struct inv *v);

/* The rules, for people. */
struct rule {
	const char *id, *title, *meaning;
};

/** Rule @p i from 0, or NULL behind the last; the structure's S rules come first, which the
 *  reader judges (reader.h), but for S5. */
const struct rule *rule_at(unsigned i);
