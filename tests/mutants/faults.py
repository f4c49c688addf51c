"""Mutants of what contains faults; table.py has the rest."""

from mutants import WAITS, Mutant, Runs

FAULT = "kernel/task/fault.c"
EXECUTOR = "kernel/task/executor.c"
SEMAPHORE = "kernel/async/semaphore.c"
SUPERVISOR = "kernel/services/supervisor.c"
WATCHDOG = "kernel/services/watchdog.c"
KILLS = Runs("tests/unit/task/kills.c", cpus=2, seeds=4)
ALONE = Runs("tests/unit/task/kills.c", cpus=1, seeds=2, only="a_loop")
SUPERVISED = Runs("tests/unit/services/supervised.c", cpus=2, seeds=2)
DEATHS = Runs("tests/unit/async/deaths.c", cpus=4, seeds=4)
SERVICE = "kernel/async/service.c"
NAME = "kernel/async/name.c"
DAG_RUN = "kernel/async/dag_run.c"
WHOSE = Runs("tests/unit/task/whose_fault.c", cpus=1, seeds=1, only="owners")
HUNG = "test panic no-progress no-end simulator"

MUTANTS = [
    Mutant("the-dead-still-wait", "what a dead task waited for is not withdrawn",
           ((FAULT, "	async_withdraw((struct async *)t->frame);\n", ""),), HUNG, KILLS),
    Mutant("the-dead-still-own", "what a dead task owned is not released",
           ((FAULT, "	while ((o = task_owned(t, NULL, NULL)) != NULL)\n", "	while (!t && (o = task_owned(t, NULL, NULL)) != NULL)\n"),), HUNG, KILLS),
    Mutant("locks-are-not-poisoned", "the next owner of a dead task's lock is not told",
           (("kernel/async/lock.c", "	m->poisoned = ERR_OWNERDEAD;\n", ""),), "test", KILLS),
    Mutant("readers-own-nothing", "a dead reader's share is lost",
           ((SEMAPHORE, "	} else if (w->aw.kind == TRACE_await_kind_read_lock ||\n", "	} else if (w->aw.kind == 255 ||\n"),),
           HUNG, KILLS),
    Mutant("lent-and-lost", "a lock that its owner notes without a lock is not released at its end",
           ((FAULT, "	task_own(t, NULL); /* settles what is lent */\n", ""),), HUNG, KILLS),
    Mutant("lent-is-the-oldest", "a lock that was taken before something else is released before it",
           ((FAULT, "!arch_cpu()->irq_depth && t->lent)", "!arch_cpu()->irq_depth && t->lent && !o)"),), "test", Runs(WAITS, cpus=1, seeds=1)),
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
    # What goes with a task.
    Mutant("subscription-outlives-its-task", "a topic goes on counting with a subscriber that is dead",
           (("kernel/async/pubsub.c", "	if (self)\n		task_own(self, &s->owned);\n", "	if (self && !s)\n		task_own(self, &s->owned);\n"),), HUNG, DEATHS),
    Mutant("call-outlives-its-client", "nobody frees the call of a client that died",
           ((SERVICE, "	task_own(task_self(), &c->client);\n", ""),), HUNG, DEATHS),
    Mutant("dead-server-never-answers", "a client waits for a server that died with its call",
           ((SERVICE, "	if (c)\n		task_own(task_self(), &c->server);\n", ""),), HUNG, DEATHS),
    Mutant("told-and-dead", "a message of which only a task was told that died before it took it stays where it is",
           ((SEMAPHORE, "		w->owned.what = s;\n		task_own(w->task, &w->owned);\n", "		w->owned.what = s;\n"),), HUNG, DEATHS),
    Mutant("opened-for-ever", "what a dead task had opened stays open",
           ((NAME, "	last = n && died && drop(n);\n", "	last = n && died && !died && drop(n);\n"),), HUNG, DEATHS),
    Mutant("closed-on-return", "what a task opened is closed when it returns, though it may have handed it on",
           ((NAME, "	last = n && died && drop(n);\n", "	last = n && (died || !died) && drop(n);\n"),), HUNG, DEATHS),
    Mutant("handed-on-and-closed", "what a task handed on is closed when it dies",
           ((NAME, "	kfree(SPIN_READ(&names_lock, forget_own(n)));\n",
             "	kfree(SPIN_READ(&names_lock, n->refs ? NULL : forget_own(n)));\n"),), HUNG, DEATHS),
    Mutant("dag-waits-for-its-dead", "the reactors of a DAG wait for one that died",
           ((DAG_RUN, "	if (died)\n		fail(n);\n", "	if (died && !d)\n		fail(n);\n"),), HUNG, DEATHS),
    Mutant("orphan-goes-on", "a DAG whose maker died goes on",
           ((DAG_RUN, "	d->orphan = true;\n	d->stopping = true;\n", "	d->orphan = true;\n"),), HUNG, DEATHS),
    Mutant("orphan-stays", "nobody frees a DAG whose maker died",
           ((DAG_RUN, "	d->orphan = true;\n	d->stopping = true;\n", "	d->stopping = true;\n"),), HUNG, DEATHS),
    Mutant("owns-nothing-at-first", "a task that is killed before its first poll does not own what it was given",
           (("kernel/task/task.c", "	if (s->owned)\n		task_own(t, s->owned);\n", ""),), HUNG, DEATHS),
    Mutant("no-shield", "a kill comes between two steps that belong together",
           (("kernel/task/handover.h", " &&\n	       !__atomic_load_n(&t->shields, __ATOMIC_RELAXED);", ";"),), HUNG, DEATHS),
    Mutant("shield-for-ever", "who is killed behind a shield lives on until it next awaits",
           (("kernel/task/fault.c", "	if (irqs && !t->shields && !t->ending", "	if (!irqs && !t->shields && !t->ending"),), HUNG,
            Runs("tests/unit/task/kills.c", cpus=1, seeds=2, only="a_shield")),
    Mutant("never-given-up", "a service that always falls is restarted for ever",
           ((SUPERVISOR, "		if (++me->falls > me->how.restarts_max) {\n", "		if (!++me->falls) {\n"),), "no-end no-progress test", SUPERVISED),
    Mutant("falls-are-never-forgotten", "a service that was steady for long counts on from its last fall",
           ((SUPERVISOR, "			me->falls = 0;\n", "			me->falls += 0;\n"),), "test", SUPERVISED),
    Mutant("killed-and-restarted", "a service that somebody killed comes back",
           ((SUPERVISOR, "		if (me->join.status != ERR_FAULT)\n", "		if (me->join.status != ERR_FAULT && me->join.status != ERR_KILLED)\n"),),
           HUNG, SUPERVISED),
    Mutant("tried-for-ever", "a request that fells its service each time is tried again and again",
           (("kernel/services/supervisor.h", "	return h->tries++ < tries;\n", "	return ++h->tries || tries;\n"),), HUNG, SUPERVISED),
    Mutant("tries-add-up", "the tries of one request count for the next",
           (("kernel/services/supervisor.h", "	*h = (struct in_hand){.some = false};\n", "	h->some = false;\n"),), "test", SUPERVISED),
    Mutant("no-pause", "a service comes back at once",
           ((SUPERVISOR, "sleep_for(&me->sleep, pause_ns(me))", "sleep_for(&me->sleep, pause_ns(me) - pause_ns(me))"),), "test", SUPERVISED),
    Mutant("polls-do-not-count", "the watchdog takes a task that is polled again and again for a stuck one",
           ((WATCHDOG, "s->tid != t->id || s->polls != t->polls", "s->tid != t->id"),), "test", SUPERVISED),
    Mutant("waiting-is-stuck", "the watchdog tells of a task that waits",
           ((WATCHDOG, " && (t.state == TASK_READY || t.state == TASK_RUNNING))", ")"),), "test", SUPERVISED),
    Mutant("pauses-do-not-grow", "each restart comes after the same pause",
           ((SUPERVISOR, "		ns *= 2;\n", "		ns *= 1;\n"),), "test", SUPERVISED),
    Mutant("told-every-time", "the watchdog tells of a stuck task at every scan",
           ((WATCHDOG, "!s->told && ", ""),), "test", SUPERVISED),
]
