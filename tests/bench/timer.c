/* The timer queue, with nothing and with much in it. */
#include "bench.h"

#define OTHERS_MAX 999u
#define ROUNDS 200u

static struct timer others[OTHERS_MAX], mine;
static volatile bool fired;

static void on_timer(struct timer *t)
{
	(void)t;
	fired = true;
}

static u64 random(void)
{
	static u64 x = 88172645463325252ull; /* Marsaglia: "Xorshift RNGs", 2003 */

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static u64 far_ns(void)
{
	return clock_ns() + SEC(100) + random() % SEC(100);
}

static void report(const char *what, unsigned n)
{
	char metric[48];

	ksnprintf(metric, sizeof metric, "timer.%s.n%u", what, n);
	bench_report(metric);
}

/* With @p n timers in the queue, this one included. */
static void measure(unsigned n)
{
	for (unsigned i = 0; i < n - 1; i++) {
		timer_init(&others[i], on_timer);
		timer_arm(&others[i], far_ns());
	}
	timer_init(&mine, on_timer);
	while (bench_more()) {
		u64 at_ns = far_ns();

		bench_begin();
		timer_arm(&mine, at_ns);
		bench_end();
		(void)timer_cancel(&mine);
	}
	report("arm", n);
	while (bench_more()) {
		timer_arm(&mine, far_ns());
		bench_begin();
		(void)timer_cancel(&mine);
		bench_end();
	}
	report("cancel", n);
	for (unsigned i = 0; i < ROUNDS; i++) {
		fired = false;
		timer_arm(&mine, clock_ns() + US(20));
		bench_push(bench_stolen(&fired));
	}
	report("fire", n);
	for (unsigned i = 0; i < n - 1; i++)
		(void)timer_cancel(&others[i]);
}

static enum poll bench(void *frame)
{
	(void)frame;
	bench_calibrate();
	measure(1);
	measure(OTHERS_MAX + 1);
	bench_done();
}

BENCH_MAIN(bench, struct async)
