#include "async/service.h"
#include "base/string.h"
#include "mm/kmalloc.h"
#include "task/fault.h"
#include <stdatomic.h>

static const char services; /* its address is the sort of their names */

int service_open(const char *name, struct service **s)
{
	struct service *fresh = kzalloc(sizeof *fresh);

	if (!fresh)
		return ERR_NOMEM;
	mailbox_init(&fresh->calls);
	mailbox_init(&fresh->connections);
	*s = CONTAINER_OF(name_open(&services, name, &fresh->named), struct service, named);
	if (*s != fresh)
		kfree(fresh);
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
	if (!name_close(&s->named))
		return;
	service_stop(s);
	kfree(s);
}

int service_call(struct service *s, const void *request, u32 bytes, struct call **call)
{
	struct call *c = kzalloc(sizeof *c + bytes);
	int err = ERR_NOMEM;

	if (c) {
		atomic_init(&c->refs, 2);
		event_init(&c->answered);
		c->bytes = bytes;
		memcpy(c->data, request, bytes);
		err = mailbox_send(&s->calls, &c->link);
	}
	if (err)
		kfree(c);
	else
		*call = c;
	return err;
}

void call_put(struct call *c)
{
	/* acq_rel: all use of c by the other side comes before the free by the last */
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		kfree(c);
}

struct call *service_next(struct service *s)
{
	struct list *link = mailbox_take(&s->calls);

	return link ? LIST_ENTRY(link, struct call, link) : NULL;
}

void call_answer(struct call *c, int status)
{
	c->status = status;
	event_set(&c->answered);
	call_put(c);
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

	task_shield();
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
	task_unshield();
	return err ? NULL : e;
}

struct session_end *service_take_session(const struct session_place *place, struct service *s,
					 struct session_end *e, const struct session_protocol *p)
{
	struct session_end *begun;

	task_shield();
	begun = session_begin(place, e, SESSION_SERVER, p, service_next_session(s));
	task_unshield();
	return begun;
}
