/*
 * links: async/pubsub.c task/fault.c
 *
 * A topic that holds one message and makes publishers wait: one publishes two messages, two receive
 * two each. Every subscriber gets every message once, in order; nobody is left waiting.
 */
#include "async/pubsub.h"
#include "topic.h"

const unsigned explore_threads = 3;

static struct subscription subscriptions[2];

static unsigned told;

static void arrived(struct subscription *s)
{
	ASSERT(s == &subscriptions[0] || s == &subscriptions[1]);
	told++;
}

void explore_begin(void)
{
	tasks_begin();
	topic_begin((struct topic_params){.message_bytes = 8, .queue = 1});
	for (unsigned i = 0; i < 2; i++)
		topic_listen(&subscriptions[i], topic, arrived);
}

void explore_thread(unsigned id)
{
	struct topic_op op;
	u64 got;

	task_begin(id);
	for (u64 i = 1; i <= 2; i++)
		if (id == 2) {
			await(topic_publish(&op, topic, &i));
		} else {
			await(topic_receive(&op, &subscriptions[id], &got));
			ASSERT(got == i);
		}
}

void explore_end(void)
{
	ASSERT(told == 4);
	for (unsigned i = 0; i < 2; i++) {
		ASSERT(subscriptions[i].next == 2 && !subscriptions[i].lost);
		topic_unsubscribe(&subscriptions[i]);
	}
	ASSERT(list_empty(&topic->subscriptions) && list_empty(&topic->publishers) &&
	       list_empty(&topic->receivers));
}
