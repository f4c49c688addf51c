#include "async/session.h"
#include "base/printf.h"
#include "base/string.h"

/* What @p b's end could have done in the state it was in. */
static void allowed_text(const struct session_break *b, char *text, usize bytes)
{
	const struct session_protocol *p = b->protocol;
	const struct session_state *s = &p->states[b->state];
	usize n;

	if (b->over)
		strlcpy(text, "the session is over", bytes);
	else if (b->doing)
		strlcpy(text, "another step is under way", bytes);
	else if (b->other)
		ksnprintf(text, bytes, "the session is of protocol %s", b->other->name);
	else if (b->act == SESSION_BEGIN)
		strlcpy(text, "it has begun already", bytes);
	if (b->over || b->doing || b->act == SESSION_BEGIN)
		return;
	n = (usize)ksnprintf(text, bytes, s->sender == b->role ? "may send" : "may receive");
	for (u32 i = 0; i < s->arcs && n < bytes; i++)
		n += (usize)ksnprintf(text + n, bytes - n, "%s%s", i ? " or " : " ",
				      p->messages[p->arcs[s->first + i].message].name);
}

usize session_break_text(const struct session_break *b, char *text, usize bytes)
{
	static const char *const roles[] = {"client", "server"};
	static const char *const acts[] = {
		[SESSION_SEND] = "sends ",          [SESSION_RECEIVE] = "receives",
		[SESSION_TAKE] = "takes ",          [SESSION_STATE] = "goes on",
		[SESSION_BEGIN] = "begins",         [SESSION_LATE] = "did not send in time",
		[SESSION_INTERRUPT] = "interrupts", [SESSION_OFFER] = "looks at a message",
	};
	const struct session_protocol *p = b->protocol;
	bool elsewhere = p && b->as != SESSION_WHICHEVER && b->as != b->state;
	bool message = b->act == SESSION_SEND || b->act == SESSION_TAKE;
	char allowed[160];

	if (!p)
		return (usize)ksnprintf(
			text, bytes,
			"session: a step of an end that has not begun: task %u %s at %s:%u", b->tid,
			b->task, b->place->file, b->place->line);
	allowed_text(b, allowed, sizeof allowed);
	return (usize)ksnprintf(
		text, bytes, "protocol %s: %s in state %s %s%s%s%s; %s: task %u %s at %s:%u",
		p->name, roles[b->role], p->states[b->state].name, acts[b->act],
		message ? p->messages[b->message].name : "", elsewhere ? " as in state " : "",
		elsewhere ? p->states[b->as].name : "", allowed, b->tid, b->task, b->place->file,
		b->place->line);
}
