/*
 * pubsub.h: topics: what is published is received by everybody who has subscribed. A topic has one
 * ring of messages, and each subscription a place in it, so a message is copied in once and out
 * once for each subscriber. Publishers and subscribers come and go.
 * Context: task, except where said. One spin lock a topic, taken before the scheduler's; messages
 * are copied under it. Only topic_open allocates.
 */
#pragma once

#include "async/async.h"
#include "async/name.h"
#include "sync/spin.h"
#include "task/fault.h"
#include "task/waiter.h"

struct topic_params {
	u32 message_bytes, queue; /* at least 1: the size and number of messages it holds */
	bool overwrite;  /* when full: the oldest is lost to slow subscribers; else publishers wait
			  */
	u32 keep;        /* how many of the last messages a new subscriber gets; at most queue */
	u64 lifespan_ns; /* after which a message is received no more; 0: no end */
};

struct topic {
	struct named named;
	struct topic_params params; /* constant */
	struct spin lock;
	u64 sent GUARDED_BY(lock); /* messages so far; the next one's number */
	struct list subscriptions GUARDED_BY(lock);
	struct list publishers GUARDED_BY(lock), receivers GUARDED_BY(lock); /* who wait */
	char slots[] __attribute__((aligned(16)));
};

struct subscription {
	struct list link; /* under topic->lock, like the next two */
	u64 next;         /* the number of the message to receive next */
	u64 lost;         /* messages that were overwritten before they were received */
	struct topic *topic;
	struct owned owned; /* by the task that subscribed */
	/* Called at each message, under topic->lock; constant. NULL: nobody needs to know. */
	void (*arrived)(struct subscription *s);
};

/** Finds or makes the topic @p name. Errors: ERR_INVAL (@p p is out of range, or not what the topic
 *  was made with), ERR_NOMEM. */
int topic_open(const char *name, const struct topic_params *p, struct topic **t) MUST_CHECK;

/** Ends what topic_open began. With the last user go the topic and its messages. A task that dies
 *  closes what it opened (name.h). */
void topic_close(struct topic *t);

/** Begins to subscribe to @p t, which stays open until topic_unsubscribe, or until the calling task
 *  ends, in whatever way: that ends it, too. */
void topic_subscribe(struct subscription *s, struct topic *t);

/** The same for somebody who collects messages with topic_try_receive and is told of each by
 *  @p arrived. Messages from before do not count. It is nobody's, and goes on until it is ended. */
void topic_listen(struct subscription *s, struct topic *t, void (*arrived)(struct subscription *s));

/** Ends it. No receive of @p s may be under way. */
void topic_unsubscribe(struct subscription *s);

/* A publish or receive under way. */
struct topic_op {
	struct awaitable aw;
	struct waiter waiter; /* under topic->lock */
	struct topic *topic;
	struct subscription *subscription; /* NULL: publishes */
	void *message;
};

/** Ready when @p message is published. Where publishers wait, they do so in order of arrival, until
 *  each subscriber has received, or let expire and looked past, the oldest message. */
struct awaitable *topic_publish(struct topic_op *op, struct topic *t, const void *message);

/** Publishes without waiting. Errors: ERR_AGAIN (full, or others wait). Context: any. */
int topic_try_publish(struct topic *t, const void *message) MUST_CHECK;

/** Receives without waiting. Errors: ERR_AGAIN. Context: any. */
int topic_try_receive(struct subscription *s, void *message) MUST_CHECK;

/** Ready when a message was copied to @p message. One receive a subscription at a time. */
struct awaitable *topic_receive(struct topic_op *op, struct subscription *s, void *message);
