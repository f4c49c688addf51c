/*
 * oneshot.h: a channel for one message: a bounded channel that is closed by the send. The
 * receiver gets the message once, and ERR_CLOSED from then on, or at once when the sender was
 * dropped. One sender. Contexts and locks: channel.h.
 */
#pragma once

#include "async/channel.h"

/** @p c's message of @p bytes is kept in @p slot, the caller's. Receive with channel_receive. */
static inline void oneshot_init(struct channel *c, void *slot, u32 bytes)
{
	channel_init(c, slot, 1, bytes);
}

/** Sends @p message. Errors: ERR_CLOSED (sent or dropped before, or the receiver closed it). */
static inline int MUST_CHECK oneshot_send(struct channel *c, const void *message)
{
	int err = channel_try_send(c, message);

	channel_close(c);
	return err;
}

/** For a sender that will not send, or a receiver that will not receive. */
static inline void oneshot_drop(struct channel *c)
{
	channel_close(c);
}
