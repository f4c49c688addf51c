"""Mutants of parameters that change, and of CPUs that leave scheduling and come back."""

from mutants import Mutant, Runs, Tested

PARAMS = "kernel/task/params.c"
HOTPLUG = "kernel/task/hotplug.c"
EXECUTOR = "kernel/task/executor.c"
PREEMPT = "kernel/task/preempt.c"
TASK = "kernel/task/task.c"

RANDOM = Runs("tests/unit/runs/random_changes.c", seeds=100)
CHANGES = Runs("tests/unit/task/changes.c", cpus=2, seeds=3, strategy="time", events=200_000_000)
HOTPLUGS = Runs("tests/unit/task/hotplugs.c", seeds=3, strategy="time", events=200_000_000)
DECISION = "kernel/task/decision.c"
ALONE = Runs(cpus=1, words="shards=1")
LEVELS = Tested("tests/unit/trace/test_levels.py")

MUTANTS = [
    Mutant("off-is-not-off", "spawned tasks are recorded whether the recorder is on or not",
           ((TASK, "	if (traced())\n		record_spawn(t);\n", "	record_spawn(t);\n"),), "test",
           Runs("tests/unit/trace/levels.c", cpus=1, seeds=1, judged=False)),
    Mutant("brief-knows-no-rival", "where candidates are not recorded the chosen task is said to be the only one",
           ((DECISION, "TRACE_CANDIDATES_MAX - (prev != NULL) : 2;", "TRACE_CANDIDATES_MAX - (prev != NULL) : 1;"),), "test", LEVELS),
    Mutant("brief-names-candidates", "where candidates are not recorded they are said to be",
           ((DECISION, "	bool full = trace_level_now() == TRACE_FULL;\n", "	bool full = trace_level_now() != TRACE_OFF;\n"),), "test", LEVELS),
    Mutant("preempted-is-no-rival", "the task that is preempted does not count for why",
           ((DECISION, "	if (prev && (!second || ", "	if (prev && !prev->tid && (!second || "),), "test",
           LEVELS),

    Mutant("short-yield-untold", "who yields and is queued on the short way is not recorded as queued",
           ((DECISION, "	runqueue_record(prev, TRACE_enqueue_why_yield, op_seq(true));\n", ""),), "R1 R1b R2 R3 A", ALONE),
    Mutant("short-yield-forgets-the-taken", "the candidates of a short way's decision are those that still wait",
           ((DECISION, "		unsigned found = taken + gather(next->home, c->id, best + taken, most - taken);\n\n		best[0] = (struct sched_entity *)&next->entity;\n",
             "		unsigned found = gather(next->home, c->id, best, most);\n"),), "R11", ALONE),

    # Parameters.
    Mutant("change-hints-nobody", "the CPU of a running task whose parameters change is not told",
           ((PARAMS, "		target = hint_runner(w);\n", "		target = TRACE_NO_CPU;\n"),), "H", RANDOM),
    Mutant("queued-change-hints-nobody", "nobody looks when a queued task becomes more urgent",
           ((PARAMS, "		target = hint_for(w);\n", "		target = TRACE_NO_CPU;\n"),), "H", RANDOM),
    Mutant("rank-stays", "a running task whose parameters change counts as what it was",
           ((PARAMS, "	rank_update(t);\n", ""),), "R1b P2 test", RANDOM),
    Mutant("class-left-without-a-word", "the class that a task leaves goes on to count it",
           ((PARAMS, "	if (t->policy->leave)\n", "	if (t->policy->leave && now_ns == 1)\n"),), "P4 P7", RANDOM),
    Mutant("change-to-the-head", "a queued task whose parameters change goes before its new equals",
           ((PARAMS, "		runqueue_add(t, false);\n", "		runqueue_add(t, true);\n"),), "R2", RANDOM),
    Mutant("old-quantum-goes-on", "the quantum of a running task stays as it was",
           ((PREEMPT, "	if (unlikely(changed_ns >= cur->since_ns))\n", "	if (unlikely(changed_ns == 1))\n"),), "test", CHANGES),
    Mutant("stays-where-it-may-not", "a running task stays on a CPU that was taken from it",
           ((PREEMPT, "	if (unlikely(throttled || leaving || !may_be_here(c, cur))) {\n",
             "	if (unlikely(throttled || leaving || (!may_be_here(c, cur) && !cur))) {\n"),), "A", RANDOM),
    Mutant("params-of-the-old-class", "a task that changes its class keeps the parameters that it had",
           ((PARAMS, "	t->params = o->params;\n", "	if (policy == t->policy)\n		t->params = o->params;\n"),), "R2 P2 P4 panic", CHANGES),
    Mutant("old-timer-goes-on", "the timer of a server that is no more fires all the same",
           ((PARAMS, "		bool stopped = s && timer_cancel(&s->timer);\n", "		bool stopped = s != NULL;\n"),),
           "test panic R3 no-end", CHANGES),
    Mutant("old-server-throttles", "what another class keeps where a server has the time when it goes on throttles, too",
           (("kernel/task/server.h", "unlikely(t->params.hard) && ", ""),), "panic test R3 no-end", RANDOM),
    Mutant("home-stays", "a task that comes to a class with one queue stays in its shard",
           ((PARAMS, "	if (policy->single) /* relaxed: both locks are held */\n", "	if (policy->single && now_ns == 1)\n"),),
           "panic no-end no-progress R3 simulator", RANDOM),
    Mutant("home-is-not-looked-up-again", "who waited for the lock of a task's old home takes it for the new one's",
           (("kernel/task/executor.h", "		if (likely(s == t->home))\n			return;\n", "		if (likely(s))\n			return;\n"),),
           "panic R1 R3 R7 R1b no-progress no-end", Runs("tests/unit/runs/random_changes.c", seeds=500)),
    Mutant("admitted-may-change", "an admitted task gets parameters that nobody tested",
           ((PARAMS, "	if (t->admitted) {\n", "	if (t->admitted && !arg) {\n"),), "test", CHANGES),

    # CPUs.
    Mutant("leaving-keeps-its-task", "a CPU that leaves goes on with the poll that it is at",
           ((PREEMPT, "	leaving = is_leaving(c);\n", "	leaving = false;\n"),), "test no-end", HOTPLUGS),
    Mutant("pinned-are-forgotten", "a CPU leaves although a task may run only there",
           ((HOTPLUG, "!task_needing(out, needed_by)", "!*needed_by"),), "test no-progress", HOTPLUGS),
    Mutant("spawned-for-a-cpu-that-is-out", "a task is made that has no CPU",
           ((TASK, "	bool runs = task_can_run(t, t->entity.cpus, out);\n", "	bool runs = t || out;\n"),), "test no-progress", HOTPLUGS),
    Mutant("changed-for-a-cpu-that-is-out", "a task gets parameters with which it has no CPU",
           ((PARAMS, "	if (!task_can_run(t, sched_cpus(w->params),\n", "	if (!t->home && !task_can_run(t, sched_cpus(w->params),\n"),),
           "test no-progress", HOTPLUGS),
    Mutant("admitted-lose-a-cpu", "a CPU leaves that was promised to an admitted task",
           ((TASK, "	return t->admitted ? !(those & out) : (those & ~out) != 0;\n", "	(void)t;\n	return (those & ~out) != 0;\n"),), "test panic", HOTPLUGS),
    Mutant("last-cpu-leaves", "the last CPU leaves, too",
           ((HOTPLUG, "	if (out != SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count) && ", "	if ("),), "test no-progress", HOTPLUGS),
    Mutant("take-out-tells-nobody", "a CPU that is to leave finds out when it looks by itself",
           ((HOTPLUG, "	if (!err)\n		look_at_it(cpu, irqs);\n	arch_irq_restore(irqs);\n	return err;\n}\n\nint cpu_put_back",
             "	arch_irq_restore(irqs);\n	return err;\n}\n\nint cpu_put_back"),), "test no-end", HOTPLUGS),
    Mutant("put-back-tells-nobody", "a CPU that may run tasks again finds out when it looks by itself",
           ((HOTPLUG, "		atomic_fetch_and_explicit(&cpus_out, ~(1ull << cpu), memory_order_relaxed);\n	}\n	spin_unlock_raw(&changes_lock);\n	if (!err) {\n		look_at_it(cpu, irqs);\n",
             "		atomic_fetch_and_explicit(&cpus_out, ~(1ull << cpu), memory_order_relaxed);\n	}\n	spin_unlock_raw(&changes_lock);\n	if (!err) {\n"),),
           "test no-progress no-end", HOTPLUGS),
    Mutant("offline-is-not-said", "a CPU leaves without a record of it",
           ((EXECUTOR, "	TRACE_OP(op_seq(traced()), CPU_OFFLINE, cpu_offline, .cpu = c->id);\n", ""),), "R7", RANDOM),
    Mutant("leaving-is-not-explained", "a CPU that leaves says that nobody waits",
           ((DECISION, "		d.rule = TRACE_rule_leaves;\n", "		d.rule = TRACE_rule_queue_empty;\n"),), "R11", RANDOM),
    Mutant("back-is-not-said", "a CPU comes back without a record of it",
           ((EXECUTOR, "		atomic_store_explicit(&c->left_out, false, memory_order_relaxed);\n		TRACE(CPU_ONLINE, cpu_online, .cpu = c->id, .cpus = cpu_count);\n",
             "		atomic_store_explicit(&c->left_out, false, memory_order_relaxed);\n"),), "A", RANDOM),
]
