/*
 * Sessions over a service: a protocol that both ends follow, and ends that find nobody.
 * cpus: 1 4
 * seeds: 6
 */
#include "../test.h"
#include "async/join.h"
#include "library.session.h"
#include "mm/kmalloc.h"
#include <stdatomic.h>

static const char *const books[] = {"the quick brown fox jumps over the lazy dog", "a", ""};

struct server {
	struct async async;
	struct wait wait;
	struct service *service;
	struct library_server library;
	struct library_open open;
	union library_reading asked;
	const char *book;
	u32 at;
};

static enum poll serves(void *frame)
{
	struct server *me = frame;
	struct library_server_start *start;
	struct library_server_after_open *opening;
	struct library_server_reading *reading;
	struct library_server_reading_offer *offer;
	struct library_server_after_read *asked;
	struct library_server_end *end;
	struct library_data data;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, service_accept_session(&me->wait, me->service));
		start = library_accept(&me->library, me->service);
		if (!start)
			ASYNC_RETURN(me, library_status(&me->library));
		AWAIT_STEP(me, opening, library_receive(start, &me->open));
		if (me->open.name[0] - '0' >= (int)ARRAY_LEN(books)) {
			AWAIT_STEP(
				me, end,
				library_send_missing(opening, (struct library_missing){ERR_NODEV}));
			CHECK(end);
			continue;
		}
		me->book = books[me->open.name[0] - '0'];
		me->at = 0;
		AWAIT_STEP(me, reading,
			   library_send_opened(opening,
					       (struct library_opened){(u32)strlen(me->book)}));
		for (;;) {
			AWAIT_STEP(me, offer, library_receive(reading, &me->asked));
			switch (library_label(offer)) {
			case LIBRARY_READING_READ:
				asked = library_take_read(offer);
				break;
			case LIBRARY_READING_SHUT:
				end = library_take_shut(offer);
				CHECK(end);
				goto next;
			case LIBRARY_READING_OVER:
				CHECK(0);
				goto next;
			}
			data.bytes = MIN(me->asked.read.bytes, (u32)strlen(me->book) - me->at);
			memcpy(data.text, me->book + me->at, data.bytes);
			me->at += data.bytes;
			AWAIT_STEP(me, reading, library_send_data(asked, data));
		}
	next:;
	}
	ASYNC_END(me);
}

struct client {
	struct async async;
	struct service *service;
	struct library_client library;
	union library_after_open answer;
	struct library_data data;
	char name[16], text[64];
	u32 at, left;
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
	struct library_open open;

	ASYNC_BEGIN(me);
	start = library_connect(&me->library, me->service);
	strlcpy(open.name, me->name, sizeof open.name);
	AWAIT_STEP(me, opening, library_send_open(start, open));
	AWAIT_STEP(me, offer, library_receive(opening, &me->answer));
	switch (library_label(offer)) {
	case LIBRARY_AFTER_OPEN_OPENED:
		reading = library_take_opened(offer);
		break;
	case LIBRARY_AFTER_OPEN_MISSING:
		end = library_take_missing(offer);
		ASYNC_RETURN(me, end ? me->answer.missing.why : 1);
	case LIBRARY_AFTER_OPEN_OVER:
		ASYNC_RETURN(me, library_status(&me->library));
	}
	for (me->left = me->answer.opened.bytes; reading && me->left; me->left -= me->data.bytes) {
		AWAIT_STEP(me, asked,
			   library_send_read(reading, (struct library_read){sizeof me->data.text}));
		AWAIT_STEP(me, reading, library_receive(asked, &me->data));
		memcpy(me->text + me->at, me->data.text, me->data.bytes);
		me->at += me->data.bytes;
	}
	CHECK_STR(me->text, books[me->name[0] - '0']);
	AWAIT_STEP(me, end, library_send_shut(reading));
	ASYNC_RETURN(me, end ? 0 : 1);
}

struct readers {
	struct async async;
	struct join join;
	struct service *service;
	struct task *server, *clients[5];
	unsigned i;
};

static enum poll clients_read_to_the_end(void *frame)
{
	struct readers *me = frame;

	ASYNC_BEGIN(me);
	MUST(service_open("library", &me->service));
	MUST(TASK_SPAWN(&me->server, "server", serves, ((struct server){.service = me->service}),
			SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < ARRAY_LEN(me->clients); me->i++)
		MUST(TASK_SPAWN(
			&me->clients[me->i], "client", reads,
			((struct client){.service = me->service, .name = {(char)('0' + me->i)}}),
			SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < ARRAY_LEN(me->clients); me->i++) {
		AWAIT(me, task_join(&me->join, me->clients[me->i]));
		CHECK_EQ(me->join.status, me->i < ARRAY_LEN(books) ? 0 : ERR_NODEV);
		task_put(me->clients[me->i]);
	}
	service_stop(me->service);
	AWAIT(me, task_join(&me->join, me->server));
	CHECK_EQ(me->join.status, ERR_CLOSED);
	task_put(me->server);
	service_close(me->service);
	ASYNC_END(me);
}

static void nobody_serves(void)
{
	struct library_client waiting = {}, late = {};
	u64 blocks = kmalloc_stats().blocks;
	struct library_client_after_open *opening;
	struct service *service;

	MUST(service_open("library", &service));
	opening = library_send_open(library_connect(&waiting, service), (struct library_open){"1"})
			  ->next;
	CHECK(!opening); /* not yet polled */
	CHECK_EQ(await_poll(&waiting.end.aw), POLL_READY);
	service_stop(service);
	CHECK(library_at_after_open(&waiting));
	CHECK_EQ(await_poll(&library_receive(library_at_after_open(&waiting), NULL)->aw),
		 POLL_READY);
	CHECK_EQ(library_status(&waiting), ERR_CLOSED);
	CHECK(!library_connect(&late, service));
	CHECK_EQ(library_status(&late), ERR_CLOSED);
	service_close(service);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

static void there_is_no_memory(void)
{
	struct library_client client = {};
	struct service *service;

	MUST(service_open("library", &service));
	kmalloc_fail_at(1);
	CHECK(!library_connect(&client, service));
	CHECK_EQ(library_status(&client), ERR_NOMEM);
	CHECK_EQ(
		await_poll(
			&library_send_open(library_at_start(&client), (struct library_open){})->aw),
		POLL_READY);
	CHECK_EQ(library_status(&client), ERR_NOMEM);
	service_close(service);
}

static void a_client_that_gave_up_is_accepted(void)
{
	struct library_client client = {};
	struct library_server server = {};
	u64 blocks = kmalloc_stats().blocks;
	struct service *service;
	struct library_open open;
	struct wait wait;

	MUST(service_open("library", &service));
	CHECK(library_connect(&client, service));
	library_leave(&client);
	CHECK_EQ(await_poll(service_accept_session(&wait, service)), POLL_READY);
	CHECK_EQ(await_poll(&library_receive(library_accept(&server, service), &open)->aw),
		 POLL_READY);
	CHECK_EQ(library_status(&server), ERR_CANCELED);
	service_close(service);
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

TESTS_MAIN(ASYNC(clients_read_to_the_end), PLAIN(nobody_serves), PLAIN(there_is_no_memory),
	   PLAIN(a_client_that_gave_up_is_accepted));
