#include "async/session.h"
#include "base/string.h"
#include "core/cpu.h"
#include "core/log.h"

#define WITHOUT_NUMBER (1u << 30)

static struct spin breaks_lock;
static u64 breaks VAR_GUARDED_BY(breaks_lock);
static struct session_break last_break VAR_GUARDED_BY(breaks_lock);

u64 session_last_break(struct session_break *b)
{
	bool irqs = spin_lock(&breaks_lock);
	u64 count = breaks;

	*b = last_break;
	spin_unlock(&breaks_lock, irqs);
	return count;
}

static void put(struct session *s)
{
	/* acq_rel: all use of s by the other end comes before the free by the last */
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		kfree(s);
}

/* True: it is this that ended @p s. */
static bool finish(struct session *s, int err)
{
	int none = 0;
	/* relaxed: the other end reads it after it has seen, under its lock, a closed channel */
	bool first = atomic_compare_exchange_strong_explicit(
		&s->status, &none, err, memory_order_relaxed, memory_order_relaxed);

	channel_close(&s->to[SESSION_CLIENT]);
	channel_close(&s->to[SESSION_SERVER]);
	if (first)
		semaphore_release(&s->interrupts, WITHOUT_NUMBER);
	return first;
}

/* @p e gives its session back. */
static void let_go(struct session_end *e)
{
	struct session *s = e->session;

	e->session = NULL;
	task_disown(&e->owned);
	put(s);
}

/* True: as finish. */
static bool lose(struct session_end *e, int err)
{
	bool first;

	preempt_disable();
	if (e->doing)
		await_cancel(e->waits);
	e->doing = SESSION_IDLE;
	e->next = NULL;
	first = finish(e->session, err);
	/* relaxed: as in finish */
	e->status = atomic_load_explicit(&e->session->status, memory_order_relaxed);
	let_go(e);
	preempt_enable();
	return first;
}

/* The task of @p o ends, in whichever way. */
static void died(struct owned *o)
{
	(void)lose(CONTAINER_OF(o, struct session_end, owned), ERR_CLOSED);
}

/* Reports what @p e does, as if it were in state @p as, unless its session had ended before. */
static void broken(struct session_end *e, enum session_act act, u8 as, u8 message,
		   const struct session_protocol *other)
{
	struct session_break b = {
		.protocol = e->protocol,
		.other = other,
		.place = e->place,
		.tid = task_self()->id,
		.role = act == SESSION_LATE ? !e->role : e->role,
		.state = e->state,
		.act = (u8)act,
		.as = as,
		.message = message,
		.doing = act == SESSION_LATE ? SESSION_IDLE : e->doing,
		.over = !e->session,
	};
	char text[320];
	bool irqs;

	strlcpy(b.task, task_self()->name, sizeof b.task);
	if (e->session && !lose(e, act == SESSION_LATE ? ERR_TIMEOUT : ERR_PROTOCOL))
		return;
	if (b.over)
		e->status = ERR_PROTOCOL;
	session_break_text(&b, text, sizeof text);
	klog("%s", text);
	irqs = spin_lock(&breaks_lock);
	last_break = b;
	breaks++;
	spin_unlock(&breaks_lock, irqs);
}

int session_make(const struct session_protocol *p, struct session **made)
{
	usize bytes = (usize)p->queue * (p->bytes[SESSION_CLIENT] + p->bytes[SESSION_SERVER]);
	struct session *s = kzalloc(sizeof *s + bytes);
	char *slots;

	if (!s)
		return ERR_NOMEM;
	s->protocol = p;
	atomic_init(&s->refs, 2);
	semaphore_init(&s->interrupts, 0);
	slots = s->slots;
	for (unsigned to = SESSION_CLIENT; to <= SESSION_SERVER; to++) {
		channel_init(&s->to[to], slots, p->queue, p->bytes[to]);
		slots += (usize)p->queue * p->bytes[to];
	}
	*made = s;
	return 0;
}

void session_refuse(struct session *s, int err)
{
	(void)finish(s, err);
	put(s);
}

struct session_end *session_begin(const struct session_place *place, struct session_end *e,
				  enum session_role role, const struct session_protocol *p,
				  struct session *s)
{
	u32 begun;

	e->place = place;
	if (e->session) {
		broken(e, SESSION_BEGIN, SESSION_WHICHEVER, 0, NULL);
		if (s)
			session_refuse(s, ERR_PROTOCOL);
		return NULL;
	}
	e->protocol = p;
	e->role = (u8)role;
	e->state = 0;
	e->from = SESSION_WHICHEVER;
	e->doing = SESSION_IDLE;
	e->next = e;
	e->status = s ? 0 : ERR_CLOSED;
	if (!s)
		return NULL;
	preempt_disable();
	e->session = s;
	e->owned.release = died;
	task_own(task_self(), &e->owned);
	preempt_enable();
	/* relaxed: it says who came, and nothing of what they did */
	begun = atomic_fetch_or_explicit(&s->begun, 1u << role, memory_order_relaxed);
	if (begun & 1u << role) /* the reference is the other one's: this end takes one to lose */
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	if (s->protocol->digest != p->digest)
		broken(e, SESSION_BEGIN, SESSION_WHICHEVER, 0, s->protocol);
	else if (begun & 1u << role)
		broken(e, SESSION_BEGIN, SESSION_WHICHEVER, 0, NULL);
	return e->session ? e : NULL;
}

static const struct session_arc *arc(const struct session_end *e, u64 message)
{
	const struct session_state *s = &e->protocol->states[e->state];

	for (u32 i = 0; i < s->arcs; i++)
		if (e->protocol->arcs[s->first + i].message == message)
			return &e->protocol->arcs[s->first + i];
	return NULL;
}

/* Whether @p e may now send or receive; if not, it has been dealt with. */
static bool may(const struct session_place *place, struct session_end *e, u8 state,
		enum session_act act, u8 message)
{
	bool sends = act == SESSION_SEND;

	e->place = place;
	e->next = NULL;
	if (!e->session && e->status)
		return false;
	if (e->session && !e->doing && (state == SESSION_WHICHEVER || state == e->state) &&
	    (e->protocol->states[e->state].sender == e->role) == sends &&
	    (!sends || arc(e, message)))
		return true;
	broken(e, act, state, message, NULL);
	return false;
}

/* @p e sent or received @p message. */
static void advance(struct session_end *e, const struct session_arc *a)
{
	e->message = a->message;
	e->from = e->state;
	e->state = a->next;
	e->next = e;
	if (e->protocol->states[e->state].arcs)
		return;
	preempt_disable();
	let_go(e);
	preempt_enable();
}

static void received(struct session_end *e)
{
	const struct session_arc *a = arc(e, e->wire->message);

	if (!a) {
		broken(e, SESSION_RECEIVE, SESSION_WHICHEVER, 0, NULL);
		return;
	}
	if (e->into)
		memcpy(e->into, e->wire + 1, e->protocol->messages[a->message].bytes);
	advance(e, a);
}

static enum poll step_poll(struct awaitable *a)
{
	struct session_end *e = CONTAINER_OF(a, struct session_end, aw);
	u8 act = e->doing;

	if (!act)
		return POLL_READY;
	if (await_poll(e->waits) == POLL_PENDING)
		return POLL_PENDING;
	e->doing = SESSION_IDLE;
	if (e->waits != &e->op.aw && timeout_status(e->timeout))
		broken(e, SESSION_LATE, SESSION_WHICHEVER, 0, NULL);
	else if (e->op.status)
		(void)lose(e, ERR_CLOSED);
	else if (act == SESSION_SEND)
		advance(e, arc(e, e->wire->message));
	else
		received(e);
	return POLL_READY;
}

static void step_cancel(struct awaitable *a)
{
	struct session_end *e = CONTAINER_OF(a, struct session_end, aw);

	if (!e->doing)
		return;
	await_cancel(e->waits);
	e->doing = SESSION_IDLE;
}

/* What a step without a session gives. Nobody writes to it. */
static struct session_end no_end = {.aw = {step_poll, step_cancel, TRACE_await_kind_session}};

static void begin_step(struct session_end *e, enum session_act act, struct awaitable *waits)
{
	e->waits = waits;
	/* release: whoever ends this task sees doing, and then what is to be cancelled (lose) */
	atomic_signal_fence(memory_order_release);
	e->doing = (u8)act;
}

struct session_end *session_send(const struct session_place *place, struct session_end *e, u8 state,
				 u8 message, const void *data)
{
	if (!e)
		return &no_end;
	e->aw = no_end.aw;
	if (!may(place, e, state, SESSION_SEND, message))
		return e;
	e->wire->message = message;
	if (data)
		memcpy(e->wire + 1, data, e->protocol->messages[message].bytes);
	begin_step(e, SESSION_SEND, channel_send(&e->op, &e->session->to[!e->role], e->wire));
	return e;
}

struct session_end *session_receive(const struct session_place *place, struct session_end *e,
				    u8 state, void *into)
{
	struct awaitable *message;
	u64 within_ns;

	if (!e)
		return &no_end;
	e->aw = no_end.aw;
	if (!may(place, e, state, SESSION_RECEIVE, 0))
		return e;
	e->into = into;
	message = channel_receive(&e->op, &e->session->to[e->role], e->wire);
	within_ns = e->protocol->states[e->state].within_ns;
	if (within_ns)
		message = timeout_after(e->timeout, message, within_ns);
	begin_step(e, SESSION_RECEIVE, message);
	return e;
}

struct session_end *session_take(const struct session_place *place, struct session_end *e,
				 u8 message, u8 state)
{
	if (!e)
		return NULL;
	e->place = place;
	if (!e->doing && e->message == message && e->state == state && !e->status)
		return e;
	if (!e->status)
		broken(e, SESSION_TAKE, SESSION_WHICHEVER, message, NULL);
	return NULL;
}

struct session_end *session_offer(const struct session_place *place, struct session_end *e,
				  u8 state)
{
	e->place = place;
	if (e->protocol && e->next && e->from == state && !e->status)
		return e;
	if (!e->status)
		broken(e, SESSION_OFFER, state, 0, NULL);
	return NULL;
}

struct session_end *session_at(const struct session_place *place, struct session_end *e, u8 state)
{
	e->place = place;
	if (e->protocol && !e->doing && e->state == state && !e->status)
		return e;
	if (!e->status)
		broken(e, SESSION_STATE, state, 0, NULL);
	return NULL;
}

void session_interrupt(const struct session_place *place, struct session_end *e, u8 state)
{
	if (!e)
		return;
	e->place = place;
	if (e->session && e->state == state && e->protocol->states[state].interrupter == e->role)
		semaphore_release(&e->session->interrupts, 1);
	else if (!e->status)
		broken(e, SESSION_INTERRUPT, state, 0, NULL);
}

struct awaitable *session_interrupted(struct wait *w, struct session_end *e)
{
	if (!e->session)
		return &no_end.aw;
	return semaphore_acquire(w, &e->session->interrupts, 1, TRACE_await_kind_session);
}

void session_leave(struct session_end *e)
{
	if (e->session)
		(void)lose(e, ERR_CANCELED);
}
