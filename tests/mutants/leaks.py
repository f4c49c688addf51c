"""What leaks is missing after a while: tests/unit/runs/soak.c lives a week; five hours are enough here."""

from mutants import Mutant, Runs

SOAK = Runs("tests/unit/runs/soak.c", seeds=1, strategy="time", words="rounds=60", events=200_000_000)

HANDLES = Runs("tests/unit/task/handles.c", cpus=1, seeds=1, strategy="time", words="trace=off", events=200_000_000, judged=False)

MUTANTS = [
    Mutant("handle-owned-by-nobody-yet", "a task may be killed before it owns the handle",
           (("kernel/task/task.c", "	TASK_SHIELD();\n	struct task *t;\n	int err = check(s);\n",
             "	struct task *t;\n	int err = check(s);\n"),), "test no-end", HANDLES),
    Mutant("handle-of-the-dead", "what a dead task had a handle of stays",
           (("kernel/task/task.c", "	if (died)\n		task_unref(", "	if (!died)\n		task_unref("),), "test panic", HANDLES),
    Mutant("handle-put-unshielded", "a kill comes between giving a handle back and forgetting it",
           (("kernel/task/task.c", "	TASK_SHIELD();\n\n	task_hand_on(t);\n", "	task_hand_on(t);\n"),), "test", HANDLES),
    Mutant("killed-between-block-and-arena", "a kill comes between a block's allocation and its entry in the arena",
           (("kernel/mm/arena.c", "	bool irqs = arch_irq_save(); /* who is killed has all that it took, or nothing of it */\n",
             "	bool irqs = arch_irq_save();\n\n	arch_irq_restore(irqs);\n"),), "test", SOAK),
    Mutant("dead-is-not-put", "the executor keeps its reference of a task that is dead",
           (("kernel/task/executor.c", "	if (unlikely(why == TRACE_switch_why_exited))\n		task_unref(prev);\n", ""),),
           "test", SOAK),
    Mutant("stack-is-not-given-back", "a stack that is left for another is lost if the CPU has one at hand",
           (("kernel/task/executor.h", "	if (unlikely(c->spare || workers_short()))\n		return worker_give_other(w);\n",
             "	if (unlikely(c->spare || workers_short()))\n		return false;\n"),), "test", SOAK),
    Mutant("timer-of-the-dead", "who ends while it waits for a time leaves its timer behind",
           (("kernel/async/sleep.c", "		(void)timer_cancel(&s->timer);\n	s->task = NULL;\n}\n", "		(void)s;\n	s->task = NULL;\n}\n"),), "test panic", SOAK),
    Mutant("server-is-not-freed", "the memory of a task's server stays when the task goes",
           (("kernel/task/task.c", "	kfree(t->server);\n	kfree(t->has", "	kfree(t->has"),), "test", SOAK),
    Mutant("arena-is-not-released", "what a task that faults had allocated stays",
           (("kernel/task/fault.c", "	(void)arena_release(&t->arena);\n", ""),), "test", SOAK),
]
