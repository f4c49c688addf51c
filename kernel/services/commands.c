/* The shell's commands. A new one is a function and a line in the table at the end. */
#include "base/printf.h"
#include "base/string.h"
#include "board/board.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "core/ksym.h"
#include "services/crash.h"
#include "services/spawn.h"
#include "services/shell.h"
#include "services/trace_dump.h"
#include "task/fault.h"
#include "task/hotplug.h"

static int run_help(char **words, unsigned n)
{
	const struct command *c;

	if (n && strcmp(words[0], "boot"))
		return ERR_INVAL;
	if (n)
		boot_help();
	for (unsigned i = 0; !n && (c = shell_command(i)) != NULL; i++) {
		kprintf("  %-10s%-26s", c->name, c->arguments);
		if (strlen(c->arguments) >= 26) /* the column is full */
			kprintf("\n%38s", "");
		kprintf("%s\n", c->help);
	}
	return 0;
}

static const char *state_name(const struct task_info *t)
{
	static const char *const names[] = {
		[TASK_WAITING] = "waiting",
		[TASK_READY] = "ready",
		[TASK_RUNNING] = "running",
		[TASK_THROTTLED] = "throttled",
		[TASK_DEAD] = "dead",
	};

	return t->preempted ? "preempted" : names[t->state];
}

static int run_task(char **words, unsigned n)
{
	struct task_info t = {.id = 0};

	(void)words, (void)n;
	kprintf("   id state     class level cpu  preempts   cpu us   last run us  mem KiB  name\n");
	while (task_next_info(t.id, &t))
		kprintf("%5u %-9s %-5s %5u %3u %9lu %8lu %13lu %8lu  %s\n", t.id, state_name(&t),
			sched_class_name(t.params.class), t.params.level, t.cpu, t.preemptions,
			(t.cpu_ns / NS_PER_US), (t.last_run_ns / NS_PER_US), (t.mem_bytes / 1024),
			t.name);
	return 0;
}

static void interrupt_row(const char *name, u32 irq, u64 count)
{
	kprintf("%5u %10lu  %s\n", irq, count, name);
}

static int run_interrupt(char **words, unsigned n)
{
	(void)words, (void)n;
	kprintf("controller: %s\n  irq      count  name\n", irqchip->name);
	irq_for_each(interrupt_row);
	return 0;
}

static int run_perf(char **words, unsigned n)
{
	u64 now_ns = clock_ns();

	(void)words, (void)n;
	kprintf("  cpu  busy %%  switches  interrupts  hints taken\n");
	for (unsigned i = 0; i < cpu_count; i++) {
		const struct cpu *c = &cpus[i];
		u64 since_ns = c->idle_since_ns;
		u64 idle_ns = c->idle_ns + (since_ns && since_ns < now_ns ? now_ns - since_ns : 0);

		kprintf("%5u %7lu %9lu %11lu %12u\n", i,
			((now_ns - MIN(idle_ns, now_ns)) / (now_ns / 100 + 1)), c->switches,
			c->irqs, c->hints_seen);
	}
	return 0;
}

static int run_trace(char **words, unsigned n)
{
	static const char *const levels[] = {"off", "brief", "full"};
	u64 events, lost;

	if (n && !strcmp(words[0], "dump"))
		return trace_dump();
	for (unsigned i = 0; n && i < ARRAY_LEN(levels); i++)
		if (!strcmp(words[0], levels[i])) {
			trace_set_level(i);
			if (i != TRACE_OFF)
				task_statedump();
			return 0;
		}
	if (n)
		return ERR_INVAL;
	trace_counts(&events, &lost);
	kprintf("trace: %s, %lu events recorded, %lu packets overwritten\n",
		levels[trace_level_now()], events, lost);
	return 0;
}

static int run_mem(char **words, unsigned n)
{
	(void)words, (void)n;
	kprintf("pages: %lu KiB free of %lu KiB, %lu KiB kept for the kernel\n",
		(page_free_bytes() / 1024), (page_total_bytes() / 1024),
		(heap_reserve_bytes() / 1024));
	kprintf("heap      KiB  used  cached    peak    blocks  failures\n");
	for (unsigned kind = 0; kind < HEAPS; kind++) {
		struct kmalloc_stats s = heap_stats(kind);

		kprintf("%-6s %6lu %5lu %7lu %7lu %9lu %9lu\n",
			kind == HEAP_KERNEL ? "kernel" : "tasks", (s.pool_bytes / 1024),
			(s.used_bytes / 1024), (s.cached_bytes / 1024), (s.peak_bytes / 1024),
			s.blocks, s.failures);
	}
	return 0;
}

static int run_uptime(char **words, unsigned n)
{
	u64 us = clock_ns() / NS_PER_US;

	(void)words, (void)n;
	kprintf("up %lu.%06lu s, %u CPUs, %u tasks\n", (us / 1000000), (us % 1000000), cpu_count,
		task_count());
	return 0;
}

static int run_log(char **words, unsigned n)
{
	static char text[4096]; /* the shell is one task */
	usize bytes = log_copy(text, sizeof text);

	(void)words, (void)n;
	console_write(text, bytes);
	return 0;
}

/* fault: what the last faults were. */
static int run_fault(char **words, unsigned n)
{
	struct fault_record r = {.number = 0};

	(void)words, (void)n;
	kprintf("%lu tasks ended by a fault or were killed\n", fault_count());
	while (fault_next(r.number, &r)) {
		kprintf("%lu: task %u, %.16s, job %u, at %lu us: %s\n", r.number, r.tid, r.task,
			r.job, (r.at_ns / NS_PER_US), r.what);
		frames_print(r.pcs, r.count, r.exact);
	}
	return 0;
}

static int run_kill(char **words, unsigned n)
{
	TASK_SHIELD(); /* it may be this one */
	struct task *t;
	u64 id;
	int err;

	(void)n;
	if (parse_u64(words[0], &id) || id > UINT32_MAX)
		return ERR_INVAL;
	if (task_find((u32)id, &t)) {
		kprintf("kill: there is no task %lu; `task` lists them\n", id);
		return 0;
	}
	err = task_kill(t);
	if (err)
		kprintf("kill: task %u, %.16s: %s\n", t->id, t->name,
			err == ERR_INVAL ? "the machine cannot do without it" : err_name(err));
	task_unref(t);
	return 0;
}

static int run_crash(char **words, unsigned n)
{
	int err = crash_spawn(words[0], NULL);

	(void)n;
	if (err && err != ERR_INVAL)
		kprintf("crash: %s\n", err_name(err));
	return err == ERR_INVAL ? err : 0;
}

/* cpu: what each does. cpu offline N, cpu online N: see task/hotplug.h. */
static const char *const uses[] = {
	[CPU_RUNS_TASKS] = "online",
	[CPU_LEAVES] = "leaving",
	[CPU_IS_OUT] = "offline",
};

static int list_cpus(void)
{
	kprintf("  cpu  use      switches  interrupts\n");
	for (unsigned i = 0; i < cpu_count; i++)
		kprintf("%5u  %-7s %9lu %11lu\n", i, uses[cpu_use(i)], cpus[i].switches,
			cpus[i].irqs);
	return 0;
}

static void say_why_not(unsigned cpu, int err, u32 needed_by)
{
	struct task_info t;

	if (err == ERR_NODEV)
		kprintf("cpu: there is no CPU %u; `cpu` lists them\n", cpu);
	else if (err == ERR_INVAL)
		kprintf("cpu: CPU %u is %s already\n", cpu, uses[cpu_use(cpu)]);
	else if (!needed_by)
		kprintf("cpu: CPU %u is the last that is online\n", cpu);
	else
		kprintf("cpu: task %u, %.16s, cannot do without CPU %u; `sched` gives it others\n",
			needed_by, task_next_info(needed_by - 1, &t) ? t.name : "", cpu);
}

static int run_cpu(char **words, unsigned n)
{
	u32 needed_by = 0;
	u64 cpu;
	int err;

	if (!n)
		return list_cpus();
	if (n != 2 || parse_u64(words[1], &cpu) || cpu > UINT32_MAX)
		return ERR_INVAL;
	if (!strcmp(words[0], "offline"))
		err = cpu_take_out((unsigned)cpu, &needed_by);
	else if (!strcmp(words[0], "online"))
		err = cpu_put_back((unsigned)cpu);
	else
		return ERR_INVAL;
	if (err)
		say_why_not((unsigned)cpu, err, needed_by);
	return 0;
}

static int run_reboot(char **words, unsigned n)
{
	(void)words, (void)n;
	board_reboot();
}

static int run_shutdown(char **words, unsigned n)
{
	u64 status = 0;

	if (n && (parse_u64(words[0], &status) || status > 127))
		return ERR_INVAL;
	board_exit((int)status);
}

const struct command commands[] = {
	{"help", "[boot]", "this list; the words that may be given at boot", 0, 1, run_help},
	{"task", "", "the tasks: state, class, CPU time, preemptions", 0, 0, run_task},
	{"interrupt", "", "interrupts and how often each came", 0, 0, run_interrupt},
	{"perf", "", "what each CPU did", 0, 0, run_perf},
	{"trace", "[off|brief|full|dump]", "the recorder: state, level, dump over the console", 0,
	 1, run_trace},
	{"mem", "", "memory in use", 0, 0, run_mem},
	{"uptime", "", "time since boot", 0, 0, run_uptime},
	{"log", "", "the last lines of the log", 0, 0, run_log},
	{"spawn", SPAWN_ARGUMENTS, "a task that computes for MS milliseconds", 1, 7, spawn_run},
	{"sched", SCHED_ARGUMENTS, "gives a task another class or parameters", 2, 8, sched_run},
	{"cpu", "[offline|online N]", "the CPUs; takes one out of scheduling, puts it back", 0, 2,
	 run_cpu},
	{"kill", "ID", "ends a task", 1, 1, run_kill},
	{"fault", "", "the last tasks that ended by a fault, with back traces", 0, 0, run_fault},
	{"crash", CRASH_KINDS, "a task that ends by a fault of that kind", 1, 1, run_crash},
	{"reboot", "", "resets the machine", 0, 0, run_reboot},
	{"shutdown", "[STATUS]", "leaves, with a status from 0 to 127", 0, 1, run_shutdown},
};
const unsigned commands_count = ARRAY_LEN(commands);
