/*
 * Actions: goals that take their time, feedback on the way, results, and clients who change their
 * mind. cpus: 1 4 seeds: 12
 */
#include "../test.h"
#include "async/join.h"
#include "trace/trace.h"
#include "turn.session.h"

#define CLIENTS   5u
#define ABORTS_AT 40 /* degrees, which the motor never gets past */

/* What the two ends of a goal think of it. */
struct memory {
	i32 goal, fed_back, result, reached;
	u32 asked, granted, refused; /* cancels */
	u32 interrupts;              /* that the server noticed */
	enum { NOTHING, REJECTED, SUCCEEDED, CANCELED, ABORTED, LOST } client, server;
};

static struct memory memories[CLIENTS];

/* The server of one goal: a degree each turn, feedback each five. */
struct motor {
	struct async async;
	struct turn_server turn;
	struct turn_goal goal;
	struct session *session;
	struct wait wait;
	struct sleep sleep;
	struct select select;
	struct awaitable *arms[2];
	struct memory *memory;
	i32 at;
	u64 random;
	bool stopping;
};

static enum poll turns(void *frame)
{
	struct motor *me = frame;
	struct turn_server_start *start;
	struct turn_server_after_goal *decide;
	struct turn_server_running *running;
	struct turn_server_stopping *stopping;
	struct turn_server_before_result *done;
	struct turn_server_end *end;

	ASYNC_BEGIN(me);
	start = turn_begin(&me->turn, me->session);
	AWAIT_STEP(me, decide, turn_receive(start, &me->goal));
	if (!decide)
		ASYNC_RETURN(me, turn_status(&me->turn));
	me->memory = &memories[me->goal.seed % CLIENTS];
	me->random = me->goal.seed;
	if (me->goal.degrees < 0) {
		me->memory->server = REJECTED;
		AWAIT_STEP(me, end, turn_send_rejected(decide, (struct turn_rejected){ERR_INVAL}));
		ASYNC_RETURN(me, end ? 0 : turn_status(&me->turn));
	}
	AWAIT_STEP(me, running, turn_send_accepted(decide));
	while (running && me->at < me->goal.degrees && me->at < ABORTS_AT) {
		me->arms[0] = turn_interrupted(&me->turn, &me->wait);
		me->arms[1] = sleep_for(&me->sleep, test_below(&me->random, US(3)));
		AWAIT(me, select_biased(&me->select, me->arms, 2));
		running = turn_at_running(&me->turn);
		if (me->select.index == 1) {
			if (++me->at % 5)
				continue;
			AWAIT_STEP(me, running,
				   turn_send_feedback(running, (struct turn_feedback){me->at}));
			continue;
		}
		me->memory->interrupts++;
		if (me->at % 2) {
			AWAIT_STEP(me, running, turn_send_not_canceled(running));
			continue;
		}
		AWAIT_STEP(me, stopping, turn_send_canceling(running));
		if (stopping)
			AWAIT_STEP(me, stopping,
				   turn_send_feedback(stopping, (struct turn_feedback){me->at}));
		AWAIT_STEP(me, done, turn_send_canceled(stopping));
		me->memory->server = CANCELED;
		goto result;
	}
	running = me->turn.end.session ? turn_at_running(&me->turn) : NULL;
	me->memory->server = me->at < me->goal.degrees ? ABORTED : SUCCEEDED;
	if (me->at < me->goal.degrees)
		AWAIT_STEP(me, done, turn_send_aborted(running, (struct turn_aborted){ERR_BUSY}));
	else
		AWAIT_STEP(me, done, turn_send_succeeded(running));
result:
	me->memory->reached = me->at;
	AWAIT_STEP(me, end, turn_send_result(done, (struct turn_result){me->at}));
	if (!end)
		me->memory->server = LOST;
	ASYNC_RETURN(me, turn_status(&me->turn));
}

struct garage {
	struct async async;
	struct wait wait;
	struct service *service;
	struct session *session;
	struct task *motors[CLIENTS];
	struct join join;
	unsigned count;
};

static enum poll serves(void *frame)
{
	struct garage *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		AWAIT(me, service_accept_session(&me->wait, me->service));
		me->session = service_next_session(me->service);
		if (!me->session)
			break;
		MUST(TASK_SPAWN(&me->motors[me->count++], "motor", turns,
				((struct motor){.session = me->session}), SCHED_PARAMS_FIFO(14)));
	}
	while (me->count--) {
		AWAIT(me, task_join(&me->join, me->motors[me->count]));
		CHECK(!me->join.status || me->join.status == ERR_CANCELED);
		task_put(me->motors[me->count]);
	}
	ASYNC_END(me);
}

/* A client is three async functions, one behind another; they share its end of the session. */
struct client {
	struct async async;
	struct part {
		struct async async;
		struct client *client;
	} follow, stop;
	struct service *service;
	struct turn_client turn;
	union turn_after_goal answer;
	union turn_running news;
	union turn_stopping last;
	struct turn_result result;
	struct timeout patience;
	struct memory *memory;
	struct turn_goal goal;
	u64 random;
	u32 cancels; /* how often it will ask */
	bool leaves; /* instead of waiting for what it asked */
};

static void heard(struct client *me, i32 degrees)
{
	CHECK(degrees >= me->memory->fed_back);
	me->memory->fed_back = degrees;
}

/* Until the goal is stopped. */
static enum poll stops(void *frame)
{
	struct part *part = frame;
	struct client *me = part->client;
	struct turn_client_stopping *stopping;
	struct turn_client_stopping_offer *last;

	ASYNC_BEGIN(part);
	for (;;) {
		stopping = turn_at_stopping(&me->turn);
		AWAIT_STEP(part, last, turn_receive(stopping, &me->last));
		switch (turn_label(last)) {
		case TURN_STOPPING_FEEDBACK:
			CHECK(turn_take_feedback(last));
			heard(me, me->last.feedback.degrees);
			break;
		case TURN_STOPPING_CANCELED:
			me->memory->client = CANCELED;
			ASYNC_RETURN(part, !turn_take_canceled(last));
		case TURN_STOPPING_ABORTED:
			me->memory->client = ABORTED;
			ASYNC_RETURN(part, !turn_take_aborted(last));
		case TURN_STOPPING_OVER:
			ASYNC_RETURN(part, turn_status(&me->turn));
		}
	}
}

/* The client has waited long enough. True: it is gone. */
static bool loses_patience(struct client *me)
{
	me->cancels--;
	if (me->leaves) {
		turn_leave(&me->turn);
		me->memory->client = LOST;
		return true;
	}
	me->memory->asked++;
	turn_interrupt(turn_at_running(&me->turn));
	return false;
}

/* Until the goal has come to its end, or the client leaves. */
static enum poll follows(void *frame)
{
	struct part *part = frame;
	struct client *me = part->client;
	struct turn_client_running *running;
	struct turn_client_running_offer *news;

	ASYNC_BEGIN(part);
	for (;;) {
		running = turn_at_running(&me->turn);
		AWAIT(part, timeout_after(&me->patience, &turn_receive(running, &me->news)->aw,
					  me->cancels ? test_below(&me->random, US(40)) : SEC(10)));
		if (timeout_status(&me->patience)) {
			if (loses_patience(me))
				ASYNC_END(part);
			continue;
		}
		news = turn_offer_running(&me->turn);
		switch (turn_label(news)) {
		case TURN_RUNNING_FEEDBACK:
			CHECK(turn_take_feedback(news));
			heard(me, me->news.feedback.degrees);
			break;
		case TURN_RUNNING_NOT_CANCELED:
			CHECK(turn_take_not_canceled(news));
			me->memory->refused++;
			break;
		case TURN_RUNNING_CANCELING:
			me->memory->granted++;
			me->stop.client = me;
			CHECK(turn_take_canceling(news));
			AWAIT_CALL(part, stops, &me->stop);
			ASYNC_RETURN(part, me->stop.async.status);
		case TURN_RUNNING_SUCCEEDED:
			me->memory->client = SUCCEEDED;
			ASYNC_RETURN(part, !turn_take_succeeded(news));
		case TURN_RUNNING_ABORTED:
			CHECK_EQ(me->news.aborted.why, ERR_BUSY);
			me->memory->client = ABORTED;
			ASYNC_RETURN(part, !turn_take_aborted(news));
		case TURN_RUNNING_OVER:
			ASYNC_RETURN(part, turn_status(&me->turn));
		}
	}
}

static enum poll wants(void *frame)
{
	struct client *me = frame;
	struct turn_client_start *start;
	struct turn_client_after_goal *sent;
	struct turn_client_after_goal_offer *answer;
	struct turn_client_before_result *done;
	struct turn_client_end *end;

	ASYNC_BEGIN(me);
	start = turn_connect(&me->turn, me->service);
	AWAIT_STEP(me, sent, turn_send_goal(start, me->goal));
	AWAIT_STEP(me, answer, turn_receive(sent, &me->answer));
	switch (turn_label(answer)) {
	case TURN_AFTER_GOAL_REJECTED:
		CHECK_EQ(me->answer.rejected.why, ERR_INVAL);
		me->memory->client = REJECTED;
		ASYNC_RETURN(me, !turn_take_rejected(answer));
	case TURN_AFTER_GOAL_ACCEPTED:
		CHECK(turn_take_accepted(answer));
		break;
	case TURN_AFTER_GOAL_OVER:
		ASYNC_RETURN(me, turn_status(&me->turn));
	}
	me->follow.client = me;
	AWAIT_CALL(me, follows, &me->follow);
	if (me->follow.async.status || me->memory->client == LOST)
		ASYNC_RETURN(me, me->follow.async.status);
	done = turn_at_before_result(&me->turn);
	AWAIT_STEP(me, end, turn_receive(done, &me->result));
	CHECK(end);
	me->memory->result = me->result.degrees;
	ASYNC_RETURN(me, turn_status(&me->turn));
}

static void judge(const struct memory *m, bool leaves)
{
	if (leaves) {
		CHECK(m->client == LOST || m->client == m->server);
		return;
	}
	CHECK_EQ(m->client, m->server);
	CHECK(m->client != NOTHING && m->client != LOST);
	if (m->client == REJECTED) {
		CHECK(m->goal < 0);
		return;
	}
	CHECK_EQ(m->result, m->reached);
	CHECK(m->fed_back <= m->reached);
	CHECK_EQ(m->client == ABORTED, m->goal > ABORTS_AT && m->client != CANCELED);
	CHECK_EQ(m->client == SUCCEEDED, m->reached == m->goal && m->client != CANCELED);
	CHECK_EQ(m->client == CANCELED, m->granted == 1);
	CHECK_EQ(m->granted + m->refused, m->interrupts);
	CHECK(m->interrupts <= m->asked);
}

struct day {
	struct async async;
	struct join join;
	struct service *service;
	struct task *garage, *clients[CLIENTS];
	u64 random, breaks;
	bool leaves[CLIENTS];
	unsigned i;
};

static enum poll goals_and_changes_of_mind(void *frame)
{
	struct day *me = frame;
	struct session_break b;

	ASYNC_BEGIN(me);
	me->random = trace_descriptor.seed;
	me->breaks = session_last_break(&b);
	memset(memories, 0, sizeof memories);
	MUST(service_open("motor", &me->service));
	MUST(TASK_SPAWN(&me->garage, "garage", serves, ((struct garage){.service = me->service}),
			SCHED_PARAMS_FIFO(16)));
	for (me->i = 0; me->i < CLIENTS; me->i++) {
		me->leaves[me->i] = !test_below(&me->random, 4);
		memories[me->i].goal = (i32)test_below(&me->random, 60) - 6;
		MUST(TASK_SPAWN(
			&me->clients[me->i], "client", wants,
			((struct client){
				.service = me->service,
				.random = test_random(&me->random),
				.memory = &memories[me->i],
				.goal = {memories[me->i].goal,
					 (u32)(test_below(&me->random, 1000) * CLIENTS + me->i)},
				.cancels = (u32)test_below(&me->random, 4),
				.leaves = me->leaves[me->i],
			}),
			SCHED_PARAMS_FIFO(14)));
	}
	for (me->i = 0; me->i < CLIENTS; me->i++) {
		AWAIT(me, task_join(&me->join, me->clients[me->i]));
		CHECK_EQ(me->join.status, 0);
		task_put(me->clients[me->i]);
	}
	service_stop(me->service);
	AWAIT(me, task_join(&me->join, me->garage));
	task_put(me->garage);
	service_close(me->service);
	for (me->i = 0; me->i < CLIENTS; me->i++)
		judge(&memories[me->i], me->leaves[me->i]);
	CHECK_EQ(session_last_break(&b), me->breaks);
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(goals_and_changes_of_mind));
