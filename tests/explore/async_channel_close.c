/*
 * links: async/channel.c task/fault.c
 *
 * A channel of one slot that is closed while one sends twice and another receives three times:
 * whoever waits is told, what was sent before comes first and once, and then ERR_CLOSED.
 */
#include "async/channel.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slots[1 + 1]; /* and one behind them */
static unsigned sent, received;
static bool closed[2];

void explore_begin(void)
{
	tasks_begin();
	channel_init(&c, slots, ARRAY_LEN(slots) - 1, sizeof slots[0]);
}

void explore_thread(unsigned id)
{
	struct channel_op op;
	u64 message;

	task_begin(id);
	if (id == 2) {
		channel_close(&c);
		return;
	}
	for (u64 i = 1; i <= 2 && !closed[id]; i++) {
		message = i;
		await(id ? channel_receive(&op, &c, &message) : channel_send(&op, &c, &message));
		closed[id] = op.status;
		if (closed[id])
			ASSERT(op.status == ERR_CLOSED);
		else if (id)
			ASSERT(message == ++received);
		else
			sent++;
	}
}

void explore_end(void)
{
	u64 rest;

	while (!channel_try_receive(&c, &rest))
		ASSERT(rest == ++received);
	ASSERT(received == sent);
	ASSERT(channel_try_receive(&c, &rest) == ERR_CLOSED);
	ASSERT(channel_try_send(&c, &rest) == ERR_CLOSED);
	ASSERT(list_empty(&c.senders) && list_empty(&c.receivers));
	ASSERT(!slots[ARRAY_LEN(slots) - 1]);
}
