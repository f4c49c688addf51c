/*
 * The kernel among n tasks of one class, half of them ready and half waiting. The task that runs
 * wakes the one that has waited longest, and waits: so the run queue always holds n / 2. Counted
 * are that wake-up, which queues one among n / 2, and the way from the end of a poll to the begin
 * of the next, which picks one among n / 2. With one relative deadline for all, nobody preempts.
 * Words on the command line: n=1000 (if not given), class=edf (if not given) or fifo.
 */
#include "base/string.h"
#include "bench.h"
#include "mm/kmalloc.h"

static struct {
	struct task **task;
	unsigned n, head; /* the oldest of those that wait, which are half of all */
	const char *class;
	bool wakes; /* the second part: wake-ups are counted */
} ring;

struct turn {
	struct async async;
	struct park park;
	bool ready; /* begins with its turn */
};

static void report(const char *what)
{
	char metric[48];

	ksnprintf(metric, sizeof metric, "sched.%s.%s.n%u", what, ring.class, ring.n);
	bench_report(metric);
}

/* Wakes the oldest that waits, and takes its place at the end of the queue. */
static void pass_on(struct task *self)
{
	struct task **place = &ring.task[ring.head];
	struct task *oldest = *place;

	*place = self;
	ring.head = (ring.head + 1) % (ring.n / 2);
	if (ring.wakes)
		bench_begin();
	task_wake(oldest);
	if (ring.wakes)
		bench_end();
}

static enum poll take_turn(void *frame)
{
	struct turn *me = frame;

	ASYNC_BEGIN(me);
	for (;;) {
		if (!me->ready)
			AWAIT(me, park(&me->park));
		me->ready = false;
		if (!ring.wakes)
			bench_end();
		if (!bench_more() && ring.wakes) {
			report("wake_among");
			bench_done();
		}
		if (!bench_more()) {
			report("pick_among");
			ring.wakes = true;
		}
		pass_on(task_self());
		if (!ring.wakes)
			bench_begin();
	}
	ASYNC_END(me);
}

static void spawn(struct task **to, const struct sched_params *p)
{
	must(TASK_SPAWN(to, "turn", take_turn, (struct turn){.ready = !to}, *p));
}

/* More urgent than all others while they are made: half of them become ready. */
static enum poll bench(void *frame)
{
	static char class[8];
	struct sched_params p = SCHED_PARAMS_EDF(SEC(1));
	char word[16];
	u64 n = 1000, before = kmalloc_stats().used_bytes;

	(void)frame;
	bench_calibrate();
	if (words_find(board_cmdline(), "n", word, sizeof word))
		must(parse_u64(word, &n));
	if (!words_find(board_cmdline(), "class", class, sizeof class))
		(void)strlcpy(class, "edf", sizeof class);
	if (strcmp(class, "fifo") == 0)
		p = SCHED_PARAMS_FIFO(BENCH_LEVEL + 1);
	ring.n = (unsigned)n;
	ring.class = class;
	ring.task = kzalloc(ring.n / 2 * sizeof *ring.task);
	if (!ring.task)
		panic("tasks: no memory for %u", ring.n);
	for (unsigned i = 0; i < ring.n / 2; i++)
		spawn(&ring.task[i], &p); /* runs at once, and waits */
	preempt_disable();
	for (unsigned i = 0; i < ring.n - ring.n / 2; i++)
		spawn(NULL, &p);
	kprintf("value mem.task_among.%s.n%u %llu B\n", class, ring.n,
		(unsigned long long)((kmalloc_stats().used_bytes - before) / ring.n -
				     sizeof(struct turn)));
	preempt_enable();
	return POLL_PENDING;
}

BENCH_MAIN(bench, struct async)
