/*
 * service.h: requests and replies, by name. A client's call waits in the service's mailbox until a
 * server accepts it, and the client waits for its answer. Either may give up at any time: a call
 * belongs to both, and goes when both are done with it. Several servers may share a service.
 * What is longer than a request and a reply is a connection: a session (session.h) for each client.
 * Context: task, except where said. Only service_open, service_call and service_connect allocate.
 */
#pragma once

#include "async/event.h"
#include "async/mailbox.h"
#include "async/name.h"
#include "async/session.h"

struct service {
	struct named named;
	struct mailbox calls, connections;
};

struct call {
	struct list link; /* of the mailbox, then of nobody */
	_Atomic u32 refs; /* the client's and the server's */
	struct event answered;
	struct owned client, server; /* by the task that called, and by the one that accepted */
	int status; /* once answered: the server's, ERR_CLOSED when there is none any more, or
		       ERR_FAULT when the one that had accepted it ended */
	u32 bytes;  /* of data */
	char data[] __attribute__((aligned(16))); /* the request, and then the reply */
};

/** Finds or makes the service @p name, for clients and servers. Errors: ERR_NOMEM. */
int service_open(const char *name, struct service **s) MUST_CHECK;

/** Ends what service_open began. */
void service_close(struct service *s);

/** For the last server: calls and connections that nobody accepted, and all later ones, get
 *  ERR_CLOSED. */
void service_stop(struct service *s);

/** Calls @p s with @p bytes of @p request; the reply has up to as many. @p call is the client's
 *  until call_put. Errors: ERR_NOMEM, ERR_CLOSED (stopped). */
int service_call(struct service *s, const void *request, u32 bytes, struct call **call) MUST_CHECK;

/** Ready when the call is answered: then status is valid, and data with status 0. */
static inline struct awaitable *call_wait(struct wait *w, struct call *c)
{
	return event_wait(w, &c->answered);
}

/** The client is done with @p c, or its task has ended, which does the same. */
void call_put(struct call *c);

/** Ready when there is a call for the caller, who then calls service_next once. */
static inline struct awaitable *service_accept(struct wait *w, struct service *s)
{
	return mailbox_wait(w, &s->calls);
}

/** The oldest call, the calling task's until it has answered it: when it ends before, in whatever
 *  way, the client gets ERR_FAULT. NULL: the service was stopped. */
struct call *service_next(struct service *s);

/** Answers @p c, with the reply in its data, and is done with it. Context: any in which the task that
 *  accepted it cannot end. */
void call_answer(struct call *c, int status);

/** Connects to @p s: begins @p e, the client's end of a session of @p p, whose server's end waits
 * to be accepted. Returns @p e, which may send at once; NULL: its status is ERR_NOMEM, ERR_CLOSED
 * (the service was stopped) or ERR_PROTOCOL (@p e is in use). */
struct session_end *service_connect(const struct session_place *place, struct service *s,
				    struct session_end *e, const struct session_protocol *p);

/** Ready when there is a connection for the caller, who then calls one of the next two, once. */
static inline struct awaitable *service_accept_session(struct wait *w, struct service *s)
{
	return mailbox_wait(w, &s->connections);
}

/** Begins @p e, the server's end of the oldest connection. Returns @p e; NULL: its status is
 *  ERR_CLOSED (the service was stopped) or ERR_PROTOCOL. */
struct session_end *service_take_session(const struct session_place *place, struct service *s,
					 struct session_end *e, const struct session_protocol *p);

/** The oldest connection, whose server's end somebody must begin or refuse; NULL: the service was
 *  stopped. */
struct session *service_next_session(struct service *s);
