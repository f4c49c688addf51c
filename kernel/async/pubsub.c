#include "async/pubsub.h"
#include "base/string.h"
#include "core/time.h"

struct slot {
	u64 at_ns; /* when it was published */
	char message[];
};

static usize slot_bytes(const struct topic_params *p)
{
	return ALIGN_UP(sizeof(struct slot) + p->message_bytes, (usize)16);
}

static struct slot *slot(struct topic *t, u64 number)
{
	return (struct slot *)(t->slots + number % t->params.queue * slot_bytes(&t->params));
}

static bool same(const struct topic_params *a, const struct topic_params *b)
{
	return a->message_bytes == b->message_bytes && a->queue == b->queue &&
	       a->overwrite == b->overwrite && a->keep == b->keep &&
	       a->lifespan_ns == b->lifespan_ns;
}

static const char topics; /* its address is the sort of their names */

static void topic_gone(struct named *n)
{
	kfree(CONTAINER_OF(n, struct topic, named));
}

int topic_open(const char *name, const struct topic_params *p, struct topic **t)
{
	TASK_SHIELD();
	struct topic *fresh;
	struct named *n;

	if (!p->message_bytes || !p->queue || p->keep > p->queue ||
	    slot_bytes(p) > KMALLOC_MAX_BYTES / 2 / p->queue)
		return ERR_INVAL;
	fresh = kzalloc(sizeof *fresh + slot_bytes(p) * p->queue);
	if (!fresh)
		return ERR_NOMEM;
	fresh->params = *p;
	fresh->named.gone = topic_gone;
	list_init(&fresh->subscriptions);
	list_init(&fresh->publishers);
	list_init(&fresh->receivers);
	n = name_open(&topics, name, &fresh->named);
	if (n != &fresh->named)
		kfree(fresh);
	if (!n)
		return ERR_NOMEM;
	*t = CONTAINER_OF(n, struct topic, named);
	if (same(&(*t)->params, p))
		return 0;
	topic_close(*t);
	return ERR_INVAL;
}

void topic_close(struct topic *t)
{
	name_close(&t->named);
}

/* Messages that are still in the ring. */
static u64 held(const struct topic *t)
{
	return MIN(t->sent, t->params.queue);
}

/* Looks past what @p s cannot receive any more. Returns how many it can. */
static u64 receivable(struct topic *t, struct subscription *s) REQUIRES(t->lock)
{
	u64 oldest = t->sent - held(t), lifespan_ns = t->params.lifespan_ns;

	if (s->next < oldest) {
		s->lost += oldest - s->next;
		s->next = oldest;
	}
	while (lifespan_ns && s->next < t->sent &&
	       clock_ns() - slot(t, s->next)->at_ns > lifespan_ns)
		s->next++;
	return t->sent - s->next;
}

static bool full(struct topic *t) REQUIRES(t->lock)
{
	if (!t->params.overwrite)
		LIST_FOR_EACH(it, &t->subscriptions)
		{
			struct subscription *s = LIST_ENTRY(it, struct subscription, link);

			if (receivable(t, s) == t->params.queue)
				return true;
		}
	return false;
}

/* @p w: the caller's place among those who wait to publish, or one that is in no queue. */
static int publish(struct topic *t, struct waiter *w, const void *message) REQUIRES(t->lock)
{
	struct slot *to;

	if (!waiter_first(&t->publishers, w) || full(t))
		return ERR_AGAIN;
	to = slot(t, t->sent++);
	to->at_ns = clock_ns();
	memcpy(to->message, message, t->params.message_bytes);
	LIST_FOR_EACH(it, &t->subscriptions)
	{
		struct subscription *s = LIST_ENTRY(it, struct subscription, link);

		if (s->arrived)
			s->arrived(s);
	}
	waiter_wake_all(&t->receivers);
	return 0;
}

static int receive(struct topic *t, struct subscription *s, void *message) REQUIRES(t->lock)
{
	if (!receivable(t, s))
		return ERR_AGAIN;
	memcpy(message, slot(t, s->next++)->message, t->params.message_bytes);
	return 0;
}

int topic_try_publish(struct topic *t, const void *message)
{
	struct waiter nobody;
	bool irqs = spin_lock(&t->lock);
	int err;

	waiter_init(&nobody);
	err = publish(t, &nobody, message);
	spin_unlock(&t->lock, irqs);
	return err;
}

static void subscriber_ended(struct owned *o)
{
	topic_unsubscribe(CONTAINER_OF(o, struct subscription, owned));
}

/* @p self: who owns it, or NULL. */
static void subscribe(struct subscription *s, struct topic *t, u64 back,
		      void (*arrived)(struct subscription *s), struct task *self)
{
	bool irqs = spin_lock(&t->lock);

	*s = (struct subscription){.topic = t,
				   .next = t->sent - MIN(held(t), back),
				   .arrived = arrived,
				   .owned = {.release = subscriber_ended}};
	list_add_tail(&t->subscriptions, &s->link);
	if (self)
		task_own(self, &s->owned);
	spin_unlock(&t->lock, irqs);
}

void topic_subscribe(struct subscription *s, struct topic *t)
{
	subscribe(s, t, t->params.keep, NULL, task_current());
}

void topic_listen(struct subscription *s, struct topic *t, void (*arrived)(struct subscription *s))
{
	subscribe(s, t, 0, arrived, NULL);
}

int topic_try_receive(struct subscription *s, void *message)
{
	bool irqs = spin_lock(&s->topic->lock);
	int err = receive(s->topic, s, message);

	waiter_wake_first(&s->topic->publishers);
	spin_unlock(&s->topic->lock, irqs);
	return err;
}

void topic_unsubscribe(struct subscription *s)
{
	bool irqs = spin_lock(&s->topic->lock);

	list_del(&s->link);
	task_disown(&s->owned);
	waiter_wake_first(&s->topic->publishers);
	spin_unlock(&s->topic->lock, irqs);
}

static enum poll topic_poll(struct awaitable *a)
{
	struct topic_op *op = CONTAINER_OF(a, struct topic_op, aw);
	struct topic *t = op->topic;
	bool irqs = spin_lock(&t->lock);
	int err = op->subscription ? receive(t, op->subscription, op->message)
				   : publish(t, &op->waiter, op->message);

	if (err)
		waiter_join(op->subscription ? &t->receivers : &t->publishers, &op->waiter);
	else
		waiter_leave(&op->waiter);
	/* Whoever got something, or looked past something, may have made room. */
	if (!err || op->subscription)
		waiter_wake_first(&t->publishers);
	spin_unlock(&t->lock, irqs);
	return err ? POLL_PENDING : POLL_READY;
}

static void topic_cancel(struct awaitable *a)
{
	struct topic_op *op = CONTAINER_OF(a, struct topic_op, aw);
	bool irqs = spin_lock(&op->topic->lock);

	waiter_leave(&op->waiter);
	waiter_wake_first(&op->topic->publishers);
	spin_unlock(&op->topic->lock, irqs);
}

static struct awaitable *op_init(struct topic_op *op, struct topic *t, struct subscription *s,
				 void *message)
{
	*op = (struct topic_op){.topic = t, .subscription = s, .message = message};
	op->aw = (struct awaitable){topic_poll, topic_cancel,
				    s ? TRACE_await_kind_subscription : TRACE_await_kind_publish};
	waiter_init(&op->waiter);
	return &op->aw;
}

struct awaitable *topic_publish(struct topic_op *op, struct topic *t, const void *message)
{
	return op_init(op, t, NULL, (void *)(uptr)message);
}

struct awaitable *topic_receive(struct topic_op *op, struct subscription *s, void *message)
{
	return op_init(op, s->topic, s, message);
}
