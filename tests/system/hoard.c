/*
 * A shell with a command more: `hoard` starts a task that takes all memory it can get, says how
 * much that was, and holds on to it; `hoard quota` one that may have 100 KiB. For test_memory.py.
 */
#include "apps/app.h"
#include "async/async.h"
#include "async/sleep.h"
#include "base/panic.h"
#include "base/printf.h"
#include "base/string.h"
#include "services/shell.h"
#include "task/memory.h"

struct hoarder {
	struct async async;
	struct sleep sleep;
	bool kernels; /* takes what the kernel's heap gives a task, instead */
};

static enum poll nothing(void *frame)
{
	(void)frame;
	return POLL_PENDING;
}

/* Tasks that wait for ever, until there is no memory for one more. */
static unsigned spawn_all(void)
{
	unsigned n = 0;

	while (!TASK_SPAWN(NULL, "idle", nothing, (struct async){.status = 0},
			   SCHED_PARAMS_FIFO(2)))
		n++;
	return n;
}

static u64 take_all(void)
{
	u64 bytes = 0;

	for (usize piece = MIB(1); piece >= 16; piece /= 4) {
		while (task_alloc(piece))
			bytes += piece;
	}
	return bytes;
}

static enum poll hoarder(void *frame)
{
	struct hoarder *me = frame;

	ASYNC_BEGIN(me);
	if (me->kernels)
		kprintf("hoarder: %u tasks and no more\n", spawn_all());
	else
		kprintf("hoarder: %llu KiB and no more\n", (unsigned long long)(take_all() / 1024));
	AWAIT(me, sleep_for(&me->sleep, TIME_NEVER));
	ASYNC_END(me);
}

static int run_hoard(char **words, unsigned n)
{
	struct hoarder f = {.kernels = n && !strcmp(words[0], "tasks")};
	bool limited = n && !strcmp(words[0], "quota");

	if (n && !f.kernels && !limited)
		return ERR_INVAL;
	if (task_spawn(&(struct task_spec){.name = "hoarder",
					   .fn = hoarder,
					   .frame = &f,
					   .frame_bytes = sizeof f,
					   .params = SCHED_PARAMS_FIFO(25),
					   .mem_max_bytes = limited ? KIB(100) : 0},
		       NULL))
		kprintf("hoard: no memory for the task\n");
	return 0;
}

static const struct command own = {"hoard", "[quota|tasks]", "a task that takes all memory", 0,
				   1,       run_hoard};

void app_main(const char *cmdline)
{
	(void)cmdline;
	if (shell_start(&own))
		panic("cannot start the shell");
}
