/*
 * inv_model.h: the model inside invariants.h, shared by its files only.
 */
#pragma once

#include "invariants.h"

enum model_state {
	MODEL_UNKNOWN, /* after a loss */
	MODEL_WAITING, /* or new */
	MODEL_QUEUED,
	MODEL_RUNNING,
	MODEL_LIMBO, /* left its CPU as ready; must be queued before the operation ends */
	MODEL_DEAD,
};

struct model_task {
	i32 tid;
	u8 state;
	u8 class;
	u8 prio;
	bool noted;	/* woken while not waiting, not polled again yet */
	bool leaving;	/* queued, but the CPU has not switched away yet */
	bool reported;	/* as outranking, so that one delay is one report */
	bool exhausted; /* no stack to run it on */
	bool key_known;
	bool released;	/* deadline is the one of its last release */
	bool job_open;
	u8 poll; /* POLL_* */
	u16 worker;
	u16 cpu; /* where it runs or ran */
	u32 job;
	u32 place; /* in the queue array */
	u64 key;
	u64 deadline;
	u64 cpus;  /* where it may run, while it is queued or runs */
	i64 order; /* among equal keys, smaller first */
	char name[16];
};

enum { POLL_UNKNOWN, POLL_CLOSED, POLL_OPEN };

enum model_activity {
	CPU_UNKNOWN,
	CPU_STARTING, /* online, but it has not looked yet */
	CPU_IDLE,
	CPU_BUSY,
};

struct model_cpu {
	u8 activity;
	bool hint_unknown, hint;
	bool own_hint; /* a pending one that it gave itself, without an interrupt */
	bool halted;
	i32 stack; /* worker, -1 unknown */
	i32 tid;   /* CPU_BUSY */
};

/* DAGs, for rule D. */
struct model_period {
	u64 period, release_ns, deadline_ns;
};

struct model_dag {
	u32 number, sink;
	bool sink_known;
	u64 period_ns, deadline_ns; /* 0: not known yet */
	u64 released, done;	    /* periods */
	struct model_period periods[256]; /* those released last */
};

struct model_node {
	u32 dag, number;
	bool open; /* a reaction goes on */
	u64 done;  /* periods */
};

struct model_edge {
	u32 dag, from, to;
};

struct model_dags {
	unsigned dags_n, nodes_n, edges_n;
	struct model_dag dags[32];
	struct model_node nodes[1024];
	struct model_edge edges[4096];
};

struct inv {
	struct inv_config config;
	struct inv_counts counts;
	struct model_cpu cpus[CPUS_MAX];
	bool complete; /* nothing was ever lost */

	/* The operation at hand. */
	bool have_seq, group_open;
	bool group_over; /* its CPU went on to other things: all its events are there */
	u32 seq;
	u32 group_cpu;
	u64 group_ticks;
	bool group_wake;
	unsigned group_ipis;
	i32 decided;	/* tid that sched_decision announced */
	bool decision;	/* there was one */
	unsigned limbo; /* tasks in MODEL_LIMBO or leaving */

	struct model_dags dags;

	const struct trace_event *now;

	i64 head_order, tail_order;
	u32 queued_n;
	u32 *queued; /* indices of tasks */
	u32 tasks_n;
	u32 map_mask;
	u32 *map; /* hash of tid -> index + 1 */
	struct model_task *tasks;
};

/** The task, made when it is new; NULL for tid 0 and when there is no room. */
struct model_task *model_task(struct inv *v, i32 tid);

/** The task if it is known, else NULL. */
struct model_task *model_find(const struct inv *v, i32 tid);

void model_enqueue(struct inv *v, struct model_task *t, bool at_head);
void model_dequeue(struct inv *v, struct model_task *t);

/** The most urgent of the queued tasks that may run on @p cpu; NULL when none is known. */
struct model_task *model_best(const struct inv *v, unsigned cpu);

/** True when queued task @p a must run before @p b, counting order among equals. */
bool model_before(const struct model_task *a, const struct model_task *b);

/** True when waiting task @p a is more urgent than @p b, which runs. */
bool model_outranks(const struct model_task *a, const struct model_task *b);

/** Forgets all that a missing event could have changed. */
void model_forget(struct inv *v);

/**
 * Reports a violation. @p fmt knows %t (task), %u (unsigned), %k (u64), %s; each with its
 * argument: struct model_task * (NULL: "no task"), unsigned, u64, const char *.
 */
void inv_say(struct inv *v, const char *rule, const struct model_task *about, const char *fmt,
	     ...);
