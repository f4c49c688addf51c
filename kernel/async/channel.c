#include "async/channel.h"
#include "base/panic.h"
#include "base/string.h"

void channel_init(struct channel *c, void *slots, u32 capacity, u32 message_bytes)
	NO_THREAD_SAFETY_ANALYSIS
{
	ASSERT(capacity > 0 && message_bytes > 0);
	*c = (struct channel){
		.capacity = capacity, .message_bytes = message_bytes, .slots = slots};
	list_init(&c->senders);
	list_init(&c->receivers);
}

void channel_close(struct channel *c)
{
	bool irqs = spin_lock(&c->lock);

	c->closed = true;
	waiter_wake_all(&c->senders);
	waiter_wake_all(&c->receivers);
	spin_unlock(&c->lock, irqs);
}

/* @p w: the caller's place in the queue, or one that is in none. */
static int send_locked(struct channel *c, struct waiter *w, const void *message) REQUIRES(c->lock)
{
	u32 slot = (c->head + c->count) % c->capacity;

	if (c->closed)
		return ERR_CLOSED;
	if (c->count == c->capacity || !waiter_first(&c->senders, w))
		return ERR_AGAIN;
	memcpy(c->slots + (usize)slot * c->message_bytes, message, c->message_bytes);
	c->count++;
	return 0;
}

static int receive_locked(struct channel *c, struct waiter *w, void *message) REQUIRES(c->lock)
{
	if (!c->count && c->closed)
		return ERR_CLOSED;
	if (!c->count || !waiter_first(&c->receivers, w))
		return ERR_AGAIN;
	memcpy(message, c->slots + (usize)c->head * c->message_bytes, c->message_bytes);
	c->head = (c->head + 1) % c->capacity;
	c->count--;
	return 0;
}

/* After any change: whoever is first in a queue and could go on is told. */
static void wake_able(struct channel *c) REQUIRES(c->lock)
{
	if (c->count < c->capacity || c->closed)
		waiter_wake_first(&c->senders);
	if (c->count || c->closed)
		waiter_wake_first(&c->receivers);
}

int channel_try_send(struct channel *c, const void *message)
{
	struct waiter nobody;
	bool irqs = spin_lock(&c->lock);
	int err;

	waiter_init(&nobody);
	err = send_locked(c, &nobody, message);
	if (!err)
		wake_able(c);
	spin_unlock(&c->lock, irqs);
	return err;
}

int channel_try_receive(struct channel *c, void *message)
{
	struct waiter nobody;
	bool irqs = spin_lock(&c->lock);
	int err;

	waiter_init(&nobody);
	err = receive_locked(c, &nobody, message);
	if (!err)
		wake_able(c);
	spin_unlock(&c->lock, irqs);
	return err;
}

static enum poll op_poll(struct awaitable *a)
{
	struct channel_op *op = CONTAINER_OF(a, struct channel_op, aw);
	struct channel *c = op->channel;
	bool send = a->kind == TRACE_await_kind_channel_send;
	bool irqs = spin_lock(&c->lock);
	int err = send ? send_locked(c, &op->waiter, op->message)
		       : receive_locked(c, &op->waiter, op->message);

	if (err == ERR_AGAIN) {
		waiter_join(send ? &c->senders : &c->receivers, &op->waiter);
	} else {
		op->status = err;
		waiter_leave(&op->waiter);
		wake_able(c);
	}
	spin_unlock(&c->lock, irqs);
	return err == ERR_AGAIN ? POLL_PENDING : POLL_READY;
}

static void op_cancel(struct awaitable *a)
{
	struct channel_op *op = CONTAINER_OF(a, struct channel_op, aw);
	bool irqs = spin_lock(&op->channel->lock);

	waiter_leave(&op->waiter);
	wake_able(op->channel);
	spin_unlock(&op->channel->lock, irqs);
}

static struct awaitable *op_init(struct channel_op *op, struct channel *c, void *message, u8 kind)
{
	op->aw = (struct awaitable){op_poll, op_cancel, kind};
	waiter_init(&op->waiter);
	op->channel = c;
	op->message = message;
	op->status = 0;
	return &op->aw;
}

struct awaitable *channel_send(struct channel_op *op, struct channel *c, const void *message)
{
	return op_init(op, c, (void *)(uptr)message, TRACE_await_kind_channel_send);
}

struct awaitable *channel_receive(struct channel_op *op, struct channel *c, void *message)
{
	return op_init(op, c, message, TRACE_await_kind_channel_receive);
}

static void end_lost(struct owned *o)
{
	task_disown(o);
	channel_close(CONTAINER_OF(o, struct channel_end, owned)->channel);
}

void channel_hold(struct channel_end *end, struct channel *c)
{
	*end = (struct channel_end){.owned.release = end_lost, .channel = c};
	task_own(task_self(), &end->owned);
}

void channel_release(struct channel_end *end)
{
	task_disown(&end->owned);
}
