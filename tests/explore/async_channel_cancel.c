/*
 * links: async/channel.c task/fault.c
 *
 * The bounded channel with those who withdraw: a sender sends twice; of two receivers one looks
 * once only and withdraws. What it was woken for the other one gets: no wake-up is lost with it,
 * and no message.
 */
#include "async/channel.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slots[2 + 1]; /* and one behind them */
static struct channel_op ops[3];
static u64 got, taken;

void explore_begin(void)
{
	tasks_begin();
	channel_init(&c, slots, ARRAY_LEN(slots) - 1, sizeof slots[0]);
}

void explore_thread(unsigned id)
{
	struct awaitable *a;

	task_begin(id);
	if (id == 0) {
		for (u64 m = 1; m <= 2; m++)
			ASSERT(!channel_try_send(&c, &m));
		return;
	}
	a = channel_receive(&ops[id], &c, id == 1 ? &got : &taken);
	if (id == 1)
		await(a);
	else if (await_poll(a) == POLL_PENDING)
		await_cancel(a);
}

/* Each message has its slot, wherever the first one is. */
static void go_round(void)
{
	u64 value;

	for (u64 i = 1; i <= 4; i++) {
		ASSERT(!channel_try_send(&c, &i));
		if (i == 1)
			continue;
		ASSERT(channel_try_send(&c, &i) == ERR_AGAIN);
		ASSERT(!channel_try_receive(&c, &value) && value == i - 1);
	}
	ASSERT(!channel_try_receive(&c, &value) && value == 4);
	ASSERT(channel_try_receive(&c, &value) == ERR_AGAIN);
}

void explore_end(void)
{
	u64 rest = 0, sum;

	sum = got + taken;
	if (!taken)
		ASSERT(!channel_try_receive(&c, &rest));
	ASSERT(sum + rest == 3 && got && got != taken && got != rest);
	ASSERT(channel_try_receive(&c, &rest) == ERR_AGAIN);
	ASSERT(list_empty(&c.receivers));
	for (u64 m = 5; m < 8; m++) { /* round the ring */
		ASSERT(!channel_try_send(&c, &m) && !channel_try_receive(&c, &rest));
		ASSERT(rest == m);
	}
	go_round();
	ASSERT(!slots[ARRAY_LEN(slots) - 1]);
}
