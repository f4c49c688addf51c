#include "services/spawn.h"

#include "base/printf.h"
#include "base/string.h"
#include "services/burn.h"
#include "task/fault.h"

#define TIME_MAX_US (SCHED_DEADLINE_MAX_NS / NS_PER_US)
#define WORK_MAX_MS 1000000u

enum option {
	LEVEL,
	SHARE,
	QUANTUM,
	DEADLINE,
	DEADLINE_MS,
	BUDGET,
	PERIOD,
	HARD,
	CPUS,
	WCET,
	WORK,
	OPTIONS
};

static const struct {
	const char *name;
	u64 most, unit;
} options[OPTIONS] = {
	[LEVEL] = {"level", UINT64_MAX, 1},
	[SHARE] = {"share", UINT64_MAX, 1},
	[QUANTUM] = {"quantum_us", TIME_MAX_US, NS_PER_US},
	[DEADLINE] = {"deadline_us", TIME_MAX_US, NS_PER_US},
	[DEADLINE_MS] = {"deadline_ms", TIME_MAX_US / 1000, NS_PER_MS},
	[BUDGET] = {"budget_us", TIME_MAX_US, NS_PER_US},
	[PERIOD] = {"period_us", TIME_MAX_US, NS_PER_US},
	[HARD] = {"hard", 1, 1},
	[CPUS] = {"cpus", UINT64_MAX, 1},
	[WCET] = {"wcet_us", TIME_MAX_US, NS_PER_US},
	[WORK] = {"ms", WORK_MAX_MS, NS_PER_MS},
};

static int set(u64 *values, enum option o, const char *text)
{
	u64 n;

	if (parse_u64(text, &n) || n > options[o].most)
		return ERR_INVAL;
	values[o] = n * options[o].unit;
	return 0;
}

/* @p word is NAME=NUMBER. */
static int set_named(u64 *values, char *word)
{
	char *number = strchr(word, '=');

	*number++ = '\0';
	for (unsigned o = 0; o < OPTIONS; o++)
		if (!strcmp(options[o].name, word))
			return set(values, o, number);
	kprintf("there is no %s; there are", word);
	for (unsigned o = 0; o < OPTIONS; o++)
		kprintf(" %s", options[o].name);
	kprintf("\n");
	return ERR_INVAL;
}

/* The first number without a name is what the class is about, the second the work. */
static int set_all(u64 *values, bool by_deadline, char **words, unsigned n)
{
	unsigned unnamed = 0;
	int err = 0;

	for (unsigned i = 0; i < n && !err; i++) {
		if (strchr(words[i], '='))
			err = set_named(values, words[i]);
		else if (unnamed++)
			err = unnamed > 2 ? ERR_INVAL : set(values, WORK, words[i]);
		else
			err = set(values, by_deadline ? DEADLINE_MS : LEVEL, words[i]);
	}
	return err;
}

static int find_class(const char *name)
{
	for (unsigned class = 0; class < SCHED_CLASSES; class ++)
		if (sched_policy_of(class) && !strcmp(sched_class_name(class), name))
			return (int)class;
	return ERR_INVAL;
}

/* words[0] is the class; the others go to @p values, too. */
static int parse(char **words, unsigned n, u64 *values, struct sched_params *p)
{
	int class = find_class(words[0]);
	const struct sched_policy *policy;

	if (class < 0)
		return ERR_INVAL;
	policy = sched_policy_of((unsigned)class);
	if (policy->takes.quantum_ns.least)
		values[QUANTUM] = SCHED_QUANTUM_DEFAULT_NS;
	if (policy->takes.share.least)
		values[SHARE] = SCHED_SHARE_DEFAULT;
	if (set_all(values, policy->takes.deadline_ns.least, words + 1, n - 1))
		return ERR_INVAL;
	*p = (struct sched_params){.class = (enum sched_class)class,
				   .cpus = values[CPUS],
				   .level = (u8)MIN(values[LEVEL], UINT8_MAX),
				   .share = (u16)MIN(values[SHARE], UINT16_MAX),
				   .quantum_ns = values[QUANTUM],
				   .deadline_ns = values[DEADLINE] + values[DEADLINE_MS],
				   .budget_ns = values[BUDGET],
				   .period_ns = values[BUDGET] ? values[PERIOD] : 0,
				   .hard = values[HARD]};
	return 0;
}

/* True for an error of which the callee has not spoken itself. */
static bool is_news(int err)
{
	return err && err != ERR_INVAL && err != ERR_REFUSED && err != ERR_BUSY;
}

int spawn_run(char **words, unsigned n)
{
	u64 values[OPTIONS] = {[WORK] = SEC(1)};
	struct task_spec spec = {.name = "spawned"};
	int err = parse(words, n, values, &spec.params);

	if (err)
		return err;
	spec.admit = values[WCET];
	spec.wcet_ns = values[WCET];
	spec.period_ns = values[PERIOD];
	err = burn_spawn_as(&spec, values[WORK], NULL);
	if (is_news(err))
		kprintf("spawn: %s\n", err_name(err));
	return 0;
}

int sched_run(char **words, unsigned n)
{
	TASK_SHIELD();
	u64 values[OPTIONS] = {0}, id;
	struct sched_params params;
	struct task *t;
	int err;

	if (parse_u64(words[0], &id) || id > UINT32_MAX || parse(words + 1, n - 1, values, &params) ||
	    values[WORK] || values[WCET])
		return ERR_INVAL;
	if (task_find((u32)id, &t)) {
		kprintf("sched: there is no task %lu; `task` lists them\n", id);
		return 0;
	}
	err = task_set_params(t, &params);
	if (is_news(err))
		kprintf("sched: task %u, %.16s: %s\n", t->id, t->name, err_name(err));
	task_unref(t);
	return 0;
}
