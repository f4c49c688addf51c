#include "async/channel.h"
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

/* Most messages are a few words: too short to look how they are best copied. */
static void copy(void *to, const void *from, u32 bytes)
{
	typedef u64 __attribute__((may_alias)) word;
	word *t = to;
	const word *f = from;

	if (((uptr)to | (uptr)from | bytes) % sizeof *t || bytes > 8 * sizeof *t) {
		memcpy(to, from, bytes);
		return;
	}
	for (; bytes; bytes -= sizeof *t) {
		*t++ = *f++;
		__asm__("" : "+r"(t)); /* or the compiler makes a call of memcpy of it */
	}
}

static void *slot(struct channel *c, u32 at)
{
	return c->slots + (usize)(at < c->capacity ? at : at - c->capacity) * c->message_bytes;
}

/* @p w: the caller's place in the queue; NULL: it is in none. */
static int send_locked(struct channel *c, const struct waiter *w, const void *message)
	REQUIRES(c->lock)
{
	if (c->closed)
		return ERR_CLOSED;
	if (c->count == c->capacity || !waiter_first(&c->senders, w))
		return ERR_AGAIN;
	copy(slot(c, c->head + c->count), message, c->message_bytes);
	c->count++;
	return 0;
}

static int receive_locked(struct channel *c, const struct waiter *w, void *message)
	REQUIRES(c->lock)
{
	if (!c->count && c->closed)
		return ERR_CLOSED;
	if (!c->count || !waiter_first(&c->receivers, w))
		return ERR_AGAIN;
	copy(message, slot(c, c->head), c->message_bytes);
	if (++c->head == c->capacity)
		c->head = 0;
	c->count--;
	return 0;
}

/* After any change: whoever is first in a queue and could go on is told. Gives the lock back; it is
 * what keeps them alive. */
static void wake_able(struct channel *c, bool irqs) RELEASE(c->lock)
{
	struct task *sender = c->count < c->capacity || c->closed ? waiter_task(&c->senders) : NULL;
	struct task *receiver = c->count || c->closed ? waiter_task(&c->receivers) : NULL;

	if (sender && receiver)
		task_wake(sender);
	if (receiver || sender)
		task_wake_release(receiver ? receiver : sender, &c->lock, irqs);
	else
		spin_unlock(&c->lock, irqs);
}

int channel_try_send(struct channel *c, const void *message)
{
	bool irqs = spin_lock(&c->lock);
	int err = send_locked(c, NULL, message);

	if (err)
		spin_unlock(&c->lock, irqs);
	else
		wake_able(c, irqs);
	return err;
}

int channel_try_receive(struct channel *c, void *message)
{
	bool irqs = spin_lock(&c->lock);
	int err = receive_locked(c, NULL, message);

	if (err)
		spin_unlock(&c->lock, irqs);
	else
		wake_able(c, irqs);
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
		spin_unlock(&c->lock, irqs);
		return POLL_PENDING;
	}
	op->status = err;
	if (op->waiter.task)
		waiter_leave(&op->waiter);
	wake_able(c, irqs);
	return POLL_READY;
}

static void op_cancel(struct awaitable *a)
{
	struct channel_op *op = CONTAINER_OF(a, struct channel_op, aw);
	bool irqs = spin_lock(&op->channel->lock);

	if (op->waiter.task)
		waiter_leave(&op->waiter);
	wake_able(op->channel, irqs);
}

static struct awaitable *op_init(struct channel_op *op, struct channel *c, void *message, u8 kind)
{
	op->aw = (struct awaitable){op_poll, op_cancel, kind};
	op->waiter.task = NULL;
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
