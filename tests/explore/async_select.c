/*
 * links: async/select.c async/channel.c async/event.c async/wait.c task/fault.c
 *
 * Select: task 0 awaits a message or an event, whichever comes first; task 1 sends the message and
 * task 2 sets the event. One is chosen; what was not, is as if nobody had waited for it: a message
 * that was not chosen is in the channel still.
 */
#include "async/channel.h"
#include "async/event.h"
#include "async/select.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slots[1], got;
static struct event event;
static unsigned index;

void explore_begin(void)
{
	tasks_begin();
	channel_init(&c, slots, ARRAY_LEN(slots), sizeof slots[0]);
	event_init(&event);
}

static void choose(void)
{
	struct select s = {.count = 0};
	struct channel_op op;
	struct wait w;
	struct awaitable *arms[2] = {channel_receive(&op, &c, &got), event_wait(&w, &event)};

	await(select_fair(&s, arms, 2));
	index = s.index;
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

	ASSERT(index < 2 && got == (index ? 0u : 7u));
	ASSERT(channel_try_receive(&c, &rest) == (index ? 0 : ERR_AGAIN) && rest + got == 7);
	ASSERT(list_empty(&c.receivers) && !event.queue.count && list_empty(&event.queue.waits));
}
