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
static volatile u64 ticks; /* volatile: the time orders nothing */
struct clock_scale clock_scale = {1ull << 63, 1};

uint64_t sim_clock_ns(void)
{
	return ticks;
}

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

/* What is older than its lifespan is not received, and makes nobody wait. */
static void expire(void)
{
	static const u64 age_ns[] = {9, 10, 11};
	u64 got;

	topic->params.lifespan_ns = 10;
	topic_listen(&subscriptions[0], topic, arrived);
	for (unsigned i = 0; i < ARRAY_LEN(age_ns); i++) {
		ticks = 100 * (i + 1);
		ASSERT(!topic_try_publish(topic, &(u64){i}));
		ticks += age_ns[i];
		if (age_ns[i] <= 10)
			ASSERT(!topic_try_receive(&subscriptions[0], &got) && got == i);
	}
	ASSERT(!topic_try_publish(topic, &(u64){7}));
	ASSERT(topic_try_publish(topic, &(u64){8}) == ERR_AGAIN);
	ASSERT(!topic_try_receive(&subscriptions[0], &got) && got == 7);
	ASSERT(topic_try_receive(&subscriptions[0], &got) == ERR_AGAIN);
	topic_unsubscribe(&subscriptions[0]);
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
	expire();
}
