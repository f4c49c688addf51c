/*
 * links: async/channel.c task/fault.c
 *
 * The bounded channel, of one slot: two senders, of which one sends twice, and a receiver. Each
 * message comes once, those of one sender in their order, senders in order of arrival; nobody is
 * left waiting.
 */
#include "async/channel.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slots[1 + 1]; /* and one behind them */
static struct channel_op ops[3];
static u64 got[3];
static struct ghost senders;

void explore_begin(void)
{
	tasks_begin();
	channel_init(&c, slots, ARRAY_LEN(slots) - 1, sizeof slots[0]);
}

static bool waiting(unsigned id)
{
	return *(struct task *volatile *)&ops[id].waiter.task;
}

static void send(unsigned id, u64 message)
{
	await_noted(channel_send(&ops[id], &c, &message), id, &senders);
	ASSERT(ghost_passed_nobody(&senders, id, waiting));
	ASSERT(!ops[id].status);
}

void explore_thread(unsigned id)
{
	task_begin(id);
	if (id < 2) {
		send(id, 10 * (id + 1));
		if (!id)
			ASSERT(channel_try_send(&c, &(u64){11}) != ERR_CLOSED);
		return;
	}
	for (int i = 0; i < 2; i++) {
		await(channel_receive(&ops[2], &c, &got[i]));
		ASSERT(!ops[2].status);
	}
}

/* Task 0's second message was sent if there was room: then it is one of these. */
void explore_end(void)
{
	unsigned n = 2;

	if (!channel_try_receive(&c, &got[2]))
		n++;
	ASSERT(got[0] == 10 || got[0] == 20);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			ASSERT(got[i] != got[j] && !(got[i] == 11 && got[j] == 10));
	ASSERT(list_empty(&c.senders) && list_empty(&c.receivers) && !c.count);
	ASSERT(!slots[ARRAY_LEN(slots) - 1]);
}
