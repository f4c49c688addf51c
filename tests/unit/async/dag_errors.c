/*
 * Every mistake that a DAG can have is found, named, and said once; and what is right is accepted.
 * cpus: 1 2 4
 */
#include "../test.h"
#include "async/dag.h"
#include "mm/kmalloc.h"

#define REACTORS 8u
#define TOPICS	 8u

/*
 * A DAG in one line: "S:s>a,b R:x<a>c K:k<b,c". S source, R reactor, K sink; < inputs, > outputs;
 * behind ! what is wrong with it: t takes one message more, g gives one more, b its messages are
 * bigger, f no function, d a deadline of its own, l a level that there is not, p a period or
 * deadline of 0, m one of 11 days and more, c a budget of 600 us, C one of 2 ms. Each message is a
 * u32, the period 1 ms, the deadline 2 ms.
 */
struct parsed {
	char names[REACTORS][DAG_NAME_BYTES + 8];
	char topics[REACTORS][2][TOPICS][40];
	const char *lists[REACTORS][2][TOPICS + 1];
	u32 bytes[REACTORS][2][TOPICS + 2];
	unsigned count;
};
static struct parsed p;

static void runs(struct dag_reaction *r)
{
	(void)r;
}

static const char *word(const char *at, char *to)
{
	while (*at && !strchr("<>,! ", *at))
		*to++ = *at++;
	*to = '\0';
	return at;
}

static const char *topics(const char *at, unsigned reactor, unsigned side)
{
	unsigned n = 0;

	do
		at = word(at + 1, p.topics[reactor][side][n++]);
	while (*at == ',');
	for (unsigned i = 0; i < n; i++) {
		p.lists[reactor][side][i] = p.topics[reactor][side][i];
		p.bytes[reactor][side][i] = sizeof(u32);
	}
	return at;
}

static void wrong(char what, unsigned i, struct dag_reactor *r, u64 *time_ns)
{
	u32 *takes = p.bytes[i][0], *gives = p.bytes[i][1];

	switch (what) {
	case 't': while (*takes) takes++; *takes = 4; break;
	case 'g': while (*gives) gives++; *gives = 4; break;
	case 'b': *gives = 8; break;
	case 'f': r->function.run = NULL; break;
	case 'd': r->params = SCHED_PARAMS_EDF(MS(1)); break;
	case 'l': r->params = SCHED_PARAMS_FIFO(32); break;
	case 'p': *time_ns = 0; break;
	case 'm': *time_ns = DAG_TIME_MAX_NS + 1; break;
	case 'c': r->budget_ns = US(600); break;
	case 'C': r->budget_ns = MS(2); break;
	default: panic("'%c' is no mistake", what);
	}
}

static void add(struct dag *d, const char *text)
{
	while (*text) {
		unsigned i = p.count++;
		char kind = *text;
		u64 time_ns = kind == 'S' ? MS(1) : MS(2);
		struct dag_reactor r = {.name = p.names[i],
					.function = {runs, p.bytes[i][0], p.bytes[i][1]},
					.inputs = p.lists[i][0],
					.outputs = p.lists[i][1],
					.params = SCHED_PARAMS_FIFO(5)};

		text = word(text + 2, p.names[i]);
		while (*text && *text != ' ')
			if (*text == '!')
				while (*++text && *text != ' ')
					wrong(*text, i, &r, &time_ns);
			else
				text = topics(text, i, *text == '>');
		while (*text == ' ')
			text++;
		if (kind == 'S')
			MUST(dag_source(d, &r, time_ns));
		else if (kind == 'K')
			MUST(dag_sink(d, &r, time_ns));
		else
			MUST(dag_add(d, &r));
	}
}

struct expected {
	enum dag_error_code code;
	const char *reactor, *topic;
	unsigned cpus; /* more of them have room for it; 0: it is always wrong */
};

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct dag *make(const char *text, u32 in_flight)
{
	struct dag *d;

	memset(&p, 0, sizeof p);
	MUST(dag_create(&(struct dag_params){.name = "test", .in_flight = in_flight}, &d));
	add(d, text);
	return d;
}

static void expect(const char *text, u32 in_flight, const struct expected *e, unsigned n)
{
	u64 blocks = kmalloc_stats().blocks;
	struct dag *d = make(text, in_flight);
	const struct dag_error *found;
	unsigned count, at = 0;

	MUST(dag_finish(d) == ERR_INVAL ? 0 : ERR_CORRUPT);
	count = dag_errors(d, &found);
	for (unsigned i = 0; i < n; i++) {
		if (e[i].cpus && cpu_count > e[i].cpus)
			continue;
		if (at >= count || found[at].code != e[i].code ||
		    !same(found[at].reactor, e[i].reactor) || !same(found[at].topic, e[i].topic))
			test_fail(__FILE__, __LINE__, "%s: mistake %u is not: %s", text, at,
				  dag_error_what(e[i].code));
		at++;
	}
	if (count != at)
		test_fail(__FILE__, __LINE__, "%s: %u mistakes, not %u", text, count, at);
	dag_free(d);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

#define E(code, reactor, topic) {DAG_ERR_##code, reactor, topic, 0}
#define UP_TO(cpus, code, reactor) {DAG_ERR_##code, reactor, NULL, cpus}
#define EXPECT(text, ...)                                                                          \
	expect(text, 0, (const struct expected[]){__VA_ARGS__},                                    \
	       sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

static void the_graph_is_checked(void)
{
	EXPECT("S:s>a K:k<a R:x<c>b R:y<b>c", E(NOT_CONNECTED, "x", NULL), E(CYCLE, "y", "b"));
	EXPECT("S:s>a R:x<a,c>b R:y<b>c,d K:k<d", E(CYCLE, "x", "c"));
	EXPECT("S:s>a R:x<a,b>b,c K:k<c", E(CYCLE, "x", "b"));
	EXPECT("", E(EMPTY, NULL, NULL));
	EXPECT("S:s>a S:t>b K:k<a,b", E(MANY_SOURCES, "t", NULL));
	EXPECT("S:s>a R:t>b K:k<a,b", E(MANY_SOURCES, "t", NULL));
	EXPECT("S:s>a,b K:k<a K:l<b", E(MANY_SINKS, "l", NULL));
	EXPECT("S:s>a,b K:k<a R:l<b", E(MANY_SINKS, "l", NULL));
	EXPECT("S:s>a K:k<a,b", E(NO_PUBLISHER, "k", "b"));
	EXPECT("S:s>a,b K:k<a", E(NO_SUBSCRIBER, "s", "b"));
	EXPECT("R:s>a K:k<a", E(NO_SOURCE, NULL, NULL));
	EXPECT("S:s>a R:k<a", E(NO_SINK, NULL, NULL));
	EXPECT("S:s<b>a K:k<a>b", E(SOURCE_WITH_INPUT, "s", "b"), E(SINK_WITH_OUTPUT, "k", "b"),
	       E(CYCLE, "k", "a"));
	/* Two mistakes that have nothing to do with each other are both said. */
	EXPECT("S:s>a R:x<a>b!f R:y<a>b K:k<b,z", E(NO_FUNCTION, "x", NULL),
	       E(NO_PUBLISHER, "k", "z"), E(MANY_PUBLISHERS, "y", "b"));
}

static void each_reactor_is_checked(void)
{
	EXPECT("S:s>a K:k<a!t", E(TAKES_OTHERWISE, "k", NULL));
	EXPECT("S:s>a!g K:k<a", E(GIVES_OTHERWISE, "s", NULL));
	EXPECT("S:s>a K:k<a,a", E(INPUT_TWICE, "k", "a"));
	EXPECT("S:s>a,a K:k<a", E(OUTPUT_TWICE, "s", "a"));
	EXPECT("S:s>a,b R:x<a>c R:y<b>c K:k<c", E(MANY_PUBLISHERS, "y", "c"));
	EXPECT("S:s>a!f K:k<a", E(NO_FUNCTION, "s", NULL));
	EXPECT("S:s>a K:s<a", E(BAD_NAME, "s", NULL));
	EXPECT("S:>a K:k<a", E(BAD_NAME, "", NULL));
	EXPECT("S:sixteenletters>a K:k<a R:sixteen-letters-x<a>c",
	       E(BAD_NAME, "sixteen-letters-x", NULL), E(NO_SUBSCRIBER, "sixteen-letters-x", "c"));
	EXPECT("S:s>a-topic-with-thirty-two-letters-x K:k<a-topic-with-thirty-two-letters-x",
	       E(BAD_NAME, "s", "a-topic-with-thirty-two-letters-x"),
	       E(BAD_NAME, "k", "a-topic-with-thirty-two-letters-x"));
	EXPECT("S:s>a!b K:k<a", E(MESSAGE_BYTES, "k", "a"));
	EXPECT("S:s>a!d K:k<a", E(OWN_DEADLINE, "s", NULL));
	EXPECT("S:s>a!l K:k<a", E(BAD_PARAMS, "s", NULL));
}

static void times_are_checked(void)
{
	EXPECT("S:s>a!p K:k<a", E(BAD_PERIOD, "s", NULL));
	EXPECT("S:s>a!m K:k<a", E(BAD_PERIOD, "s", NULL));
	EXPECT("S:s>a K:k<a!p", E(BAD_DEADLINE, "k", NULL));
	EXPECT("S:s>a K:k<a!m", E(BAD_DEADLINE, "k", NULL));
	/* Longer than the deadline of 2 ms, on the longest way alone. */
	EXPECT("S:s>a!c R:x<a>b!c R:y<b>c!c K:k<c,a!c", E(TOO_LONG, "k", NULL),
	       UP_TO(2, OVERLOAD, "k"));
	EXPECT("S:s>a!c R:x<a>b!c R:y<b>c!c R:z<a>d K:k<c,d!c", E(TOO_LONG, "k", NULL),
	       UP_TO(2, OVERLOAD, "k"));
	/* More than the period of 1 ms; and than what so many CPUs have in it. */
	EXPECT("S:s>a R:x<a>b!C K:k<a,b", E(OVERLOAD, "x", NULL), UP_TO(1, OVERLOAD, "k"));
	if (cpu_count <= 2)
		EXPECT("S:s>a!c R:x<a>b!c R:y<a>c!c R:z<a>d!c K:k<b,c,d", E(OVERLOAD, "k", NULL));
	expect("S:s>a K:k<a", DAG_IN_FLIGHT_MAX + 1,
	       (const struct expected[]){E(BAD_IN_FLIGHT, NULL, NULL)}, 1);
}

static void texts_say_what_and_what_to_do(void)
{
	for (unsigned code = 0; code < DAG_ERROR_CODES; code++) {
		CHECK(strlen(dag_error_what(code)) > 10);
		CHECK(strlen(dag_error_advice(code)) > 10);
	}
}

struct scene {
	struct async async;
	struct dag_join join;
	struct dag *d, *second;
	struct topic *topic;
	u64 blocks;
	unsigned i;
};

static enum poll what_is_right_is_accepted(void *frame)
{
	static const char *const right[] = {
		"S:s>a K:k<a",
		"S:s>a R:x<a>b R:y<a>c K:k<a,b,c", /* one topic, three subscribers */
		"S:s>a,b,c,d,e,f,g R:x<a,b,c,d,e,f,g>h,i,j,k,l K:k<h,i,j,k,l", /* many ports */
		"K:k<c,b R:y<b>c R:x<a>b S:s>a",	     /* added in any order */
		"S:s>a!c R:x<a>b K:k<a,b",	     /* 0.6 ms of 1 */
		"S:s>a!c R:x<a>b!c K:k<a,b!c",	     /* 1.8 ms, which two CPUs have */
	};
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	me->blocks = kmalloc_stats().blocks;
	for (me->i = 0; me->i < ARRAY_LEN(right) - (cpu_count == 1); me->i++) {
		me->d = make(right[me->i], 0);
		CHECK_EQ(dag_finish(me->d), 0);
		CHECK_EQ(dag_finish(me->d), ERR_BUSY);
		CHECK_EQ(dag_add(me->d, &(struct dag_reactor){.name = "late"}), ERR_BUSY);
		dag_stop(me->d);
		me->join = (struct dag_join){.dag = me->d};
		AWAIT_CALL(me, dag_join, &me->join);
		dag_free(me->d);
	}
	ASYNC_END(me);
}

static struct dag *make_second(void)
{
	static const char *const both[] = {"c", "b", NULL};
	static const u32 bytes[] = {4, 4, 0};
	static const struct dag_reactor source = {.name = "t",
						  .function = {runs, NULL, bytes},
						  .outputs = both,
						  .params = {.class = SCHED_FIFO}};
	static const struct dag_reactor sink = {.name = "u",
						.function = {runs, bytes, NULL},
						.inputs = both,
						.params = {.class = SCHED_FIFO}};
	struct dag *d;

	MUST(dag_create(&(struct dag_params){.name = "second"}, &d));
	MUST(dag_source(d, &source, MS(1)));
	MUST(dag_sink(d, &sink, MS(1)));
	return d;
}

/* A DAG whose topics are somebody else's is refused, and accepted when they are free again. */
static enum poll topics_of_others(void *frame)
{
	struct scene *me = frame;
	const struct dag_error *e;

	ASYNC_BEGIN(me);
	me->d = make("S:s>a R:x<a>b K:k<b", 0);
	CHECK_EQ(dag_finish(me->d), 0);
	me->second = make_second();
	CHECK_EQ(dag_finish(me->second), ERR_INVAL);
	CHECK_EQ(dag_errors(me->second, &e), 1);
	CHECK_EQ(e->code, DAG_ERR_TOPIC_OF_ANOTHER);
	CHECK_STR(e->reactor, "t");
	CHECK_STR(e->topic, "b");
	dag_free(me->second);
	dag_stop(me->d);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	dag_free(me->d);

	me->d = make("S:s>a K:k<a", 0);
	MUST(topic_open("a", &(struct topic_params){.message_bytes = 4, .queue = 3}, &me->topic));
	CHECK_EQ(dag_finish(me->d), ERR_INVAL);
	CHECK_EQ(dag_errors(me->d, &e), 1);
	CHECK_EQ(e->code, DAG_ERR_TOPIC_TAKEN);
	CHECK_STR(e->topic, "a");
	topic_close(me->topic);
	CHECK_EQ(dag_finish(me->d), 0);
	dag_stop(me->d);
	me->join = (struct dag_join){.dag = me->d};
	AWAIT_CALL(me, dag_join, &me->join);
	dag_free(me->d);
	ASYNC_END(me);
}

TESTS_MAIN(PLAIN(the_graph_is_checked), PLAIN(each_reactor_is_checked), PLAIN(times_are_checked),
	   PLAIN(texts_say_what_and_what_to_do), ASYNC(what_is_right_is_accepted),
	   ASYNC(topics_of_others));
