/*
 * links: async/pubsub.c task/fault.c
 *
 * A topic that holds one message and makes publishers wait, for a subscriber that goes: one
 * publishes two messages, one receives the first if it comes in time, and ends its subscription,
 * another publishes one message. Publishers go on when the slow subscriber is gone, in order of
 * arrival.
 */
#include "async/pubsub.h"
#include "topic.h"

const unsigned explore_threads = 3;

static struct subscription slow;
static struct topic_op ops[2];
static struct ghost publishers;

void explore_begin(void)
{
	tasks_begin();
	topic_begin((struct topic_params){.message_bytes = 8, .queue = 1});
	topic_listen(&slow, topic, NULL);
}

static bool waiting(unsigned id)
{
	return *(struct task *volatile *)&ops[id].waiter.task;
}

void explore_thread(unsigned id)
{
	u64 message = id;

	task_begin(id);
	if (id == 2) {
		(void)!topic_try_receive(&slow, &message);
		topic_unsubscribe(&slow);
		return;
	}
	await_noted(topic_publish(&ops[id], topic, &message), id, &publishers);
	ASSERT(ghost_passed_nobody(&publishers, id, waiting));
}

void explore_end(void)
{
	ASSERT(topic->sent == 2);
	ASSERT(list_empty(&topic->subscriptions) && list_empty(&topic->publishers));
}
