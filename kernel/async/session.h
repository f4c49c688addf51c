/*
 * session.h: conversations between a client and a server that follow a protocol. tools/session
 * compiles the protocol's description to a table and to typed functions; what follows is beneath
 * them, and what all protocols have in common (docs/sessions.md is the introduction).
 *
 * A session has two ends, each in a frame of the task that uses it, and a bounded channel in each
 * direction. The monitor keeps each end's state, one byte, and looks at every step. The first that
 * the protocol does not allow is reported on the console, by whom and where it was made and what
 * was allowed, and ends the session: with ERR_PROTOCOL at both ends.
 *
 * When a session ends before its protocol does, each end's steps are ready at once without a next
 * state, and session_status tells why, the same at both ends (messages that were sent before it
 * are received first): ERR_PROTOCOL, ERR_CANCELED (an end left), ERR_CLOSED (an end's task died, or
 * nobody serves), ERR_TIMEOUT (a message was not there in time).
 *
 * Context: task; an end is used by one task at a time. Locks: the channels'. Only session_make
 * allocates. Errors: as above, and where said.
 */
#pragma once

#include "async/channel.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "task/fault.h"

#define SESSION_MESSAGE_BYTES_MAX 1024 /* of one message; larger things are sent by reference */

enum session_role {
	SESSION_CLIENT,
	SESSION_SERVER,
	SESSION_NOBODY,
};

/* What tools/session makes of a protocol; all constant. */
struct session_arc {
	u8 message, next; /* indices */
};

struct session_message {
	const char *name;
	u16 bytes;
};

struct session_state {
	const char *name;
	u8 sender; /* enum session_role: whose turn it is; the other end receives */
	u8 interrupter;
	u8 arcs;       /* how many messages it may choose from */
	u16 first;     /* the first of them among the protocol's arcs */
	u64 within_ns; /* how long the other end waits for it; 0: as long as it takes */
};

struct session_protocol {
	const char *name;
	const struct session_state *states; /* the first is where both ends begin */
	const struct session_arc *arcs;
	const struct session_message *messages;
	u32 queue;    /* messages under way in each direction */
	u16 bytes[2]; /* of the largest struct session_wire to the client, to the server */
	u32 digest;   /* of the description: both ends were made from the same one */
};

/* A message on its way; its contents follow. */
struct session_wire {
	u64 message; /* its index */
};

/* Where in the source a step stands. */
struct session_place {
	const char *file;
	unsigned line;
};

#define SESSION_HERE                                                                               \
	({                                                                                         \
		static const struct session_place here_ = {__FILE__, __LINE__};                    \
		&here_;                                                                            \
	})

/* What both ends share. It goes with the last of them. */
struct session {
	struct list link; /* of a service's connections, then of nobody */
	const struct session_protocol *protocol;
	_Atomic u32 refs;
	_Atomic u32 begun;           /* bits by role */
	_Atomic int status;          /* 0, or why it ended early: the first reason */
	struct channel to[2];        /* to the client, to the server */
	struct semaphore interrupts; /* a permit for each; without number once it is over */
	char slots[] __attribute__((aligned(16)));
};

/*
 * One end; the typed struct of a protocol's end begins with it. All zero before its first use.
 * A step returns the end itself: its awaitable, and the state that it leads to.
 */
struct session_end {
	struct awaitable aw;
	void *next; /* once ready: this end, in the next state; NULL: the session ended early */
	struct session *session; /* NULL: not begun, or over */
	struct owned owned;      /* by the task, while there is a session */
	const struct session_protocol *protocol;
	const struct session_place *place; /* of the last step */
	struct channel_op op;
	struct awaitable *waits;   /* what the step under way waits for */
	struct timeout *timeout;   /* for states with a time limit; NULL in protocols without */
	struct session_wire *wire; /* the message that is sent or received */
	void *into;                /* where the latter goes */
	int status;
	u8 role, state;
	u8 doing;   /* enum session_act: the step under way */
	u8 message; /* that was sent or received last, in state from */
	u8 from;
};

enum session_act {
	SESSION_IDLE,
	SESSION_SEND,
	SESSION_RECEIVE,
	SESSION_TAKE,  /* goes on from a choice as if a certain message had come */
	SESSION_STATE, /* goes on as if it were in a certain state */
	SESSION_BEGIN, /* with an end in use, a session of another protocol, or a role that is taken
			*/
	SESSION_LATE,  /* did not send in time */
	SESSION_INTERRUPT,
	SESSION_OFFER, /* goes on as if a message had just come */
};

/* A step that broke a protocol. */
struct session_break {
	const struct session_protocol *protocol; /* NULL: the end had not begun */
	const struct session_protocol *other;    /* SESSION_BEGIN: the session's, if another */
	const struct session_place *place;
	char task[TASK_NAME_BYTES]; /* whose step it was; SESSION_LATE: who waited */
	u32 tid;
	u8 role, state; /* which end, and where it really was */
	u8 act;         /* enum session_act */
	u8 as;          /* the state in which that is allowed, or SESSION_WHICHEVER */
	u8 message;     /* sent or taken */
	u8 doing;       /* the step that was under way at this end */
	bool over;      /* the session was over */
};

/** The last break of any protocol in @p b. Returns how many there were. Context: any. */
u64 session_last_break(struct session_break *b);

/** One line about @p b: who did what where, and what was allowed. Returns its length. */
usize session_break_text(const struct session_break *b, char *text, usize bytes);

/** A session of @p p for two ends that have yet to begin. Errors: ERR_NOMEM. */
int session_make(const struct session_protocol *p, struct session **s) MUST_CHECK;

/** For an end that will never begin: it leaves with @p err. */
void session_refuse(struct session *s, int err);

/** Begins one end of @p s (NULL: there is none, ERR_CLOSED), which belongs to @p e from now on.
 *  @p e's wire and timeout are set. Returns @p e in the first state, or NULL. @p role and @p p are
 *  what the caller speaks. */
struct session_end *session_begin(const struct session_place *place, struct session_end *e,
				  enum session_role role, const struct session_protocol *p,
				  struct session *s);

#define SESSION_WHICHEVER 255 /* for the steps' @p state: the one that the end is in */

/** Ready when @p message, a copy of its bytes at @p data, is on its way, or the session is over. A
 *  step that is cancelled did not happen. @p e NULL: the session is over. */
struct session_end *session_send(const struct session_place *place, struct session_end *e, u8 state,
				 u8 message, const void *data);

/** Ready when a message was copied to @p into, which may be NULL when it has no bytes. */
struct session_end *session_receive(const struct session_place *place, struct session_end *e,
				    u8 state, void *into);

/** Goes on with @p message, which was received last and led to @p state. Returns @p e; NULL: it did
 *  not, or the session is over. */
struct session_end *session_take(const struct session_place *place, struct session_end *e,
				 u8 message, u8 state);

/** @p e, whose last step received in @p state; NULL: it did not. */
struct session_end *session_offer(const struct session_place *place, struct session_end *e,
				  u8 state);

/** @p e, which is in @p state between two steps; NULL: it is not. */
struct session_end *session_at(const struct session_place *place, struct session_end *e, u8 state);

/** Calls on the other end, out of turn; what it makes of that, and tells by a message, is the
 *  protocol's business. No step: @p e stays in its state. NULL: the session is over. */
void session_interrupt(const struct session_place *place, struct session_end *e, u8 state);

/** Ready once for each interrupt by the other end, and whenever the session is over. */
struct awaitable *session_interrupted(struct wait *w, struct session_end *e);

/** Ends the session early, with ERR_CANCELED for the other end. Nothing when it is over. No step
 *  may be under way. */
void session_leave(struct session_end *e);

/** 0: the session goes on, or reached its protocol's end; else why it ended early. */
static inline int session_status(const struct session_end *e)
{
	return e->status;
}

/**
 * Awaits @p step, a typed function's, and gives @p token, a plain local variable, the state that
 * follows; NULL when the session is over. Locals do not survive an await: so every older token is
 * worthless from here on, and the compilers warn of its use.
 */
#define AWAIT_STEP(me, token, step)                                                                \
	do {                                                                                       \
		__label__ again_;                                                                  \
		__auto_type step_ = (step);                                                        \
                                                                                                   \
		(me)->async.awaiting = &step_->aw;                                                 \
		(me)->async.resume = &&again_;                                                     \
		async_trace_await(TRACE_await_kind_session, __LINE__, &step_->aw);                 \
	again_:                                                                                    \
		if (await_poll((me)->async.awaiting) == POLL_PENDING)                              \
			return POLL_PENDING;                                                       \
		(token) = ((__typeof__(step_))(me)->async.awaiting)->next;                         \
		(me)->async.awaiting = NULL;                                                       \
	} while (0)
