/*
 * Sessions that do not go as described: what the monitor says, and what the other end is told.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/join.h"
#include "library.session.h"
#include "mm/kmalloc.h"
#include "small.session.h"
#include "turn.session.h"

/* Both ends in one task, which looks at each step by itself. */
static struct session *session;
static struct library_client client;
static struct library_server server;
static u64 breaks_before;

static void open_both(void)
{
	struct session_break b;

	client = (struct library_client){};
	server = (struct library_server){};
	breaks_before = session_last_break(&b);
	MUST(session_make(&library_protocol, &session));
	CHECK(library_begin(&client, session));
	CHECK(library_begin(&server, session));
}

/* The state that @p step leads to; it must be ready. */
#define GO(step)                                                                                   \
	({                                                                                         \
		__auto_type go_ = (step);                                                          \
                                                                                                   \
		CHECK_EQ(await_poll(&go_->aw), POLL_READY);                                        \
		go_->next;                                                                         \
	})

/* Both ends up to where the client reads. */
static struct library_client_reading *open_book(void)
{
	struct library_client_after_open *opening;
	struct library_client_after_open_offer *offer;
	union library_after_open answer;
	struct library_open name;

	open_both();
	opening = GO(library_send_open(library_at_start(&client), (struct library_open){"book"}));
	CHECK(GO(library_send_opened(GO(library_receive(library_at_start(&server), &name)),
				     (struct library_opened){9})));
	offer = GO(library_receive(opening, &answer));
	CHECK_EQ(library_label(offer), LIBRARY_AFTER_OPEN_OPENED);
	CHECK_EQ(answer.opened.bytes, 9);
	CHECK_STR(name.name, "book");
	return library_take_opened(offer);
}

/* One break since the test began, and what the monitor says of it, up to the task. */
static void check_break(const char *text)
{
	char said[320], expected[320];
	struct session_break b;

	CHECK_EQ(session_last_break(&b), breaks_before + 1);
	(void)session_break_text(&b, said, sizeof said);
	ksnprintf(expected, sizeof expected, "%s: task %u tests at %s:%u", text, task_self()->id,
		  __FILE__, b.place->line);
	CHECK_STR(said, expected);
}

static void check_both_broken(void)
{
	CHECK_EQ(library_status(&client), ERR_PROTOCOL);
	CHECK(!client.end.session);
	CHECK(!GO(session_receive(SESSION_HERE, &server.end, SESSION_WHICHEVER, NULL)));
	CHECK_EQ(library_status(&server), ERR_PROTOCOL);
	CHECK(!server.end.session);
}

static void a_state_is_used_twice(void)
{
	struct library_client_start *start;
	struct session_break b;

	open_both();
	start = library_at_start(&client);
	CHECK(GO(library_send_open(start, (struct library_open){"book"})));
	CHECK(!GO(library_send_open(start, (struct library_open){"book"})));
	(void)session_last_break(&b);
	CHECK_EQ(b.place->line, __LINE__ - 2);
	check_break("protocol library: client in state after_open sends open as in state start; "
		    "may receive opened or "
		    "missing");
	CHECK_EQ(library_status(&client), ERR_PROTOCOL);
	/* what was sent before it is received, and then the end is told */
	CHECK(!GO(library_send_missing(
		GO(library_receive(library_at_start(&server), &(struct library_open){})),
		(struct library_missing){1})));
	CHECK_EQ(library_status(&server), ERR_PROTOCOL);
}

static void a_state_is_used_twice_for_one_message(void)
{
	struct walk_client walker = {};
	struct session_break b;
	struct walk_client_going *going;

	breaks_before = session_last_break(&b);
	MUST(session_make(&walk_protocol, &session));
	going = walk_begin(&walker, session);
	CHECK(GO(walk_send_step(going, (struct walk_step){1})));
	CHECK(!GO(walk_send_step(going, (struct walk_step){2})));
	check_break("protocol walk: client in state after_step sends step as in state going; may "
		    "send step");
	session_refuse(session, ERR_CANCELED); /* the server never began */
}

static void a_message_that_is_not_offered(void)
{
	(void)open_book();
	CHECK(!GO(session_send(SESSION_HERE, &client.end, SESSION_WHICHEVER, 0,
			       &(struct library_open){})));
	check_break("protocol library: client in state reading sends open; may send read or shut");
	check_both_broken();
}

static void out_of_turn(void)
{
	open_both();
	CHECK(!GO(session_send(SESSION_HERE, &server.end, SESSION_WHICHEVER, 1,
			       &(struct library_opened){})));
	check_break("protocol library: server in state start sends opened; may receive open");
	CHECK_EQ(library_status(&server), ERR_PROTOCOL);
	CHECK(!GO(library_send_open(library_at_start(&client), (struct library_open){})));
	CHECK_EQ(library_status(&client), ERR_PROTOCOL);

	(void)open_book();
	CHECK(!GO(session_receive(SESSION_HERE, &client.end, SESSION_WHICHEVER, NULL)));
	check_break("protocol library: client in state reading receives; may send read or shut");
	check_both_broken();
}

static void the_wrong_branch_is_taken(void)
{
	struct library_client_after_open_offer *offer = (void *)open_book();

	CHECK(!library_take_missing(offer));
	check_break(
		"protocol library: client in state reading takes missing; may send read or shut");
	check_both_broken();
}

static void the_wrong_branch_to_the_right_state(void)
{
	struct vote_client voter = {};
	struct vote_server counter = {};
	struct vote_server_start_offer *offer;
	struct vote_server_start *start;
	struct session_break b;

	breaks_before = session_last_break(&b);
	MUST(session_make(&vote_protocol, &session));
	start = vote_begin(&counter, session);
	CHECK(GO(vote_send_yes(vote_begin(&voter, session))));
	offer = GO(vote_receive(start));
	CHECK_EQ(vote_label(offer), VOTE_START_YES);
	CHECK(!vote_take_no(offer));
	check_break("protocol vote: server in state end takes no; the session is over");
	CHECK_EQ(vote_status(&counter), ERR_PROTOCOL);
}

static void a_branch_is_taken_late(void)
{
	struct library_client_reading *reading = open_book();
	struct library_client_after_open_offer *offer = (void *)reading;

	CHECK(GO(library_send_read(reading, (struct library_read){1})));
	CHECK(!library_take_opened(offer));
	check_break("protocol library: client in state after_read takes opened; may receive data");
	library_leave(&server);
}

static void a_state_that_it_is_not_in(void)
{
	CHECK(library_at_reading(&client) == NULL); /* over since the last test: not told again */
	(void)open_book();
	CHECK(library_at_reading(&client));
	CHECK(!library_at_after_read(&client));
	check_break("protocol library: client in state reading goes on as in state after_read; may "
		    "send read or "
		    "shut");
	check_both_broken();
}

static void two_steps_at_once(void)
{
	struct library_data data;

	(void)open_book();
	(void)GO(library_send_read(library_at_reading(&client), (struct library_read){1}));
	CHECK_EQ(await_poll(&library_receive(library_at_after_read(&client), &data)->aw),
		 POLL_PENDING);
	CHECK(!library_at_after_read(&client));
	check_break("protocol library: client in state after_read goes on; another "
		    "step is under way");
	CHECK_EQ(await_poll(&client.end.aw), POLL_READY); /* the one that waited is told */
	CHECK(!client.end.next);
	library_leave(&server);
	CHECK_EQ(library_status(&server), ERR_PROTOCOL);
}

static void a_step_after_the_end(void)
{
	struct library_client_reading *reading = open_book();
	union library_reading asked;

	CHECK(GO(library_send_shut(reading)));
	CHECK_EQ(library_status(&client), 0);
	CHECK(!GO(library_send_shut(reading)));
	check_break("protocol library: client in state end sends shut as in state reading; the "
		    "session is over");
	CHECK_EQ(library_status(&client), ERR_PROTOCOL);
	/* it is too late to spoil it for the server */
	CHECK(library_take_shut(GO(library_receive(library_at_reading(&server), &asked))));
	CHECK_EQ(library_status(&server), 0);
}

static void an_end_that_has_not_begun(void)
{
	struct library_client none = {};
	char text[200];
	struct session_break b;
	u64 before = session_last_break(&b);

	CHECK(!library_at_start(&none));
	CHECK_EQ(session_last_break(&b), before + 1);
	(void)session_break_text(&b, text, sizeof text);
	CHECK(strstr(text, "session: a step of an end that has not begun: task ") == text);
}

static void an_end_begins_twice(void)
{
	struct session *other;
	struct library_server others;

	(void)open_book();
	MUST(session_make(&library_protocol, &other));
	others = (struct library_server){};
	CHECK(library_begin(&others, other));
	CHECK(!library_begin(&client, other));
	check_break("protocol library: client in state reading begins; it has begun already");
	check_both_broken();
	CHECK(!GO(library_receive(library_at_start(&others), &(struct library_open){})));
	CHECK_EQ(library_status(&others), ERR_PROTOCOL);
}

static void two_clients_of_one_session(void)
{
	struct library_client second = {};
	u64 blocks = kmalloc_stats().blocks;

	open_both();
	CHECK(!library_begin(&second, session));
	check_break("protocol library: client in state start begins; it has begun already");
	CHECK_EQ(library_status(&second), ERR_PROTOCOL);
	CHECK(!GO(library_send_open(library_at_start(&client), (struct library_open){})));
	CHECK_EQ(library_status(&client), ERR_PROTOCOL);
	CHECK(!GO(library_receive(library_at_start(&server), &(struct library_open){})));
	CHECK_EQ(kmalloc_stats().blocks, blocks);
}

static void the_ends_speak_different_protocols(void)
{
	struct walk_server walker = {};
	struct library_client reader = {};
	struct session_break b;

	breaks_before = session_last_break(&b);
	MUST(session_make(&library_protocol, &session));
	CHECK(library_begin(&reader, session));
	CHECK(!walk_begin(&walker, session));
	check_break(
		"protocol walk: server in state going begins; the session is of protocol library");
	CHECK_EQ(walk_status(&walker), ERR_PROTOCOL);
	CHECK(!GO(library_send_open(library_at_start(&reader), (struct library_open){})));
	CHECK_EQ(library_status(&reader), ERR_PROTOCOL);
}

static void only_the_first_break_is_told(void)
{
	(void)open_book();
	CHECK(!library_at_start(&client));
	CHECK(!library_at_start(&server));
	check_break("protocol library: client in state reading goes on as in state start; may send "
		    "read or shut");
	CHECK(!library_at_reading(&client));
	check_both_broken();
	check_break("protocol library: client in state reading goes on as in state start; may send "
		    "read or shut");
}

static void leaving_is_told_and_is_no_break(void)
{
	struct library_client_reading *reading = open_book();
	struct session_break b;
	union library_reading asked;
	u64 blocks;

	CHECK(GO(library_send_read(reading, (struct library_read){1})));
	blocks = kmalloc_stats().blocks;
	library_leave(&client);
	library_leave(&client);
	CHECK_EQ(library_status(&client), ERR_CANCELED);
	CHECK_EQ(kmalloc_stats().blocks, blocks); /* the server still uses it */
	CHECK(library_take_read(GO(library_receive(library_at_reading(&server), &asked))));
	CHECK(!GO(library_send_data(library_at_after_read(&server), (struct library_data){})));
	CHECK_EQ(library_status(&server), ERR_CANCELED);
	CHECK(!GO(library_send_data(library_at_after_read(&server), (struct library_data){})));
	CHECK_EQ(session_last_break(&b), breaks_before);
}

static void the_first_reason_counts(void)
{
	struct session_break b;

	(void)open_book();
	library_leave(&client);
	CHECK(!library_at_start(&server));
	CHECK_EQ(library_status(&server), ERR_CANCELED);
	CHECK_EQ(session_last_break(&b), breaks_before);

	(void)open_book();
	CHECK(!library_at_start(&client));
	library_leave(&server);
	CHECK_EQ(library_status(&server), ERR_PROTOCOL);
}

static struct turn_client turn_client;
static struct turn_server turn_server;

/* Up to where the server works. */
static void begin_to_turn(void)
{
	struct session_break b;
	struct turn_goal goal;

	turn_client = (struct turn_client){};
	turn_server = (struct turn_server){};
	breaks_before = session_last_break(&b);
	MUST(session_make(&turn_protocol, &session));
	CHECK(GO(turn_send_goal(turn_begin(&turn_client, session), (struct turn_goal){})));
	CHECK(GO(turn_receive(turn_begin(&turn_server, session), &goal)));
	CHECK(GO(turn_send_accepted(turn_at_after_goal(&turn_server))));
}

static void interrupts_are_counted(void)
{
	union turn_after_goal answer;
	struct session_break b;
	struct wait wait;

	begin_to_turn();
	CHECK(turn_take_accepted(GO(turn_receive(turn_at_after_goal(&turn_client), &answer))));
	turn_interrupt(turn_at_running(&turn_client));
	turn_interrupt(turn_at_running(&turn_client));
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_READY);
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_READY);
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_PENDING);
	turn_interrupt(turn_at_running(&turn_client));
	CHECK_EQ(await_poll(&wait.aw), POLL_READY);
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_PENDING);
	turn_leave(&turn_client); /* whoever works is told of that too */
	CHECK_EQ(await_poll(&wait.aw), POLL_READY);
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_READY);
	CHECK(!GO(turn_send_feedback(turn_at_running(&turn_server), (struct turn_feedback){})));
	CHECK_EQ(turn_status(&turn_server), ERR_CANCELED);
	CHECK_EQ(await_poll(turn_interrupted(&turn_server, &wait)), POLL_READY);
	CHECK_EQ(session_last_break(&b), breaks_before);
}

static void an_interrupt_where_there_may_be_none(void)
{
	begin_to_turn();
	session_interrupt(SESSION_HERE, &turn_client.end, 1);
	check_break("protocol turn: client in state after_goal interrupts; may receive rejected or "
		    "accepted");
	CHECK(!GO(turn_send_feedback(turn_at_running(&turn_server), (struct turn_feedback){})));
	CHECK_EQ(turn_status(&turn_server), ERR_PROTOCOL);

	begin_to_turn();
	session_interrupt(SESSION_HERE, &turn_server.end, 3);
	CHECK_EQ(turn_status(&turn_server), ERR_PROTOCOL);
	turn_leave(&turn_client);

	begin_to_turn();
	session_interrupt(SESSION_HERE, &turn_client.end, 3);
	check_break("protocol turn: client in state after_goal interrupts as in state running; may "
		    "receive rejected or accepted");
	turn_leave(&turn_server);
}

static void an_offer_that_was_not_made(void)
{
	union turn_after_goal answer;
	union turn_running news;

	CHECK(library_offer_after_open(&client) == NULL); /* over: not told again */
	(void)open_book();
	CHECK(library_offer_after_open(&client));
	(void)GO(library_send_read(library_at_reading(&client), (struct library_read){1}));
	CHECK(!library_offer_after_open(&client));
	check_break("protocol library: client in state after_read looks at a message as in state "
		    "after_open; may receive data");
	library_leave(&server);

	begin_to_turn();
	CHECK(turn_take_accepted(GO(turn_receive(turn_at_after_goal(&turn_client), &answer))));
	CHECK(GO(turn_send_feedback(turn_at_running(&turn_server), (struct turn_feedback){})));
	CHECK(GO(turn_receive(turn_at_running(&turn_client), &news)));
	CHECK(turn_offer_running(&turn_client));
	CHECK_EQ(await_poll(&turn_receive(turn_at_running(&turn_client), &news)->aw), POLL_PENDING);
	await_cancel(&turn_client.end.aw);
	CHECK(!turn_offer_running(&turn_client));
	CHECK_EQ(turn_status(&turn_client), ERR_PROTOCOL);
	turn_leave(&turn_server);
}

static void a_cancelled_step_did_not_happen(void)
{
	struct library_client_reading *reading = open_book();
	struct library_data data = {.bytes = 1}, got;
	struct library_client_after_read *asked =
		GO(library_send_read(reading, (struct library_read){1}));
	struct awaitable *step = &library_receive(asked, &got)->aw;
	union library_reading asks;

	CHECK_EQ(await_poll(step), POLL_PENDING);
	await_cancel(step);
	CHECK(library_at_after_read(&client));
	CHECK(library_take_read(GO(library_receive(library_at_reading(&server), &asks))));
	step = &library_send_data(library_at_after_read(&server), (struct library_data){.bytes = 7})
			->aw;
	await_cancel(step);
	CHECK(GO(library_send_data(library_at_after_read(&server), data)));
	CHECK(GO(library_receive(library_at_after_read(&client), &got)));
	CHECK_EQ(got.bytes, 1);
	library_leave(&client);
	library_leave(&server);
}

struct answerer {
	struct async async;
	struct punctual_server server;
	struct session *session;
	struct sleep sleep;
	u64 after_ns;
};

static enum poll answers(void *frame)
{
	struct answerer *me = frame;
	struct punctual_server_start *start;
	struct punctual_server_after_ask *asked;
	struct punctual_server_end *end;

	ASYNC_BEGIN(me);
	start = punctual_begin(&me->server, me->session);
	AWAIT_STEP(me, asked, punctual_receive(start));
	CHECK(asked);
	AWAIT(me, sleep_for(&me->sleep, me->after_ns));
	asked = punctual_at_after_ask(&me->server);
	AWAIT_STEP(me, end, punctual_send_answer(asked, (struct punctual_answer){42}));
	ASYNC_RETURN(me, end ? 0 : punctual_status(&me->server));
}

struct asker {
	struct async async;
	struct punctual_client client;
	struct punctual_answer answer;
	struct session *session;
	struct task *server;
	struct join join;
	u64 before;
};

/* With a server that answers @p after_ns, and then both ends' statuses. */
static enum poll ask(struct asker *me, u64 after_ns, int client_status, int server_status)
{
	struct punctual_client_start *start;
	struct punctual_client_after_ask *asked;
	struct punctual_client_end *end;
	struct session_break b;

	ASYNC_BEGIN(me);
	me->before = session_last_break(&b);
	MUST(session_make(&punctual_protocol, &me->session));
	MUST(TASK_SPAWN(&me->server, "answerer", answers,
			((struct answerer){.session = me->session, .after_ns = after_ns}),
			SCHED_PARAMS_FIFO(16)));
	start = punctual_begin(&me->client, me->session);
	AWAIT_STEP(me, asked, punctual_send_ask(start));
	AWAIT_STEP(me, end, punctual_receive(asked, &me->answer));
	CHECK_EQ(!end, !!client_status);
	CHECK_EQ(punctual_status(&me->client), client_status);
	if (end)
		CHECK_EQ(me->answer.number, 42);
	AWAIT(me, task_join(&me->join, me->server));
	CHECK_EQ(me->join.status, server_status);
	task_put(me->server);
	CHECK_EQ(session_last_break(&b) - me->before, !!client_status);
	ASYNC_END(me);
}

static enum poll an_answer_in_time(void *frame)
{
	return ask(frame, 0, 0, 0);
}

static enum poll an_answer_too_late(void *frame)
{
	struct session_break b;
	char text[320];

	if (ask(frame, MS(50), ERR_TIMEOUT, ERR_TIMEOUT) == POLL_PENDING)
		return POLL_PENDING;
	(void)session_last_break(&b);
	(void)session_break_text(&b, text, sizeof text);
	CHECK(strstr(text, "protocol punctual: server in state after_ask did not send in time; may "
			   "send answer: task"));
	return POLL_READY;
}

static enum poll a_question_too_late(void *frame)
{
	struct answerer *me = frame;
	struct punctual_server_start *start;
	struct punctual_server_after_ask *asked;

	ASYNC_BEGIN(me);
	MUST(session_make(&punctual_protocol, &me->session));
	start = punctual_begin(&me->server, me->session);
	AWAIT_STEP(me, asked, punctual_receive(start));
	CHECK(!asked);
	CHECK_EQ(punctual_status(&me->server), ERR_TIMEOUT);
	session_refuse(me->session, ERR_CANCELED); /* the client never began */
	ASYNC_END(me);
}

/* Whatever happened above, nothing of a session is left. */
static void nothing_is_left(void)
{
	static void (*const all[])(void) = {
		a_state_is_used_twice,
		a_message_that_is_not_offered,
		the_wrong_branch_is_taken,
		a_step_after_the_end,
		leaving_is_told_and_is_no_break,
		the_ends_speak_different_protocols,
		an_end_begins_twice,
		a_state_is_used_twice_for_one_message,
		the_first_reason_counts,
		interrupts_are_counted,
		an_interrupt_where_there_may_be_none,
		an_offer_that_was_not_made,
		two_steps_at_once,
	};
	u64 before = kmalloc_stats().blocks;

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		all[i]();
		CHECK_EQ(kmalloc_stats().blocks, before);
	}
}

TESTS_MAIN(PLAIN(a_state_is_used_twice), PLAIN(a_state_is_used_twice_for_one_message),
	   PLAIN(the_first_reason_counts), PLAIN(a_message_that_is_not_offered), PLAIN(out_of_turn),
	   PLAIN(the_wrong_branch_is_taken), PLAIN(a_branch_is_taken_late),
	   PLAIN(the_wrong_branch_to_the_right_state), PLAIN(a_state_that_it_is_not_in),
	   PLAIN(two_steps_at_once), PLAIN(a_step_after_the_end), PLAIN(an_end_that_has_not_begun),
	   PLAIN(an_end_begins_twice), PLAIN(two_clients_of_one_session),
	   PLAIN(the_ends_speak_different_protocols), PLAIN(only_the_first_break_is_told),
	   PLAIN(leaving_is_told_and_is_no_break), PLAIN(a_cancelled_step_did_not_happen),
	   PLAIN(interrupts_are_counted), PLAIN(an_interrupt_where_there_may_be_none),
	   PLAIN(an_offer_that_was_not_made), ASYNC(an_answer_in_time), ASYNC(an_answer_too_late),
	   ASYNC(a_question_too_late), PLAIN(nothing_is_left));
