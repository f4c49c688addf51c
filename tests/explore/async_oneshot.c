/*
 * links: async/channel.c task/fault.c
 *
 * The one-shot channel: one sends, another drops it at any time, the third receives: the message
 * once, or ERR_CLOSED if the sender was told so; never both, and it is not left waiting.
 */
#include "async/oneshot.h"
#include "tasks.h"

const unsigned explore_threads = 3;

static struct channel c;
static u64 slot, got;
static int sent, received;

void explore_begin(void)
{
	tasks_begin();
	oneshot_init(&c, &slot, sizeof slot);
}

void explore_thread(unsigned id)
{
	struct channel_op op;

	task_begin(id);
	if (id == 0) {
		sent = oneshot_send(&c, &(u64){7});
		return;
	}
	if (id == 1) {
		oneshot_drop(&c);
		return;
	}
	await(channel_receive(&op, &c, &got));
	received = op.status;
}

void explore_end(void)
{
	ASSERT(sent == received && (!sent || sent == ERR_CLOSED));
	ASSERT(got == (sent ? 0u : 7u));
	ASSERT(channel_try_receive(&c, &got) == ERR_CLOSED);
	ASSERT(oneshot_send(&c, &got) == ERR_CLOSED);
}
