#include "async/sleep.h"

static void sleep_fire(struct timer *t)
{
	task_wake(CONTAINER_OF(t, struct sleep, timer)->task);
}

static enum poll sleep_poll(struct awaitable *a)
{
	struct sleep *s = CONTAINER_OF(a, struct sleep, aw);

	if (clock_ns() >= s->until_ns) {
		/* The timer may be firing on another CPU: after this it has let go of s. */
		if (s->task)
			(void)timer_cancel(&s->timer);
		s->task = NULL;
		return POLL_READY;
	}
	if (!s->task) {
		s->task = task_self();
		timer_arm(&s->timer, s->until_ns);
	}
	return POLL_PENDING;
}

static void sleep_cancel(struct awaitable *a)
{
	struct sleep *s = CONTAINER_OF(a, struct sleep, aw);

	if (s->task)
		(void)timer_cancel(&s->timer);
	s->task = NULL;
}

struct awaitable *sleep_until(struct sleep *s, u64 at_ns)
{
	s->aw = (struct awaitable){sleep_poll, sleep_cancel, TRACE_await_kind_sleep};
	timer_init(&s->timer, sleep_fire);
	s->task = NULL;
	s->until_ns = at_ns;
	return &s->aw;
}

struct awaitable *sleep_for(struct sleep *s, u64 ns)
{
	u64 now_ns = clock_ns();

	return sleep_until(s, ns < TIME_NEVER - now_ns ? now_ns + ns : TIME_NEVER);
}
