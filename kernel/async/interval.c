#include "async/interval.h"

void interval_init(struct interval *i, u64 first_ns, u64 period_ns, enum interval_missed missed)
{
	ASSERT(period_ns > 0);
	*i = (struct interval){.period_ns = period_ns, .next_ns = first_ns, .missed = missed};
}

static u64 next_tick(const struct interval *i, u64 now_ns)
{
	u64 late_ns = now_ns - i->due_ns;

	if (late_ns < i->period_ns || i->missed == INTERVAL_BURST)
		return i->due_ns + i->period_ns;
	if (i->missed == INTERVAL_DELAY)
		return now_ns + i->period_ns;
	return now_ns + i->period_ns - late_ns % i->period_ns;
}

static enum poll interval_poll(struct awaitable *a)
{
	struct interval *i = CONTAINER_OF(a, struct interval, aw);

	if (await_poll(&i->sleep.aw) == POLL_PENDING)
		return POLL_PENDING;
	i->due_ns = i->next_ns;
	i->next_ns = next_tick(i, clock_ns());
	return POLL_READY;
}

static void interval_cancel(struct awaitable *a)
{
	await_cancel(&CONTAINER_OF(a, struct interval, aw)->sleep.aw);
}

struct awaitable *interval_tick(struct interval *i)
{
	i->aw = (struct awaitable){interval_poll, interval_cancel, TRACE_await_kind_interval};
	(void)sleep_until(&i->sleep, i->next_ns);
	return &i->aw;
}
