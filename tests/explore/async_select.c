/*
 * links: async/select.c async/channel.c async/event.c async/wait.c task/fault.c
 *
 * Select: task 0 awaits a message or an event, whichever comes first; task 1 sends the message and
 * task 2 sets the event; a third arm never becomes ready. One is chosen; what was not, is as if
 * nobody had waited for it: a message that was not chosen is in the channel still. Of three that
 * are ready each time, each is chosen in its turn.
 */
#include "async/channel.h"
#include "async/event.h"
#include "async/select.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slots[1], got;
static struct event event, never;
static unsigned index;

void explore_begin(void)
{
	tasks_begin();
	channel_init(&c, slots, ARRAY_LEN(slots), sizeof slots[0]);
	event_init(&event);
	event_init(&never);
}

static void choose(void)
{
	struct select s = {.count = 0};
	struct channel_op op;
	struct wait w[2];
	struct awaitable *arms[3] = {event_wait(&w[0], &never), channel_receive(&op, &c, &got),
				     event_wait(&w[1], &event)};

	await(select_fair(&s, arms, 3));
	index = s.index;
}

static void take_turns(void)
{
	struct select s = {.count = 0};
	struct wait w[3];
	struct awaitable *arms[3];

	for (unsigned turn = 0; turn < 4; turn++) {
		for (unsigned i = 0; i < 3; i++)
			arms[i] = event_wait(&w[i], &event);
		ASSERT(await_poll(select_fair(&s, arms, 3)) == POLL_READY && s.index == turn % 3);
	}
	for (unsigned i = 0; i < 3; i++)
		arms[i] = event_wait(&w[i], i == 1 ? &event : &never);
	ASSERT(await_poll(select_fair(&s, arms, 3)) == POLL_READY && s.index == 1);
	ASSERT(await_poll(select_biased(&s, arms, 3)) == POLL_READY && s.index == 1);
	ASSERT(!never.queue.count && list_empty(&never.queue.waits));
}

void explore_thread(unsigned id)
{
	task_begin(id);
	if (id == 0)
		choose();
	else if (id == 1)
		ASSERT(!channel_try_send(&c, &(u64){7}));
	else
		event_set(&event);
}

void explore_end(void)
{
	u64 rest = 0;

	ASSERT((index == 1 || index == 2) && got == (index == 1 ? 7u : 0u));
	ASSERT(channel_try_receive(&c, &rest) == (index == 1 ? ERR_AGAIN : 0) && rest + got == 7);
	ASSERT(list_empty(&c.receivers) && !event.queue.count && list_empty(&event.queue.waits));
	ASSERT(!never.queue.count && list_empty(&never.queue.waits));
	take_turns();
}
