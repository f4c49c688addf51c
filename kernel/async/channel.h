/*
 * channel.h: bounded channels of fixed-size messages, any number of senders and receivers.
 *
 * Messages leave in the order in which they were sent, and waiting senders and receivers are
 * served in order of arrival, whatever their urgency: an urgent receiver waits behind a less urgent
 * one that came first. Cancelling one that was already woken wakes the next.
 * Context: the try functions any, the awaitables task. One spin lock a channel, taken before the
 * scheduler's.
 */
#pragma once

#include "async/async.h"
#include "task/fault.h"
#include "sync/spin.h"
#include "task/waiter.h"

struct channel {
	struct spin lock;
	u32 capacity, message_bytes;	       /* constant */
	u32 head GUARDED_BY(lock);	       /* the oldest message's slot */
	u32 count GUARDED_BY(lock);	       /* messages in it */
	bool closed GUARDED_BY(lock);
	struct list senders GUARDED_BY(lock), receivers GUARDED_BY(lock);
	char *slots; /* contents under lock */
};

/**
 * Makes @p c hold @p capacity messages of @p message_bytes in @p slots, which the caller keeps for
 * as long as the channel is used.
 */
void channel_init(struct channel *c, void *slots, u32 capacity, u32 message_bytes);

/* A channel that is closed when the task dies at its end of it. */
struct channel_end {
	struct owned owned;
	struct channel *channel;
};

/** @p c is closed when the calling task ends, in whatever way, unless channel_release comes first.
 *  @p end must live until then. Context: task. */
void channel_hold(struct channel_end *end, struct channel *c);
void channel_release(struct channel_end *end);

/** Closes it: senders get ERR_CLOSED, receivers the rest of the messages and then ERR_CLOSED. */
void channel_close(struct channel *c);

/** Sends without waiting. Errors: ERR_AGAIN (full, or others wait), ERR_CLOSED. Context: any. */
int channel_try_send(struct channel *c, const void *message) MUST_CHECK;

/** Receives without waiting. Errors: ERR_AGAIN (empty, or others wait), ERR_CLOSED. */
int channel_try_receive(struct channel *c, void *message) MUST_CHECK;

/* One send or receive under way. */
struct channel_op {
	struct awaitable aw;
	struct waiter waiter; /* under channel->lock */
	struct channel *channel;
	void *message;
	int status; /* 0 or ERR_CLOSED, once ready */
};

/** Ready when @p message was copied into the channel, or it is closed (op->status tells).
 *  @p message must live until then. */
struct awaitable *channel_send(struct channel_op *op, struct channel *c, const void *message);

/** Ready when a message was copied to @p message, or the channel is closed and empty. */
struct awaitable *channel_receive(struct channel_op *op, struct channel *c, void *message);
