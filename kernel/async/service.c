#include "async/service.h"
#include "base/string.h"
#include "core/cpu.h"
#include <stdatomic.h>

static const char services; /* its address is the sort of their names */

static void service_gone(struct named *n)
{
	struct service *s = CONTAINER_OF(n, struct service, named);

	service_stop(s);
	kfree(s);
}

int service_open(const char *name, struct service **s)
{
	TASK_SHIELD();
	struct service *fresh = kzalloc(sizeof *fresh);
	struct named *n;

	if (!fresh)
		return ERR_NOMEM;
	fresh->named.gone = service_gone;
	mailbox_init(&fresh->calls);
	mailbox_init(&fresh->connections);
	n = name_open(&services, name, &fresh->named);
	if (n != &fresh->named)
		kfree(fresh);
	if (!n)
		return ERR_NOMEM;
	*s = CONTAINER_OF(n, struct service, named);
	return 0;
}

void service_stop(struct service *s)
{
	struct session *session;
	struct call *c;

	mailbox_close(&s->calls);
	mailbox_close(&s->connections);
	while ((c = service_next(s)) != NULL)
		call_answer(c, ERR_CLOSED);
	while ((session = service_next_session(s)) != NULL)
		session_refuse(session, ERR_CLOSED);
}

void service_close(struct service *s)
{
	name_close(&s->named);
}

/* One side, which owned @p c by @p o, is done with it. */
static void put(struct call *c, struct owned *o)
{
	TASK_SHIELD();

	task_disown(o);
	/* acq_rel: all use of c by the other side comes before the free by the last */
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		kfree(c);
}

static void client_ended(struct owned *o)
{
	call_put(CONTAINER_OF(o, struct call, client));
}

static void server_ended(struct owned *o)
{
	call_answer(CONTAINER_OF(o, struct call, server), ERR_FAULT);
}

int service_call(struct service *s, const void *request, u32 bytes, struct call **call)
{
	TASK_SHIELD();
	struct call *c = kzalloc(sizeof *c + bytes);
	int err;

	if (!c)
		return ERR_NOMEM;
	atomic_init(&c->refs, 2);
	event_init(&c->answered);
	c->client.release = client_ended;
	c->server.release = server_ended;
	c->bytes = bytes;
	memcpy(c->data, request, bytes);
	task_own(task_self(), &c->client);
	err = mailbox_send(&s->calls, &c->link);
	if (!err) {
		*call = c;
		return 0;
	}
	task_disown(&c->client);
	kfree(c);
	return err;
}

void call_put(struct call *c)
{
	put(c, &c->client);
}

struct call *service_next(struct service *s)
{
	TASK_SHIELD();
	struct list *link = mailbox_take(&s->calls);
	struct call *c = link ? LIST_ENTRY(link, struct call, link) : NULL;

	if (c)
		task_own(task_self(), &c->server);
	return c;
}

void call_answer(struct call *c, int status)
{
	TASK_SHIELD();

	c->status = status;
	event_set(&c->answered);
	put(c, &c->server);
}

struct session *service_next_session(struct service *s)
{
	struct list *link = mailbox_take(&s->connections);

	return link ? LIST_ENTRY(link, struct session, link) : NULL;
}

struct session_end *service_connect(const struct session_place *place, struct service *s,
				    struct session_end *e, const struct session_protocol *p)
{
	struct session *session = NULL;
	struct session_end *begun;
	int err;

	preempt_disable();
	err = session_make(p, &session);
	begun = session_begin(place, e, SESSION_CLIENT, p, session);
	if (!session) {
		e->status = err;
	} else {
		err = begun ? mailbox_send(&s->connections, &session->link) : ERR_PROTOCOL;
		if (err) /* for the end that nobody will begin */
			session_refuse(session, err);
		if (err && begun)
			session_leave(e);
	}
	preempt_enable();
	return err ? NULL : e;
}

struct session_end *service_take_session(const struct session_place *place, struct service *s,
					 struct session_end *e, const struct session_protocol *p)
{
	struct session_end *begun;

	preempt_disable();
	begun = session_begin(place, e, SESSION_SERVER, p, service_next_session(s));
	preempt_enable();
	return begun;
}
