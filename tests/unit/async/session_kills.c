/*
 * Clients and servers of a service that are killed at any moment: also while they connect, accept,
 * or are about to. Whoever lives comes to an end, and nothing is left.
 * cpus: 1 4
 * seeds: 25
 */
#include "../test.h"
#include "async/join.h"
#include "library.session.h"
#include "mm/kmalloc.h"
#include "task/fault.h"
#include "trace/trace.h"

#define SERVERS 5u
#define CLIENTS 6u
#define KILLS   4u

struct server {
	struct async async;
	struct wait wait;
	struct service *service;
	struct library_server library;
	struct library_open open;
	union library_reading asked;
};

/* An endless book. */
static enum poll serves(void *frame)
{
	struct server *me = frame;
	struct library_server_start *start;
	struct library_server_after_open *opening;
	struct library_server_reading *reading;
	struct library_server_reading_offer *offer;
	struct library_server_after_read *asked;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, service_accept_session(&me->wait, me->service));
		start = library_accept(&me->library, me->service);
		if (!start)
			ASYNC_RETURN(me, library_status(&me->library));
		AWAIT_STEP(me, opening, library_receive(start, &me->open));
		AWAIT_STEP(me, reading, library_send_opened(opening, (struct library_opened){1}));
		while (reading) {
			AWAIT_STEP(me, offer, library_receive(reading, &me->asked));
			if (library_label(offer) != LIBRARY_READING_READ)
				break;
			asked = library_take_read(offer);
			AWAIT_STEP(me, reading,
				   library_send_data(asked, (struct library_data){1, "x"}));
		}
		CHECK(!library_status(&me->library) || library_status(&me->library) == ERR_CLOSED);
	}
}

struct client {
	struct async async;
	struct service *service;
	struct library_client library;
	union library_after_open answer;
	struct library_data data;
	struct sleep sleep;
	u32 sessions, reads;
	u64 random;
};

static enum poll reads(void *frame)
{
	struct client *me = frame;
	struct library_client_start *start;
	struct library_client_after_open *opening;
	struct library_client_after_open_offer *offer;
	struct library_client_reading *reading;
	struct library_client_after_read *asked;
	struct library_client_end *end;

	ASYNC_BEGIN(me);
	for (me->sessions = 0; me->sessions < 4; me->sessions++) {
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(4))));
		start = library_connect(&me->library, me->service);
		AWAIT_STEP(me, opening, library_send_open(start, (struct library_open){"book"}));
		AWAIT_STEP(me, offer, library_receive(opening, &me->answer));
		if (library_label(offer) != LIBRARY_AFTER_OPEN_OPENED)
			ASYNC_RETURN(me, library_status(&me->library));
		reading = library_take_opened(offer);
		for (me->reads = (u32)test_below(&me->random, 4); reading && me->reads;
		     me->reads--) {
			AWAIT_STEP(me, asked, library_send_read(reading, (struct library_read){1}));
			AWAIT_STEP(me, reading, library_receive(asked, &me->data));
		}
		AWAIT_STEP(me, end, library_send_shut(reading));
		if (!end)
			ASYNC_RETURN(me, library_status(&me->library));
	}
	ASYNC_END(me);
}

struct chaos {
	struct async async;
	struct join join;
	struct sleep sleep;
	struct service *service;
	struct task *tasks[SERVERS + CLIENTS];
	u64 random, blocks, breaks;
	unsigned i;
};

static enum poll whoever_lives_comes_to_an_end(void *frame)
{
	struct chaos *me = frame;
	struct session_break b;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	me->breaks = session_last_break(&b);
	me->blocks = kmalloc_stats().blocks;
	MUST(service_open("library", &me->service));
	for (me->i = 0; me->i < SERVERS + CLIENTS; me->i++)
		if (me->i < SERVERS)
			MUST(TASK_SPAWN(&me->tasks[me->i], "server", serves,
					((struct server){.service = me->service}),
					SCHED_PARAMS_FIFO(15)));
		else
			MUST(TASK_SPAWN(&me->tasks[me->i], "client", reads,
					((struct client){.service = me->service,
							 .random = test_random(&me->random)}),
					SCHED_PARAMS_FIFO(15)));
	for (me->i = 0; me->i < KILLS; me->i++) {
		AWAIT(me, sleep_for(&me->sleep, test_below(&me->random, US(12))));
		/* the first server survives */
		test_kill(me->tasks[1 + test_below(&me->random, SERVERS + CLIENTS - 1)]);
	}
	for (me->i = SERVERS + CLIENTS; me->i-- > 0;) {
		if (me->i == SERVERS - 1)
			service_stop(me->service);
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		CHECK(!me->join.status || me->join.status == ERR_CLOSED ||
		      me->join.status == ERR_KILLED);
		task_put(me->tasks[me->i]);
	}
	service_close(me->service);
	AWAIT(me, sleep_for(&me->sleep, MS(1))); /* the executor's last references */
	CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	CHECK_EQ(session_last_break(&b), me->breaks);
	ASYNC_END(me);
}

/* Begins and leaves, over and over: most of its time goes to connecting or accepting. */
struct visitor {
	struct async async;
	struct wait wait;
	struct service *service;
	union {
		struct library_client client;
		struct library_server server;
	};
	bool serves;
};

static enum poll visits(void *frame)
{
	struct visitor *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		if (me->serves) {
			AWAIT(me, service_accept_session(&me->wait, me->service));
			if (!library_accept(&me->server, me->service))
				ASYNC_END(me);
			library_leave(&me->server);
		} else {
			if (!library_connect(&me->client, me->service))
				ASYNC_END(me);
			library_leave(&me->client);
		}
	}
}

struct door {
	struct async async;
	struct join join;
	struct sleep sleep;
	struct service *service;
	struct task *visitors[2];
	u64 random, blocks;
	unsigned round, i;
};

static enum poll killed_at_the_door(void *frame)
{
	struct door *me = frame;

	ASYNC_BEGIN(me);
	test_contain_faults();
	me->random = trace_descriptor.seed;
	for (me->round = 0; me->round < 6; me->round++) {
		me->blocks = kmalloc_stats().blocks;
		MUST(service_open("library", &me->service));
		for (me->i = 0; me->i < 2; me->i++)
			MUST(TASK_SPAWN(&me->visitors[me->i], "visitor", visits,
					((struct visitor){.service = me->service, .serves = me->i}),
					SCHED_PARAMS_RR(15, US(50))));
		AWAIT(me, sleep_for(&me->sleep, US(60) + test_below(&me->random, US(90))));
		test_kill(me->visitors[test_below(&me->random, 2)]);
		AWAIT(me, sleep_for(&me->sleep, US(2)));
		service_stop(me->service);
		for (me->i = 0; me->i < 2; me->i++) {
			AWAIT(me, task_join(&me->join, me->visitors[me->i]));
			task_put(me->visitors[me->i]);
		}
		service_close(me->service);
		AWAIT(me, sleep_for(&me->sleep, MS(1))); /* the executor's last references */
		CHECK_EQ(kmalloc_stats().blocks, me->blocks);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(whoever_lives_comes_to_an_end), ASYNC(killed_at_the_door));
