/*
 * Generated scenarios on one CPU, which come to the same order of decisions wherever they run: a
 * line for each has a hash over what its tasks did, in order. `first=A last=B` choose them, `show`
 * says what was done, `planted=N` makes one task of scene N less urgent than it should be.
 *
 * Orders depend on times, too: a task sleeps until the begin of a slot, and computes for BURN_NS.
 * No sum of up to nine of these ends nearer to a begin of a slot than a tenth of it, so what a
 * switch costs on one machine or the other, some microseconds, changes no order.
 */
#include "../unit/test.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/semaphore.h"
#include "async/sleep.h"
#include "services/burn.h"

#define ACTORS_MAX 4u
#define STEPS      7u
#define BURNS_MAX  2u /* of one task */
#define SLOT_NS    US(300)
#define BURN_NS    (SLOT_NS / 10 * 3)
#define LOG_MAX    256u

static struct semaphore permits;
static struct mutex mutex;
static u64 begin_ns;
static u8 log[LOG_MAX];
static unsigned logged;

struct actor {
	struct async async;
	u64 random;
	unsigned id, step, burns, what;
	struct yield yield;
	struct sleep sleep;
	struct wait wait;
};

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static u64 draw(u64 *state, u64 n)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) % n;
}

enum did { BEGAN, BURNT, GOT, WOKE, YIELDED, ENDED };

static void note(const struct actor *me, enum did what)
{
	bool irqs = arch_irq_save();

	if (logged < LOG_MAX)
		log[logged++] = (u8)(me->id << 4 | what);
	arch_irq_restore(irqs);
}

static void burn(struct actor *me)
{
	if (me->burns++ < BURNS_MAX)
		burn_ns(BURN_NS);
	note(me, BURNT);
}

static u64 next_slot(u64 *random)
{
	u64 slots = (clock_ns() - begin_ns) / SLOT_NS + 1 + draw(random, 3);

	return begin_ns + slots * SLOT_NS;
}

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	for (me->step = 0; me->step < STEPS; me->step++) {
		note(me, BEGAN);
		me->what = (unsigned)draw(&me->random, 5);
		if (me->what == 0) {
			AWAIT(me, yield_now(&me->yield));
			note(me, YIELDED);
		} else if (me->what == 1) {
			AWAIT(me, semaphore_acquire(&me->wait, &permits, 1,
						    TRACE_await_kind_semaphore));
			note(me, GOT);
			burn(me);
			semaphore_release(&permits, 1);
		} else if (me->what == 2) {
			AWAIT(me, mutex_lock(&me->wait, &mutex));
			note(me, GOT);
			burn(me);
			CHECK_EQ(mutex_unlock(&mutex), 0);
		} else if (me->what == 3) {
			burn(me);
		} else {
			AWAIT(me, sleep_until(&me->sleep, next_slot(&me->random)));
			note(me, WOKE);
		}
	}
	note(me, ENDED);
	ASYNC_END(me);
}

/* What has no quantum that could end, and no key that depends on how long something took. */
static struct sched_params params(u64 *random, unsigned id, bool spoilt)
{
	u8 level = (u8)(8 + draw(random, 3));

	switch (draw(random, 3)) {
	case 0:
		return SCHED_PARAMS_FIFO(spoilt ? 1 : level);
	case 1:
		return SCHED_PARAMS_RR(spoilt ? 1 : level, SCHED_QUANTUM_MAX_NS);
	default:
		return SCHED_PARAMS_EDF(SEC(spoilt ? 100 : 1 + draw(random, 3) * ACTORS_MAX + id));
	}
}

struct scenes {
	struct async async;
	u64 now, last, planted, random;
	unsigned i, actors;
	struct task *tasks[ACTORS_MAX];
	struct join join;
	u64 show;
};

static void begin_scene(struct scenes *me)
{
	me->random = me->now;
	me->actors = 2 + (unsigned)draw(&me->random, ACTORS_MAX - 1);
	semaphore_init(&permits, 1 + (u32)draw(&me->random, 2));
	mutex_init_as(&mutex,
		      false); /* to inherit takes a hint to oneself, whose time to arrive differs */
	logged = 0;
	preempt_disable();
	for (unsigned i = 0; i < me->actors; i++) {
		struct actor frame = {.id = i, .random = draw(&me->random, UINT64_MAX)};
		bool spoilt = i == 0 && me->now == me->planted;

		if (TASK_SPAWN(&me->tasks[i], "actor", actor, frame,
			       params(&me->random, i, spoilt)))
			panic("scene %lu: cannot spawn", (unsigned long)me->now);
	}
	begin_ns = clock_ns();
	preempt_enable();
}

static void end_scene(const struct scenes *me)
{
	u64 hash = 0xcbf29ce484222325ull; /* FNV-1a */

	for (unsigned i = 0; i < logged; i++)
		hash = (hash ^ log[i]) * 0x100000001b3ull;
	kprintf("scene %lu %016lx %u\n", (unsigned long)me->now, (unsigned long)hash, logged);
	for (unsigned i = 0; me->show == me->now && i < logged; i++)
		kprintf("  task %u %u\n", log[i] >> 4, log[i] & 15);
}

static u64 number(const char *name, u64 otherwise)
{
	char text[24];
	u64 n = otherwise;

	if (words_find(board_cmdline(), name, text, sizeof text) && parse_u64(text, &n))
		panic("%s=%s: expected a number", name, text);
	return n;
}

static enum poll scenes(void *frame)
{
	struct scenes *me = frame;

	ASYNC_BEGIN(me);
	me->last = number("last", 1000);
	me->planted = number("planted", 0);
	me->show = number("show", 0);
	for (me->now = number("first", 1); me->now <= me->last; me->now++) {
		begin_scene(me);
		for (me->i = 0; me->i < me->actors; me->i++) {
			AWAIT(me, task_join(&me->join, me->tasks[me->i]));
			task_put(me->tasks[me->i]);
		}
		end_scene(me);
	}
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(scenes));
