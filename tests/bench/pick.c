/*
 * What it costs a policy to choose among n tasks: peek, dequeue, and enqueue again, for its own
 * queue functions. The words n=1000,... and class=edf,... on the command line choose.
 */
#include "bench.h"
#include "mm/kmalloc.h"
#include "sched/sched.h"

#define SAMPLES 300u

static u64 random(void)
{
	static u64 x = 88172645463325252ull; /* Marsaglia: "Xorshift RNGs", 2003 */

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static struct sched_params params_of(unsigned class)
{
	struct sched_params p = {.class = class, .level = (u8)(random() % SCHED_LEVELS)};
	const struct sched_policy *policy = sched_policy_of(class);

	p.level = (u8)MIN(p.level, policy->takes.level.most);
	p.cpus = policy->takes.cpus.least ? 1 : 0;
	p.share = (u16)MIN(SCHED_SHARE_DEFAULT, policy->takes.share.most);
	p.quantum_ns = MIN(MS(1), policy->takes.quantum_ns.most);
	p.deadline_ns = MIN(MS(1) + random() % SEC(1), policy->takes.deadline_ns.most);
	return p;
}

/* A job begins, at a time of its own. */
static void release(const struct sched_policy *p, void *queue, struct sched_entity *e,
		    const struct sched_params *params, u64 now_ns)
{
	p->release(queue, e, params, now_ns);
}

struct table {
	struct sched_entity *entity;
	struct sched_params *params;
	void *queue;
	unsigned n;
};

static void *room(usize bytes)
{
	void *p = kzalloc(bytes);

	if (!p)
		panic("pick: no %zu bytes", bytes);
	return p;
}

static void fill(struct table *t, const struct sched_policy *p, unsigned class)
{
	for (unsigned i = 0; i < t->n; i++) {
		t->params[i] = params_of(class);
		t->entity[i].cpus = SCHED_CPUS_ALL;
		release(p, t->queue, &t->entity[i], &t->params[i], clock_ns());
		p->enqueue(t->queue, &t->entity[i], false);
	}
}

/* The chosen one runs a while and is queued again, as a new job where jobs have deadlines. */
static void take_turn(struct table *t, const struct sched_policy *p)
{
	u64 now_ns = clock_ns();
	struct sched_params next = params_of((unsigned)t->params->class);
	struct sched_entity *e;

	bench_begin();
	e = p->peek(t->queue, 0);
	p->dequeue(t->queue, e);
	if (p->charge)
		p->charge(t->queue, e, &t->params[e - t->entity], US(10), now_ns, false);
	if (p->takes.deadline_ns.most)
		p->release(t->queue, e, &next, now_ns);
	p->enqueue(t->queue, e, false);
	bench_end();
}

static void report(const struct sched_policy *p, unsigned n)
{
	char metric[48];

	ksnprintf(metric, sizeof metric, "sched.pick.%s.n%u", p->name, n);
	bench_report(metric);
}

static void measure(unsigned class, unsigned n)
{
	const struct sched_policy *p = sched_policy_of(class);
	struct table t = {.n = n};

	t.entity = room(n * sizeof *t.entity);
	t.params = room(n * sizeof *t.params);
	t.queue = room(p->queue_bytes);
	fill(&t, p, class);
	for (unsigned i = 0; i < SAMPLES; i++)
		take_turn(&t, p);
	report(p, n);
	kfree(t.queue);
	kfree(t.params);
	kfree(t.entity);
}

static enum poll bench(void *frame)
{
	static const unsigned sizes[] = {1, 10, 100, 1000, 10000};
	u64 n;
	char word[16];

	(void)frame;
	bench_calibrate();
	for (unsigned class = 0; class < SCHED_CLASSES; class++) {
		if (!sched_policy_of(class))
			continue;
		if (words_find(board_cmdline(), "n", word, sizeof word) && !parse_u64(word, &n)) {
			measure(class, (unsigned)n);
			continue;
		}
		for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
			measure(class, sizes[i]);
	}
	bench_done();
}

BENCH_MAIN(bench, struct async)
