/*
 * dag_impl.h: what the files of dag.h share: dag.c builds and ends DAGs, dag_check.c checks them,
 * dag_run.c runs them.
 */
#pragma once

#include "async/dag.h"
#include "core/time.h"

struct dag_node;

struct dag_input {
	struct subscription subscription;
	struct topic *topic; /* NULL before dag_finish */
	struct dag_node *node; /* whose it is */
	struct dag_node *from; /* who publishes it; NULL before the check, or nobody */
	u32 from_output;
	u32 waiting; /* messages in it; under node->lock */
	struct dag_message *message;
};

struct dag_output {
	struct topic *topic;
	u32 subscribers;
	struct dag_message *message;
};

struct dag_node {
	struct list link;
	struct dag *dag;
	struct dag_reactor spec;
	u32 number, ins, outs;
	u8 part;     /* TRACE_dag_part_* */
	u64 time_ns; /* source: period; sink: deadline */
	struct task *task; /* a reference, from the spawn on */
	struct dag_input *in;
	struct dag_output *out;
	const void **in_payload;
	void **out_payload;

	struct awaitable next; /* period; of its task */
	bool over;	       /* there is none any more */
	struct owned owned;    /* by its task: its place in the DAG */
	struct spin lock;
	u32 filled GUARDED_BY(lock);	/* inputs with a message */
	bool waits GUARDED_BY(lock);	/* its task, for the next period */
	bool granted GUARDED_BY(lock);	/* its task is released for it, or is to end */
	bool ending GUARDED_BY(lock);	/* no period comes from number last on */
	bool failed GUARDED_BY(lock);	/* its task is to end at once: another one died */
	u64 last GUARDED_BY(lock);
	u64 done; /* periods it is done with; of its task, and under the lock */

	/* For the check. */
	u32 mark, ways_open;
	u64 way_ns;
};

struct dag {
	struct list link; /* under the lock of all DAGs */
	struct dag_params params;
	u32 number;
	bool finished;
	struct list nodes; /* constant once finished, like the four below */
	struct dag_node *source, *sink;
	u32 node_count, in_flight;
	u64 first_ns; /* when period 0 is due */

	struct spin lock;
	struct timer timer; /* the source's */
	bool armed GUARDED_BY(lock), source_waits GUARDED_BY(lock), source_granted GUARDED_BY(lock);
	bool stopping GUARDED_BY(lock);
	u32 live GUARDED_BY(lock);	/* reactors whose tasks have not ended */
	bool orphan GUARDED_BY(lock);	/* its maker died: it is freed with the last of them */
	struct owned owned;		/* by its maker */
	u64 next_period GUARDED_BY(lock);
	struct dag_stats stats GUARDED_BY(lock);
	/* Of the period released as number n, at n modulo in_flight. Written before its first
	 * message and, since the sink is done by then, not before its last reader is. */
	struct dag_stamp *stamps;

	struct dag_error errors[DAG_ERRORS_MAX];
	u32 error_count;
	char why[SCHED_WHY_BYTES]; /* the last BAD_PARAMS is one */
};

#define DAG_NODE(it) LIST_ENTRY(it, struct dag_node, link)

/** Resolves who publishes what, and notes in @p d what is wrong. Returns 0 or ERR_INVAL. */
int dag_check(struct dag *d) MUST_CHECK;

/** The task function of node n; its frame is struct dag_frame. */
struct dag_frame {
	struct async async;
	struct dag_node *node;
};
enum poll dag_node_run(void *frame);

/** A subscription's: a message has come for an input. */
void dag_arrived(struct subscription *s);

/** The task that made the DAG has ended, in whichever way. */
void dag_maker_ended(struct owned *o);

/** A reactor's task has ended, in whichever way. */
void dag_node_ended(struct owned *o);

/** The source's timer has come. */
void dag_due(struct timer *t);

/** No period comes to @p n from number @p last on: its task is to end. */
void dag_node_end(struct dag_node *n, u64 last);
