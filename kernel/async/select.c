#include "async/select.h"

static void cancel_others(struct select *s, u32 chosen)
{
	for (u32 i = 0; i < s->count; i++)
		if (i != chosen)
			await_cancel(s->arms[i]);
}

static enum poll select_poll(struct awaitable *a)
{
	struct select *s = CONTAINER_OF(a, struct select, aw);

	for (u32 i = 0; i < s->count; i++) {
		u32 arm = (s->first + i) % s->count;

		if (await_poll(s->arms[arm]) == POLL_PENDING)
			continue;
		s->index = arm;
		cancel_others(s, arm);
		return POLL_READY;
	}
	return POLL_PENDING;
}

static void select_cancel(struct awaitable *a)
{
	struct select *s = CONTAINER_OF(a, struct select, aw);

	cancel_others(s, s->count);
}

struct awaitable *select_biased(struct select *s, struct awaitable **arms, u32 count)
{
	ASSERT(count > 0);
	*s = (struct select){
		.aw = {select_poll, select_cancel, TRACE_await_kind_select},
		.arms = arms,
		.count = count,
	};
	return &s->aw;
}

struct awaitable *select_fair(struct select *s, struct awaitable **arms, u32 count)
{
	u32 behind_last = s->count ? s->index + 1 : 0;

	(void)select_biased(s, arms, count);
	s->first = behind_last % count;
	return &s->aw;
}

struct awaitable *timeout_after(struct timeout *t, struct awaitable *inner, u64 ns)
{
	u64 at_ns = clock_ns() + ns;

	t->arms[0] = inner;
	t->arms[1] = sleep_until(&t->sleep, at_ns < ns ? TIME_NEVER : at_ns);
	(void)select_biased(&t->select, t->arms, ARRAY_LEN(t->arms));
	t->select.aw.kind = TRACE_await_kind_timeout;
	return &t->select.aw;
}
