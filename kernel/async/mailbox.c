#include "async/mailbox.h"

#define WITHOUT_NUMBER (1u << 30)

void mailbox_init(struct mailbox *b)
{
	semaphore_init(&b->mails, 0);
	list_init(&b->list);
	b->closed = false;
}

/* A message or, with NULL, the end of them. */
static int post(struct mailbox *b, struct list *link)
{
	struct semaphore *s = &b->mails;
	bool irqs = spin_lock(&s->queue.lock);

	if (b->closed) {
		spin_unlock(&s->queue.lock, irqs);
		return ERR_CLOSED;
	}
	if (link)
		list_add_tail(&b->list, link);
	b->closed = !link;
	/* release: pairs with the acquire of who takes it */
	(void)atomic_fetch_add_explicit(&s->free, link ? 1 : WITHOUT_NUMBER, memory_order_release);
	wait_serve(&s->queue, irqs);
	return 0;
}

int mailbox_send(struct mailbox *b, struct list *link)
{
	return post(b, link);
}

void mailbox_close(struct mailbox *b)
{
	(void)post(b, NULL);
}

struct awaitable *mailbox_wait(struct wait *w, struct mailbox *b)
{
	return semaphore_acquire(w, &b->mails, 1, TRACE_await_kind_mailbox);
}

struct list *mailbox_take(struct mailbox *b)
{
	bool irqs = spin_lock(&b->mails.queue.lock);
	struct list *first = list_first(&b->list);

	semaphore_use_claim(&b->mails);
	if (first)
		list_del(first);
	spin_unlock(&b->mails.queue.lock, irqs);
	return first;
}
