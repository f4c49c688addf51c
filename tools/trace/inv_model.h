/*
 * inv_model.h: the model inside invariants.h, shared by its files only.
 *
 * What a CPU does to the run queues comes as operations, each with one seq, and what belongs
 * together may take several, between which other CPUs' operations lie:
 *
 *   a poll ends   settle (job done, or queued again), look, pick or settled
 *   preemption    look, pick, worker_switch, the left task is queued, its hint step
 *   a wake-up     the task is queued, its hint step
 *
 * So a CPU may be in the middle of something: its look is open, a task that it queued has not
 * had its hint step, a task that it left is in no queue yet. What the design promises of all CPUs
 * together is judged for the rest of them, when no hint is pending (inv_cpus.c).
 */
#pragma once

#include "invariants.h"

/* The rules of invariants.c, in its order. */
enum inv_rule {
	RULE_S1, RULE_S2, RULE_S4, RULE_S5,
	RULE_R1, RULE_R1B, RULE_R2, RULE_R3, RULE_R5, RULE_R6, RULE_R7, RULE_R8, RULE_R11,
	RULE_A, RULE_H, RULE_J, RULE_D,
	RULE_P1, RULE_P2, RULE_P3, RULE_P4, RULE_P5, RULE_P6, RULE_P7, RULE_P8, RULE_P9, RULE_P10,
	RULE_P11,
	RULES
};
_Static_assert(RULES <= INV_RULES_MAX, "counts");

enum model_state {
	MODEL_UNKNOWN, /* after a loss */
	MODEL_WAITING, /* or new */
	MODEL_QUEUED,
	MODEL_RUNNING,
	MODEL_PARKED, /* its server is throttled; its timer queues it */
	MODEL_LIMBO, /* left its CPU, or its queue, as ready; its CPU must queue it next */
	MODEL_DEAD,
};

/* Of a task with a server, while it inherits. */
struct model_server {
	bool known;
	i64 left_ns;
	u64 deadline, budget_ns, period_ns;
};

struct model_task {
	i32 tid;
	u8 state;
	u8 class;
	u8 prio;
	bool noted;	/* woken while not waiting, not polled again yet */
	bool ends;	/* its last poll has returned */
	bool reported;	/* as outranking, so that one delay is one report */
	bool exhausted; /* no stack to run it on */
	bool key_known;
	bool inherits; /* its parameters are not its own */
	bool released;	/* deadline is the one of its last release */
	bool job_open;
	u8 poll; /* POLL_* */
	u16 worker;
	u16 cpu; /* where it runs or ran */
	u32 job;
	u32 place; /* in the queue array */
	u32 queued_seq; /* the operation that queued it, and its CPU */
	u32 key_since;  /* while it runs and its key is not known: the operation that changed it */
	u16 queued_cpu;
	u64 key;
	u64 order; /* among equal keys, smaller first */
	u64 deadline;
	u64 cpus; /* where it may run, while it is queued or runs */

	/* For the policies' rules. */
	bool params_known, in_dag;
	bool turn_known;
	bool level_known, boosted; /* or perhaps so, while it waited */
	bool member;		   /* of its class's shares: its job goes on */
	u8 level;
	u16 share;
	u32 rest;
	u64 quantum_ns, relative_ns;
	u64 least_ticks, most_ticks; /* service in this turn lies between */
	u64 since_least, since_most; /* when it took the CPU */
	u64 told_least, told_most;   /* when it took the CPU, or was charged last */
	bool told_known;
	u64 used_ns, served_ns, epoch;
	u64 at, from; /* virtual times */
	i64 ahead;
	u64 budget_ns, period_ns; /* of its server, 0 none */
	bool hard, server_known;
	i64 left_ns; /* of its budget */
	u64 resume_ns; /* while it is throttled */
	u64 done_ns;   /* of its last job */
	u64 server_deadline;
	struct model_server own_server;
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
	bool unseen;  /* what it did before the first event may not be over */
	bool looking; /* its look is open */
	bool spent;   /* and has spent a hint, so that only a sched_settled closes it */
	bool picked;  /* and has taken a task */
	bool expired; /* the quantum of what it runs is over */
	bool charged; /* what it runs may have become less urgent: a look must follow */
	bool charging; /* until its next operation: what it runs leaves, or has its parameters changed */
	bool look_known;
	bool waking; /* its operations belong to a wake-up... */
	i32 woken;   /* ... of this task */
	bool yields; /* duty is a task that yielded: its hint step comes behind the look */
	bool have_op, had_op; /* op, previous_op are valid */
	i32 stack; /* worker, -1 unknown */
	i32 tid;   /* CPU_BUSY */
	i32 left;  /* task that settled, until the sched_switch that says so */
	i32 ended; /* task that ended a job although it was woken: released at once, or R6 */
	i32 late;  /* task whose job ended after its deadline: the miss must be told next */
	i32 limbo; /* task that it left and has not queued, 0 none */
	i32 duty;  /* task that it queued and has not taken the hint step for, 0 none */
	u64 outside_ticks;	/* of its last event outside of operations */
	u64 look_outside_ticks; /* the same when its look began */
	bool out;      /* of scheduling: it takes nothing */
	u32 leaves;    /* seq at which it was told to leave, until it has looked and done so */
	bool decision; /* its sched_switch is to come ... */
	i32 decided;   /* ... and go to this task */
	unsigned ipis;
	u32 op, previous_op; /* seq */
	u32 look;	     /* seq */

	/* Hints for this CPU are numbered: pending are those above `spent_to`. */
	bool hint_unknown;
	u8 looks_known; /* looks since all CPUs are known to be outside of a hint step */
	u32 sent_to, spent_to;
	u32 own; /* the last one that it gave itself, without an interrupt */
	u32 made, made_by; /* number that was sent, surely, before operation made_by */
	bool making;	   /* this CPU's hint step may not be over: number making_number... */
	u8 making_for;	   /* ... for that CPU */
	u32 making_number;
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

/* Virtual time of a class with shares. */
struct model_share {
	u64 now, weight;
	u64 longest_ns; /* request since somebody came or went */
	bool fresh, beyond;
};

struct inv {
	struct inv_config config;
	struct inv_counts counts;
	struct model_cpu cpus[CPUS_MAX];
	unsigned cpus_n; /* all that record are below */
	u64 flat;	 /* bit k: tasks of class k rank alike */
	u64 own_order;	 /* bit k: and who of them is next is not the least key */
	bool complete;	 /* nothing was ever lost */

	/* The operation at hand. */
	bool have_seq, group_open;
	bool group_over; /* its CPU went on to other things: all its events are there */
	u32 seq;
	u32 group_cpu;
	u64 group_ticks;
	struct model_dags dags;

	struct model_share shares[2]; /* fair, stride */
	u64 epoch;		      /* mlfq: the latest boost */
	u64 random, race;	      /* lottery: state of the draws, finish of the last winner */

	const struct trace_event *now;

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

void model_enqueue(struct inv *v, struct model_task *t);
void model_dequeue(struct inv *v, struct model_task *t);

/** The most urgent of the queued tasks that may run on @p cpu; NULL when none is known. */
struct model_task *model_best(const struct inv *v, unsigned cpu);

/** True when queued task @p a must run before @p b, counting order among equals. */
bool model_before(const struct inv *v, const struct model_task *a,
		  const struct model_task *b);

/** True when waiting task @p a is more urgent than @p b, which runs. */
bool model_outranks(const struct inv *v, const struct model_task *a,
		    const struct model_task *b);

/** Forgets all that a missing event could have changed. */
void model_forget(struct inv *v);

struct product {
	u64 high, low;
};

/** All bits of @p a * @p b, without a function of the compiler's library. */
static inline struct product product(u64 a, u64 b)
{
	u64 a_low = a & UINT32_MAX, a_high = a >> 32, b_low = b & UINT32_MAX, b_high = b >> 32;
	u64 low = a_low * b_low, mid = a_high * b_low + (low >> 32);
	u64 other = a_low * b_high + (mid & UINT32_MAX);

	return (struct product){a_high * b_high + (mid >> 32) + (other >> 32),
				other << 32 | (low & UINT32_MAX)};
}

/** True when operation @p a comes before @p b. */
static inline bool seq_before(u32 a, u32 b)
{
	return (i32)(a - b) < 0;
}

static inline struct model_cpu *model_here(struct inv *v)
{
	return &v->cpus[v->now->cpu];
}

/** Counts that @p rule was put to the test; returns whether it was broken. */
static inline bool inv_broken(struct inv *v, enum inv_rule rule, bool broken)
{
	v->counts.judged[rule]++;
	return broken;
}

/**
 * Reports a violation. @p fmt knows %t (task), %u (unsigned), %k (u64), %s; each with its
 * argument: struct model_task * (NULL: "no task"), unsigned, u64, const char *.
 */
void inv_say(struct inv *v, enum inv_rule rule, const struct model_task *about, const char *fmt,
	     ...);

/* inv_rules.c: what each event says of tasks. */

/** Applies @p e, which is v->now, to the model and reports what it breaks. */
void inv_apply(struct inv *v, const struct trace_event *e);

/** inv_dag.c: the same for the events of DAGs. */
void inv_dag(struct inv *v, const struct trace_event *e);

/* inv_cpus.c: looks, hints, and what CPUs leave open. */

/** The event at hand begins an operation of its CPU, or comes with none (@p has_seq false). */
void cpu_goes_on(struct inv *v, bool has_seq, u32 seq);

void cpu_look(struct inv *v, const struct trace_sched_look *p);
void cpu_hint(struct inv *v, const struct trace_sched_hint *p);
void cpu_settled(struct inv *v);
void cpu_offline(struct inv *v);
void cpu_leaves(struct inv *v, const struct trace_cpu_leaves *p);

/** This CPU queued @p t and owes it a hint step. */
void cpu_owes(struct inv *v, const struct model_task *t, u8 why);

/** This CPU takes queued task @p t: is it the one to take? */
void cpu_picks(struct inv *v, const struct model_task *t);

/** The look's decision is made. */
void cpu_picked(struct inv *v);

/** Judges all CPUs together, if nothing is open, after an operation. */
void cpus_check(struct inv *v);

/* inv_policy.c, inv_share.c, inv_lottery.c: what each policy promises of its own tasks. */
void policy_spawn(struct inv *v, struct model_task *t, const struct trace_sched_process_fork *p);
void policy_release(struct inv *v, struct model_task *t, const struct trace_sched_release *p);
void policy_params(struct inv *v, struct model_task *t, const struct trace_sched_params *p);
void policy_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p);
void policy_charge(struct inv *v, const struct trace_sched_charge *p);
void policy_server(struct inv *v, const struct trace_sched_server *p);
void policy_job_done(struct inv *v, const struct model_task *t,
		     const struct trace_sched_job_done *p);
void policy_miss_untold(struct inv *v);
void policy_miss(struct inv *v, const struct trace_sched_miss *p);
void policy_parked(struct inv *v, struct model_task *t);
void policy_takes(struct inv *v, struct model_task *t);
void policy_loses(struct inv *v, struct model_task *prev, const struct model_task *next, u8 why);
void policy_stays(struct inv *v, struct model_task *t);
void share_release(struct inv *v, struct model_task *t);
void share_params(struct inv *v, struct model_task *t, u64 key);
void share_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p);
void share_charge(struct inv *v, struct model_task *t, const struct trace_sched_charge *p);
void share_leave(struct inv *v, struct model_task *t);
void share_pick(struct inv *v, const struct model_task *t);
void share_stays(struct inv *v, const struct model_task *t);
void lottery_enqueue(struct inv *v, struct model_task *t, const struct trace_sched_enqueue *p);
void lottery_charge(struct inv *v, struct model_task *t, const struct trace_sched_charge *p);
void lottery_pick(struct inv *v, const struct model_task *t);
