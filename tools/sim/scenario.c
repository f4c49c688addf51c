/*
 * What fermata-sim makes of a scenario file, carried out: this takes the place of kernel/apps/, on
 * every board. The command line has
 *
 *   scene=DURATION_US,SEED
 *   task=NAME,POLICY,KEY=NUMBER,...   once for each task; keys are those of `keys` below
 *   sched=POLICY                      of all tasks, in place of their own
 *
 * A task with a period releases a job at phase, phase + period, ... until the duration is over;
 * each job computes for a time between work and work_max, drawn by a generator of the task's own.
 * Without a period there is one job. At the end a line for each task says what became of it.
 */
#include "apps/app.h"
#include "async/async.h"
#include "async/join.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "base/words.h"
#include "board/board.h"
#include "services/burn.h"
#include "recast.h"

#define TASKS_MAX 64u
#define START_NS MS(1) /* after the last task was made */

enum key {
	PERIOD, PHASE, WORK, WORK_MAX, LEVEL, SHARE, QUANTUM, DEADLINE, BUDGET, SERVER_PERIOD, HARD,
	CPUS, ADMIT, KEYS
};

static const struct {
	const char *name;
	u64 unit;
} keys[KEYS] = {
	[PERIOD] = {"period_us", NS_PER_US},	 [PHASE] = {"phase_us", NS_PER_US},
	[WORK] = {"work_us", NS_PER_US},	 [WORK_MAX] = {"work_max_us", NS_PER_US},
	[LEVEL] = {"level", 1},			 [SHARE] = {"share", 1},
	[QUANTUM] = {"quantum_us", NS_PER_US},	 [DEADLINE] = {"deadline_us", NS_PER_US},
	[BUDGET] = {"budget_us", NS_PER_US},	 [SERVER_PERIOD] = {"server_period_us", NS_PER_US},
	[HARD] = {"hard", 1},			 [CPUS] = {"cpus", 1},
	[ADMIT] = {"admit", 1},
};

static struct actor {
	char name[TASK_NAME_BYTES];
	unsigned class;
	u64 values[KEYS];
	struct task *task;
	u64 random, jobs, late, least_ns, most_ns, total_ns; /* response times */
} actors[TASKS_MAX];
static unsigned count;
static u64 duration_ns, begin_ns;

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static u64 draw(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

struct play {
	struct async async;
	struct sleep sleep;
	struct actor *actor;
	u64 release_ns;
};

static u64 work_of(struct actor *a)
{
	u64 least = a->values[WORK], most = a->values[WORK_MAX];

	return most > least ? least + draw(&a->random) % (most - least + 1) : least;
}

static void job_done(struct actor *a, u64 release_ns)
{
	u64 took_ns = clock_ns() - release_ns;
	u64 limit_ns = a->values[DEADLINE] ? a->values[DEADLINE] : a->values[PERIOD];

	a->least_ns = a->jobs ? MIN(a->least_ns, took_ns) : took_ns;
	a->most_ns = MAX(a->most_ns, took_ns);
	a->total_ns += took_ns;
	a->jobs++;
	a->late += limit_ns && took_ns > limit_ns;
}

static enum poll play(void *frame)
{
	struct play *me = frame;

	ASYNC_BEGIN(me);
	me->release_ns = begin_ns + me->actor->values[PHASE];
	do {
		AWAIT(me, sleep_until(&me->sleep, me->release_ns));
		burn_ns(work_of(me->actor));
		job_done(me->actor, me->release_ns);
		me->release_ns += me->actor->values[PERIOD];
	} while (me->actor->values[PERIOD] && me->release_ns < begin_ns + duration_ns);
	ASYNC_END(me);
}

/* Says what is wrong in a form that fermata-sim finds, and ends the machine. */
static _Noreturn void refuse(unsigned task, const char *why)
{
	kprintf("scenario: task %u: %s\n", task + 1, why);
	board_exit(2);
}

static void spawn(unsigned i)
{
	struct actor *a = &actors[i];
	const u64 *v = a->values;
	struct task_spec spec = {
		.name = a->name,
		.fn = play,
		.frame = &(struct play){.actor = a},
		.frame_bytes = sizeof(struct play),
		.params = recast((struct sched_params){.class = a->class,
						       .cpus = v[CPUS],
						       .level = (u8)MIN(v[LEVEL], UINT8_MAX),
						       .share = (u16)MIN(v[SHARE], UINT16_MAX),
						       .quantum_ns = v[QUANTUM],
						       .deadline_ns = v[DEADLINE],
						       .budget_ns = v[BUDGET],
						       .period_ns = v[SERVER_PERIOD],
						       .hard = v[HARD]}),
		.admit = v[ADMIT],
		.period_ns = v[ADMIT] ? v[PERIOD] : 0,
		.wcet_ns = v[ADMIT] ? MAX(v[WORK], v[WORK_MAX]) : 0,
	};
	int err = task_spawn(&spec, &a->task);

	if (err)
		refuse(i, err_name(err));
}

/* "NAME,POLICY,KEY=NUMBER,..." up to a blank; cuts it. */
static void parse_task(char *text)
{
	struct actor *a = &actors[count];
	char *part[2 + KEYS];
	unsigned n = 0;

	for (char *at = text; at && n < ARRAY_LEN(part);) {
		char *comma = strchr(at, ',');

		part[n++] = at;
		at = comma ? comma + 1 : NULL;
		if (comma)
			*comma = '\0';
	}
	if (n < 2)
		refuse(count, "expected a name and a policy");
	strlcpy(a->name, part[0], sizeof a->name);
	for (a->class = 0; a->class < SCHED_CLASSES; a->class++)
		if (sched_policy_of(a->class) && !strcmp(sched_policy_of(a->class)->name, part[1]))
			break;
	if (a->class == SCHED_CLASSES)
		refuse(count, "no such policy");
	for (unsigned i = 2; i < n; i++) {
		char *number = strchr(part[i], '=');
		unsigned k = 0;
		u64 value;

		if (number)
			*number++ = '\0';
		while (k < KEYS && strcmp(keys[k].name, part[i]))
			k++;
		if (k == KEYS || !number || parse_u64(number, &value))
			refuse(count, "no such key, or no number");
		a->values[k] = value * keys[k].unit;
	}
	count++;
}

static void parse(const char *cmdline)
{
	static char line[8192];
	u64 seed = 0, us = 0;
	char *next;

	strlcpy(line, cmdline, sizeof line);
	for (char *word = line; word; word = next) {
		next = strchr(word, ' ');
		if (next)
			*next++ = '\0';
		if (!strncmp(word, "task=", 5) && count < TASKS_MAX) {
			parse_task(word + 5);
		} else if (!strncmp(word, "scene=", 6)) {
			char *comma = strchr(word, ',');

			if (comma)
				*comma = '\0';
			if (!comma || parse_u64(word + 6, &us) || parse_u64(comma + 1, &seed))
				panic("scene=: expected a duration in us and a seed");
		}
	}
	duration_ns = us * NS_PER_US;
	for (unsigned i = 0; i < count; i++)
		actors[i].random = draw(&seed);
}

static void report(const struct actor *a)
{
	struct task_info info;

	task_info(a->task, &info);
	kprintf("task %s jobs %llu late %llu response_ns %llu %llu %llu preemptions %llu cpu_ns %llu\n",
		a->name, (unsigned long long)a->jobs, (unsigned long long)a->late,
		(unsigned long long)a->least_ns,
		(unsigned long long)(a->jobs ? a->total_ns / a->jobs : 0),
		(unsigned long long)a->most_ns, (unsigned long long)info.preemptions,
		(unsigned long long)info.cpu_ns);
}

struct stage {
	struct async async;
	struct join join;
	unsigned i;
};

static enum poll stage(void *frame)
{
	struct stage *me = frame;

	ASYNC_BEGIN(me);
	for (me->i = 0; me->i < count; me->i++)
		AWAIT(me, task_join(&me->join, actors[me->i].task));
	for (me->i = 0; me->i < count; me->i++)
		report(&actors[me->i]);
	kprintf("scenario: done\n");
	board_exit(0);
	ASYNC_END(me);
}

void app_main(const char *cmdline)
{
	struct stage frame = {.i = 0};
	int err;

	parse(cmdline);
	if (!count)
		panic("no task=: fermata-sim run --scenario FILE gives them");
	/* No task begins before this one has made them all: they sleep first. */
	begin_ns = clock_ns() + START_NS + count * US(100);
	for (unsigned i = 0; i < count; i++)
		spawn(i);
	err = TASK_SPAWN(NULL, "scenario", stage, frame, SCHED_PARAMS_FIFO(31));
	if (err)
		panic("cannot spawn: %s", err_name(err));
}
