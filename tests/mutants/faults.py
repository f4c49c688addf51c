"""Mutants of what contains faults; table.py has the rest."""

from mutants import Mutant, Runs

FAULT = "kernel/task/fault.c"
EXECUTOR = "kernel/task/executor.c"
SEMAPHORE = "kernel/async/semaphore.c"
SUPERVISOR = "kernel/services/supervisor.c"
WATCHDOG = "kernel/services/watchdog.c"
KILLS = Runs("tests/unit/task/kills.c", cpus=2, seeds=4)
ALONE = Runs("tests/unit/task/kills.c", cpus=1, seeds=2, only="a_loop")
SUPERVISED = Runs("tests/unit/services/supervised.c", cpus=2, seeds=2)
WHOSE = Runs("tests/unit/task/whose_fault.c", cpus=1, seeds=1, only="owners")
HUNG = "test panic no-progress no-end simulator"

MUTANTS = [
    Mutant("the-dead-still-wait", "what a dead task waited for is not withdrawn",
           ((FAULT, "	async_withdraw((struct async *)t->frame);\n", ""),), HUNG, KILLS),
    Mutant("the-dead-still-own", "what a dead task owned is not released",
           ((FAULT, "	while ((o = newest_owned(t)) != NULL)\n", "	while (!t && (o = newest_owned(t)) != NULL)\n"),), HUNG, KILLS),
    Mutant("locks-are-not-poisoned", "the next owner of a dead task's lock is not told",
           ((SEMAPHORE, "	s->poisoned = true;\n", ""),), "test", KILLS),
    Mutant("readers-own-nothing", "a dead reader's share is lost",
           ((SEMAPHORE, "	} else if (w->aw.kind == TRACE_await_kind_read_lock) {\n", "	} else if (w->aw.kind == 255) {\n"),),
           HUNG, KILLS),
    Mutant("kill-waits-for-an-await", "a task that is killed goes on until it awaits",
           (("kernel/task/preempt.c", "	if (is_killed(cur))\n		fault_killed();\n	note_change", "	note_change"),
            ("kernel/task/handover.h", "	if (is_killed(cur))\n		fault_killed();\n}", "}")), HUNG, ALONE),
    Mutant("resumed-though-killed", "a suspended poll that was killed goes on when it is resumed",
           (("kernel/task/handover.h", "	if (is_killed(cur))\n		fault_killed();\n}", "}"),), HUNG, ALONE),
    Mutant("kill-tells-nobody", "the CPU that runs a killed task is not told",
           ((FAULT, "	if (!err && running && hint_runner(w) == cpu_id())\n		act_on_own_hint(arch_cpu(), irqs);\n", "	(void)running, (void)w;\n"),), HUNG,
           Runs("tests/unit/task/kills.c", cpus=4, seeds=2, only="a_loop")),
    Mutant("joiners-think-all-went-well", "a dead task's joiners get 0",
           ((FAULT, "	executor_end(t->ending);\n", "	executor_end(0);\n"),), "test", KILLS),
    Mutant("kernel-faults-are-contained", "a fault with interrupts masked, where a lock may be held, ends a task",
           ((FAULT, "t && f->irqs && !c->irq_depth", "t && f && !c->irq_depth"),), HUNG, WHOSE),
    Mutant("interrupts-faults-are-contained", "a fault of an interrupt handler ends the task that was interrupted",
           ((FAULT, "t && f->irqs && !c->irq_depth", "t && f->irqs"),), HUNG, WHOSE),
    Mutant("sections-faults-are-contained", "a fault where preemption is off ends a task",
           ((FAULT, "!c->irq_depth && !c->preempt_off &&", "!c->irq_depth &&"),), HUNG, WHOSE),
    Mutant("essential-faults-are-contained", "a fault ends a task that the machine cannot do without",
           ((FAULT, "!t->essential && !t->ending;", "!t->ending;"),), HUNG, WHOSE),
    Mutant("second-faults-are-contained", "a fault while a task is cleared away begins to clear it away once more",
           ((FAULT, "!t->essential && !t->ending;", "!t->essential;"),), HUNG, WHOSE),
    Mutant("never-given-up", "a service that always falls is restarted for ever",
           ((SUPERVISOR, "		if (++me->falls > me->how.restarts_max) {\n", "		if (!++me->falls) {\n"),), "no-end no-progress test", SUPERVISED),
    Mutant("pauses-do-not-grow", "each restart comes after the same pause",
           ((SUPERVISOR, "		ns *= 2;\n", "		ns *= 1;\n"),), "test", SUPERVISED),
    Mutant("told-every-time", "the watchdog tells of a stuck task at every scan",
           ((WATCHDOG, "!s->told && ", ""),), "test", SUPERVISED),
]
