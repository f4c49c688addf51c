/*
 * dag.h: DAGs of reactors on topics. A reactor is a function that runs once a period, when a
 * message of that period lies at each of its inputs (topics), and that fills a message for each of
 * its outputs. One reactor, the source, has no inputs and is released by time; one, the sink, has
 * no outputs, and what it is done with is done. Each reactor has a task, so those that do not
 * depend on each other run at the same time, and a new period may begin before the last is done.
 *
 * When a period is due, its absolute deadline is fixed: the time it was due and the sink's relative
 * deadline. All reactions to it inherit this deadline as their jobs' (task_wake_deadline), whatever
 * else is under way. Its index travels in each message. (Source: Saifullah, Ferry, Li, Agrawal,
 * Lu, Gill, "Parallel real-time scheduling of DAGs", IEEE TPDS 25(12), 2014, for the model.)
 *
 * At most `in_flight` periods are under way. A topic holds as many messages, so to publish never
 * waits; when one more period is due the source waits for the sink, and then either makes up for
 * what it missed or skips it.
 *
 * Context: task, except where said. Locks: a topic's, then a reactor's; and the DAG's; each before
 * the timers' and the scheduler's. Only dag_create, the three that add a reactor and dag_finish
 * allocate. When a reactor's task dies of a fault or is killed its DAG ends: no new period begins,
 * those under way stay undone, and dag_join tells. When the task that made the DAG dies, the DAG
 * ends like after dag_stop, and is freed with its last reactor.
 */
#pragma once

#include "async/join.h"
#include "async/pubsub.h"

#define DAG_NAME_BYTES 16
#define DAG_IN_FLIGHT_MAX 1024u
#define DAG_TIME_MAX_NS SEC(1000000) /* of periods, deadlines and budgets */
#define DAG_ERRORS_MAX 32u

/* What each message begins with, for everybody who subscribes. */
struct dag_stamp {
	u64 period; /* index, from 0; one that was skipped has none */
	u64 release_ns, deadline_ns;
};

struct dag_message {
	struct dag_stamp stamp;
	char payload[] __attribute__((aligned(16)));
};

/* What a reactor's function gets. */
struct dag_reaction {
	struct dag_stamp stamp;
	void *arg;		/* the reactor's */
	const void *const *in;	/* a message of each input, in the order of its inputs */
	void *const *out;	/* room for a message of each output, zeroed before the first time */
};

/* May be preempted, but must not await. The messages are its own until it returns. */
typedef void dag_fn(struct dag_reaction *r);

/* A function with what it takes and gives: the bytes of each message, ended by 0; NULL: none. */
struct dag_function {
	dag_fn *run;
	const u32 *takes, *gives;
};

#define DAG_BYTES(...) ((const u32[]){__VA_ARGS__, 0})
#define DAG_TOPICS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A reactor; copied, but all that it points to stays the caller's and must outlive the DAG. */
struct dag_reactor {
	const char *name; /* up to DAG_NAME_BYTES - 1 characters */
	struct dag_function function;
	const char *const *inputs, *const *outputs; /* names of topics, ended by NULL; NULL: none */
	struct sched_params params; /* of its task; EDF, CEDF: deadline_ns 0, the sink says it */
	u64 budget_ns; /* CPU time that a reaction may take; 0: not named. Overruns are counted */
	void *arg;
};

struct dag_params {
	const char *name; /* as a reactor's */
	u64 periods;	  /* after which it ends; 0: at dag_stop */
	u32 in_flight;	  /* periods under way; 0: as many as fit into the deadline, and one */
	bool skip;	  /* periods that are missed are left out; else all come, if late */
	bool overload;	  /* budgets that the deadline or the CPUs have no room for are accepted */
};

struct dag;

/** Makes an empty DAG. Errors: ERR_NOMEM. */
int dag_create(const struct dag_params *p, struct dag **d) MUST_CHECK;

/** Adds a reactor. What is wrong with it says dag_finish. Errors: ERR_NOMEM; ERR_BUSY, the DAG
 *  is finished. */
int dag_add(struct dag *d, const struct dag_reactor *r) MUST_CHECK;

/** Adds the source, which is released every @p period_ns. Errors as dag_add. */
int dag_source(struct dag *d, const struct dag_reactor *r, u64 period_ns) MUST_CHECK;

/** Adds the sink, which is to be done @p deadline_ns after the time that the period was due. */
int dag_sink(struct dag *d, const struct dag_reactor *r, u64 deadline_ns) MUST_CHECK;

/* What can be wrong with a DAG, for whom, and what to do. The first thirteen are the reference
 * system's. */
#define DAG_ERRORS(X)                                                                              \
	X(NOT_CONNECTED, "has no connection with the source",                                      \
	  "join it to the others by a topic, or make it a DAG of its own")                         \
	X(CYCLE, "waits, over this input, for what it publishes itself",                           \
	  "take one topic of the circle out; state of the last period belongs into arg")           \
	X(EMPTY, "it has no reactors", "add some with dag_source, dag_add and dag_sink")           \
	X(MANY_SOURCES, "is a second reactor without inputs",                                      \
	  "let it subscribe to a topic of the source, or make it a DAG of its own")                \
	X(MANY_SINKS, "is a second reactor without outputs",                                       \
	  "let it publish to a topic that the sink subscribes to")                                 \
	X(NO_PUBLISHER, "subscribes to a topic that no reactor publishes",                         \
	  "add the topic to the outputs of one, or correct its name")                              \
	X(NO_SUBSCRIBER, "publishes to a topic that no reactor subscribes to",                     \
	  "add the topic to the inputs of one, or correct its name")                               \
	X(TAKES_OTHERWISE, "its function takes another number of messages than it has inputs",     \
	  "name one topic in inputs for each entry of takes")                                      \
	X(GIVES_OTHERWISE, "its function gives another number of messages than it has outputs",    \
	  "name one topic in outputs for each entry of gives")                                     \
	X(INPUT_TWICE, "subscribes twice to one topic", "name each topic once in inputs")          \
	X(OUTPUT_TWICE, "publishes twice to one topic", "name each topic once in outputs")         \
	X(MANY_PUBLISHERS, "is a second publisher of this topic",                                  \
	  "give it a topic of its own, and its subscribers one more input")                        \
	X(TOPIC_OF_ANOTHER, "the topic belongs to another DAG", "give it a name of its own")       \
	X(NO_SOURCE, "it has no source", "add the reactor that begins each period by dag_source")  \
	X(NO_SINK, "it has no sink", "add the reactor that ends each period by dag_sink")          \
	X(SOURCE_WITH_INPUT, "is the source, but has inputs",                                      \
	  "a source is released by time alone: leave inputs out, or add it by dag_add")            \
	X(SINK_WITH_OUTPUT, "is the sink, but has outputs",                                        \
	  "leave outputs out, or add it by dag_add and another one by dag_sink")                   \
	X(NO_FUNCTION, "has no function", "set function.run")                                      \
	X(BAD_NAME, "its name is empty, too long or another one's",                                \
	  "choose 1 to 15 characters (topics: 1 to 31) that no other has")                         \
	X(MESSAGE_BYTES, "takes messages of another size than the publisher gives",                \
	  "use one type on both ends")                                                             \
	X(BAD_PERIOD, "its period is out of range", "choose 1 ns to 1000000 s")                    \
	X(BAD_DEADLINE, "its deadline is out of range", "choose 1 ns to 1000000 s")                \
	X(BAD_IN_FLIGHT, "too many periods would be in flight",                                    \
	  "choose up to 1024, or a shorter deadline, or a longer period")                          \
	X(BAD_PARAMS, "its scheduling parameters are wrong", "see what they take")                \
	X(OWN_DEADLINE, "its scheduling parameters name a deadline",                               \
	  "leave deadline_ns 0: each period's deadline comes from the sink")                       \
	X(TOO_LONG, "the budgets on the longest way to it exceed the deadline",                    \
	  "every period would miss: shorten the way or allow more time")                           \
	X(OVERLOAD, "its budget exceeds the period, or all budgets what the CPUs have in one",     \
	  "periods would pile up: split the work or choose a longer period")                       \
	X(TOPIC_TAKEN, "the topic is open already, with other parameters",                         \
	  "give it another name")

enum dag_error_code {
#define X(code, what, advice) DAG_ERR_##code,
	DAG_ERRORS(X)
#undef X
	DAG_ERROR_CODES
};

struct dag_error {
	enum dag_error_code code;
	const char *reactor, *topic; /* where; NULL when it is none's */
	const char *why;	     /* more, or NULL */
};

/** What @p code means and what to do about it. */
const char *dag_error_what(enum dag_error_code code);
const char *dag_error_advice(enum dag_error_code code);

/**
 * Checks the DAG; when it is right, makes a task for each reactor, the source last, and the first
 * period begins. Errors: ERR_INVAL, with a line on the console for each mistake: the DAG stays as
 * it was and is of use for dag_errors and dag_free only; ERR_NOMEM: join it before it
 * is freed; ERR_BUSY, it is finished.
 */
int dag_finish(struct dag *d) MUST_CHECK;

/** True when it was finished: it has tasks. */
bool dag_finished(const struct dag *d);

/** What the last dag_finish found: up to DAG_ERRORS_MAX. Returns how many there are at @p e. */
unsigned dag_errors(const struct dag *d, const struct dag_error **e);

/** Ends the DAG: no new period begins, and its tasks end when those under way are done. */
void dag_stop(struct dag *d);

struct dag_stats {
	u64 released, done, missed; /* periods; missed: done after the deadline */
	u64 skipped;		    /* periods left out */
	u64 overruns;		    /* reactions that took more than their budget */
	u64 response_least_ns, response_most_ns, response_sum_ns; /* end to end, of those done */
	u64 in_flight_most;
};

/** The figures of one instant. Context: any. */
struct dag_stats dag_stats(struct dag *d);

/** The parameters that a topic of @p d is open with, for whoever wants to listen: @p bytes as in
 *  the publisher's gives. Its messages are struct dag_message. After dag_finish. */
struct topic_params dag_topic_params(const struct dag *d, u32 bytes);

/* For AWAIT_CALL(me, dag_join, &me->join), with @c dag set and all else 0: waits until all tasks
 * have ended, after dag_stop or the last period. Its status: 0, or ERR_FAULT or ERR_KILLED when a
 * reactor's task ended so. */
struct dag_join {
	struct async async;
	struct dag *dag;
	struct list *at;
	struct join join;
};
enum poll dag_join(void *frame);

/** Frees @p d, which was joined or never finished. */
void dag_free(struct dag *d);
