/*
 * Priority inversion, and its absence where the owner of a mutex inherits. All in virtual time on CPU
 * 0: `low` owns a lock that `high` needs, and `medium`, which needs none, computes for long.
 * The line "inversion: ..." says how long high waited without and with inheritance.
 * cpus: 1 4
 * seeds: 5
 */
#include "../test.h"
#include "async/join.h"
#include "async/lock.h"
#include "async/select.h"
#include "async/sleep.h"
#include "core/time.h"
#include "services/burn.h"
#include "task/task.h"

#define SECTION MS(2) /* what low computes while it owns the lock */
#define MEDIUM MS(12)
#define LOW_LEVEL 2
#define MEDIUM_LEVEL 5
#define HIGH_LEVEL 10

static struct mutex locks[3];

static struct sched_params fifo(u8 level)
{
	struct sched_params p = SCHED_PARAMS_FIFO(level);

	p.cpus = 1;
	return p;
}

/* What an actor tells, and the test reads when it has joined it. */
struct report {
	int status;
	u64 waited_ns, held_ns;
	u64 relative_ns; /* deadline, of its last job */
	u8 at_the_end, afterwards; /* its level when it gives the locks back, and then */
};

/* Takes one or two locks, computes, gives them back, after a pause. */
struct actor {
	struct async async;
	struct sleep sleep;
	struct wait wait, second;
	struct timeout timeout;
	u64 pause_ns, work_ns, began_ns;
	u64 limit_ns; /* for the first lock; 0: none */
	struct mutex *outer, *inner;
	bool sleeps; /* while it owns what it took */
	struct report *report;
};

static u8 own_level(void)
{
	struct task_info info;

	task_info(task_self(), &info);
	return info.params.level;
}

static enum poll actor(void *frame)
{
	struct actor *me = frame;

	ASYNC_BEGIN(me);
	AWAIT(me, sleep_for(&me->sleep, me->pause_ns));
	me->began_ns = clock_ns();
	if (me->limit_ns) {
		AWAIT(me, timeout_after(&me->timeout, mutex_lock(&me->wait, me->outer), me->limit_ns));
		me->report->status = timeout_status(&me->timeout);
		me->report->waited_ns = clock_ns() - me->began_ns;
		if (me->report->status)
			ASYNC_RETURN(me, 0);
	} else if (me->outer) {
		AWAIT(me, mutex_lock(&me->wait, me->outer));
		me->report->status = me->wait.status;
	}
	if (me->inner)
		AWAIT(me, mutex_lock(&me->second, me->inner));
	me->report->waited_ns = clock_ns() - me->began_ns;
	if (me->sleeps)
		AWAIT(me, sleep_for(&me->sleep, MS(1)));
	burn_ns(me->work_ns);
	me->report->held_ns = clock_ns() - me->began_ns - me->report->waited_ns;
	me->report->at_the_end = own_level();
	me->report->relative_ns = task_self()->deadline_ns - task_self()->release_ns;
	if (me->inner)
		CHECK_EQ(mutex_unlock(me->inner), 0);
	if (me->outer)
		CHECK_EQ(mutex_unlock(me->outer), 0);
	me->report->afterwards = own_level();
	ASYNC_END(me);
}

enum { LOW, MIDDLE, HIGH, CHAIN, ROLES };

static struct report reports[ROLES];

struct scene {
	struct async async;
	struct sleep sleep;
	struct join join;
	struct task *tasks[ROLES];
	u64 off_ns, on_ns;
	unsigned i;
	bool inherits;
};

static void begin(struct scene *me, bool inherits)
{
	for (unsigned i = 0; i < ARRAY_LEN(locks); i++)
		mutex_init_as(&locks[i], inherits);
	memset(reports, 0, sizeof reports);
	memset(me->tasks, 0, sizeof me->tasks);
}

static void play(struct scene *me, unsigned role, struct sched_params params, struct actor a)
{
	a.report = &reports[role];
	MUST(TASK_SPAWN(&me->tasks[role], "actor", actor, a, params));
}

static void play_low_and_middle(struct scene *me)
{
	play(me, LOW, fifo(LOW_LEVEL), (struct actor){.outer = &locks[0], .work_ns = SECTION});
	play(me, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
}

static enum poll all_end(struct scene *me)
{
	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < ROLES; me->i++) {
		if (!me->tasks[me->i])
			continue;
		AWAIT(me, task_join(&me->join, me->tasks[me->i]));
		task_put(me->tasks[me->i]);
	}
	ASYNC_END(me);
}

static enum poll ends(void *frame)
{
	return all_end(frame);
}

static struct scene cast; /* its frame is the callee's, too */

static enum poll the_inversion(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->inherits = false;; me->inherits = true) {
		begin(&cast, me->inherits);
		play_low_and_middle(&cast);
		play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
		AWAIT_CALL(me, ends, &cast);
		if (me->inherits)
			break;
		me->off_ns = reports[HIGH].waited_ns;
		CHECK_EQ(reports[LOW].at_the_end, LOW_LEVEL);
	}
	me->on_ns = reports[HIGH].waited_ns;
	kprintf("inversion: high waits %llu us for %llu us of work without inheritance, %llu us with it\n",
		(unsigned long long)(me->off_ns / 1000), (unsigned long long)(SECTION / 1000),
		(unsigned long long)(me->on_ns / 1000));
	CHECK(me->off_ns >= MEDIUM);
	CHECK(me->on_ns <= SECTION);
	CHECK_EQ(reports[LOW].at_the_end, HIGH_LEVEL);
	CHECK_EQ(reports[LOW].afterwards, LOW_LEVEL);
	ASYNC_END(me);
}

/* As the command line says. */
static enum poll by_default(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, false);
	mutex_init(&locks[0]);
	play_low_and_middle(&cast);
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	kprintf("by default high waits %llu us\n", (unsigned long long)(reports[HIGH].waited_ns / 1000));
	CHECK((reports[HIGH].waited_ns <= SECTION) == inherit_default);
	ASYNC_END(me);
}

/* low owns the first; the chain owns the second and waits for the first; high waits for the second. */
static enum poll through_a_chain(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	for (me->inherits = false;; me->inherits = true) {
		begin(&cast, true);
		mutex_init_as(&locks[0], me->inherits);
		play_low_and_middle(&cast);
		play(&cast, CHAIN, fifo(3),
		     (struct actor){.pause_ns = US(300), .outer = &locks[1], .inner = &locks[0]});
		play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[1]});
		AWAIT_CALL(me, ends, &cast);
		if (me->inherits)
			break;
		CHECK(reports[HIGH].waited_ns >= MEDIUM);
	}
	CHECK(reports[HIGH].waited_ns <= SECTION);
	CHECK_EQ(reports[LOW].at_the_end, HIGH_LEVEL);
	CHECK_EQ(reports[LOW].afterwards, LOW_LEVEL);
	CHECK_EQ(reports[CHAIN].at_the_end, HIGH_LEVEL);
	CHECK_EQ(reports[CHAIN].afterwards, 3);
	ASYNC_END(me);
}

/* Of two locks that others wait for one is given back: what is inherited by the other stays. */
static enum poll by_two_locks(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL),
	     (struct actor){.outer = &locks[1], .inner = &locks[0], .work_ns = SECTION});
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	play(&cast, CHAIN, fifo(4), (struct actor){.pause_ns = US(300), .outer = &locks[1]});
	play(&cast, MIDDLE, fifo(3), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= SECTION);
	CHECK(reports[CHAIN].waited_ns <= SECTION);
	CHECK_EQ(reports[LOW].at_the_end, HIGH_LEVEL);
	CHECK_EQ(reports[LOW].afterwards, LOW_LEVEL);
	ASYNC_END(me);
}

/* The chain gets the lock first, while high waits on: then it is the one that inherits. */
static enum poll the_next_owner(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL), (struct actor){.outer = &locks[0], .work_ns = SECTION});
	play(&cast, CHAIN, fifo(3), (struct actor){.pause_ns = US(300), .outer = &locks[0], .work_ns = SECTION});
	play(&cast, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= 2 * SECTION);
	CHECK_EQ(reports[CHAIN].at_the_end, HIGH_LEVEL);
	CHECK_EQ(reports[CHAIN].afterwards, 3);
	ASYNC_END(me);
}

/* Its time limit woke the chain, but it does not get the CPU; then it gets the lock, and the CPU for it. */
static enum poll who_is_next_is_awake(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL), (struct actor){.outer = &locks[0], .work_ns = SECTION});
	play(&cast, CHAIN, fifo(3),
	     (struct actor){.pause_ns = US(300), .outer = &locks[0], .work_ns = SECTION, .limit_ns = US(500)});
	play(&cast, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= 2 * SECTION);
	CHECK_EQ(reports[CHAIN].afterwards, 3);
	ASYNC_END(me);
}

/* The owner sleeps: while it ran, as urgent as who waits, that one could not even give up. */
static enum poll a_wait_is_given_up(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL),
	     (struct actor){.outer = &locks[0], .work_ns = SECTION, .sleeps = true});
	play(&cast, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, fifo(HIGH_LEVEL),
	     (struct actor){.pause_ns = US(500), .outer = &locks[0], .limit_ns = US(300)});
	AWAIT(me, sleep_for(&me->sleep, US(650)));
	CHECK_EQ(cast.tasks[LOW]->params.level, HIGH_LEVEL);
	AWAIT_CALL(me, ends, &cast);
	CHECK_EQ(reports[HIGH].status, ERR_TIMEOUT);
	CHECK_EQ(reports[LOW].at_the_end, LOW_LEVEL);
	ASYNC_END(me);
}

static enum poll who_waits_is_killed(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL),
	     (struct actor){.outer = &locks[0], .work_ns = SECTION, .sleeps = true});
	play(&cast, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT(me, sleep_for(&me->sleep, US(650)));
	CHECK_EQ(cast.tasks[LOW]->params.level, HIGH_LEVEL);
	MUST(task_kill(cast.tasks[HIGH]));
	AWAIT(me, task_join(&me->join, cast.tasks[HIGH]));
	CHECK_EQ(cast.tasks[LOW]->params.level, LOW_LEVEL);
	AWAIT_CALL(me, ends, &cast);
	CHECK_EQ(reports[LOW].at_the_end, LOW_LEVEL);
	ASYNC_END(me);
}

/* The dead owner is ordered as high until it is gone; the next one gets the lock. */
static enum poll the_owner_is_killed(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play_low_and_middle(&cast);
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	MUST(task_kill(cast.tasks[LOW]));
	AWAIT_CALL(me, ends, &cast);
	CHECK_EQ(reports[HIGH].status, ERR_OWNERDEAD);
	CHECK(reports[HIGH].waited_ns <= SECTION);
	ASYNC_END(me);
}

static enum poll an_owner_that_sleeps(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, fifo(LOW_LEVEL),
	     (struct actor){.outer = &locks[0], .work_ns = SECTION, .sleeps = true});
	play(&cast, MIDDLE, fifo(MEDIUM_LEVEL), (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= SECTION + MS(1));
	CHECK_EQ(reports[LOW].afterwards, LOW_LEVEL);
	ASYNC_END(me);
}

/* What it is of itself changes while it inherits: that counts afterwards. */
static enum poll changed_while_it_inherits(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play_low_and_middle(&cast);
	play(&cast, HIGH, fifo(HIGH_LEVEL), (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT(me, sleep_for(&me->sleep, MS(1)));
	MUST(task_set_params(cast.tasks[LOW], &(struct sched_params){.class = SCHED_FIFO, .level = 4,
								     .cpus = 1}));
	CHECK_EQ(cast.tasks[LOW]->params.level, HIGH_LEVEL);
	/* And who waits: its owner inherits what that is now. */
	MUST(task_set_params(cast.tasks[HIGH], &(struct sched_params){.class = SCHED_FIFO, .level = 12,
								      .cpus = 1}));
	CHECK_EQ(cast.tasks[LOW]->params.level, 12);
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= SECTION);
	CHECK_EQ(reports[LOW].at_the_end, 12);
	CHECK_EQ(reports[LOW].afterwards, 4);
	ASYNC_END(me);
}

/* A hard server has a budget of half the section; who waits for it does not wait for its period. */
static enum poll a_throttled_owner(void *frame)
{
	struct scene *me = frame;
	struct sched_params served = {.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(100), .hard = true,
				      .budget_ns = SECTION / 2, .period_ns = MS(100)};
	struct sched_params urgent = {.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(3)};

	ASYNC_BEGIN(me);
	for (me->inherits = false;; me->inherits = true) {
		begin(&cast, me->inherits);
		play(&cast, LOW, served, (struct actor){.outer = &locks[0], .work_ns = SECTION});
		play(&cast, HIGH, urgent, (struct actor){.pause_ns = SECTION, .outer = &locks[0]});
		AWAIT_CALL(me, ends, &cast);
		if (me->inherits)
			break;
		CHECK(reports[HIGH].waited_ns >= MS(90));
		/* Automatic variables are lost in an await. */
		served = (struct sched_params){.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(100), .hard = true,
					       .budget_ns = SECTION / 2, .period_ns = MS(100)};
		urgent = (struct sched_params){.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(3)};
	}
	CHECK(reports[HIGH].waited_ns <= SECTION);
	ASYNC_END(me);
}

/* An owner with a deadline of its own: the deadline of who waits goes before, if it is earlier. */
static enum poll by_deadline(void *frame)
{
	struct scene *me = frame;

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, (struct sched_params){.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(80)},
	     (struct actor){.outer = &locks[0], .work_ns = SECTION, .sleeps = true});
	play(&cast, MIDDLE, (struct sched_params){.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(70)},
	     (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, (struct sched_params){.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(20)},
	     (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	CHECK(reports[HIGH].waited_ns <= SECTION + MS(1));
	CHECK_EQ(reports[LOW].relative_ns, MS(80)); /* it answers for its own */
	ASYNC_END(me);
}

/* The owner's job was due before who waits, at 10 ms and 10.5 ms; its next one is not, at 11 ms: then
 * it inherits, and the middle one, due at 10.7 ms, does not pass. */
static enum poll the_next_job_inherits(void *frame)
{
	struct scene *me = frame;
	struct sched_params due = {.class = SCHED_EDF, .cpus = 1, .deadline_ns = MS(10)};

	ASYNC_BEGIN(me);
	begin(&cast, true);
	play(&cast, LOW, due, (struct actor){.outer = &locks[0], .work_ns = SECTION, .sleeps = true});
	play(&cast, MIDDLE, due, (struct actor){.pause_ns = US(700), .work_ns = MEDIUM});
	play(&cast, HIGH, due, (struct actor){.pause_ns = US(500), .outer = &locks[0]});
	AWAIT_CALL(me, ends, &cast);
	/* When high has the lock it begins a job with a deadline of its own, behind the middle one. */
	CHECK(reports[LOW].held_ns <= SECTION + MS(2));
	ASYNC_END(me);
}

TESTS_MAIN(ASYNC(the_inversion), ASYNC(by_default), ASYNC(through_a_chain), ASYNC(by_two_locks), ASYNC(the_next_owner),
	   ASYNC(who_is_next_is_awake),
	   ASYNC(a_wait_is_given_up),
	   ASYNC(who_waits_is_killed), ASYNC(the_owner_is_killed), ASYNC(an_owner_that_sleeps),
	   ASYNC(changed_while_it_inherits), ASYNC(a_throttled_owner), ASYNC(by_deadline),
	   ASYNC(the_next_job_inherits));
