"""Mutants of the DAGs. Each edit's old text must stand exactly once in its file."""

from mutants import Mutant, Runs

RUN = "kernel/async/dag_run.c"
CHECK = "kernel/async/dag_check.c"
RUNS = "tests/unit/async/dag_runs.c"
ERRORS = "tests/unit/async/dag_errors.c"
DEADLINE = "due_ns + d->sink->time_ns};"
STAMP = "	return &d->stamps[number % d->in_flight];\n"


def runs(cpus=4, seeds=8, only=""):
    return Runs(RUNS, cpus=cpus, seeds=seeds, only=only)


MUTANTS = [
    Mutant("dag-deadline-in-ms", "a relative deadline in ms is added to a time in another unit",
           ((RUN, DEADLINE, "due_ns + d->sink->time_ns / NS_PER_MS};"),), "D test", runs()),
    Mutant("dag-one-slot", "the next period's deadline overwrites that of the one under way",
           ((RUN, STAMP, "	return &d->stamps[number * 0];\n"),), "D test panic", runs()),
    Mutant("dag-topic-counts-edges", "a topic with two subscribers counts as one with two publishers",
           ((CHECK, "		if (first != n)\n", "		if (first != n || n->out[o].subscribers > 1)\n"),),
           "test", Runs(ERRORS, cpus=2, seeds=1)),
    Mutant("dag-job-goes-on", "a task that finds its next period there goes on with the deadline of the last",
           (("kernel/task/executor.c", "		bool next_job = t->next_deadline_ns;\n", "		bool next_job = false;\n"),),
           "D test", runs()),
    Mutant("dag-deadline-of-its-own", "a job gets the deadline of its task, not of its period",
           (("kernel/task/handover.h", "		t->deadline_ns = t->next_deadline_ns;\n",
             "		t->deadline_ns += 0 * t->next_deadline_ns;\n"),), "D test", runs()),
    Mutant("dag-key-of-its-own", "the deadline is inherited, but the key is not",
           (("kernel/task/handover.h", "	t->policy->release(queue_of(t), &t->entity, &t->params, from_ns);\n",
             "	t->policy->release(queue_of(t), &t->entity, &t->params, from_ns * 0 + now_ns);\n"),), "R2 test", runs()),
    Mutant("dag-any-input", "a reactor runs as soon as one of its inputs has a message",
           ((RUN, "	else if (n->filled < n->ins)\n", "	else if (n->filled < MIN(n->ins, 1u))\n"),),
           "panic D test", runs()),
    Mutant("dag-inputs-counted-twice", "two messages in one input count as two inputs",
           ((RUN, "	n->filled += !i->waiting++;\n", "	n->filled++, i->waiting++;\n"),),
           "panic D test no-progress no-end", runs()),
    Mutant("dag-endless-flight", "the source does not wait for the sink",
           ((RUN, "		if (d->stats.released - d->stats.done == d->in_flight)\n			return;\n", ""),),
           "panic D test", runs()),
    Mutant("dag-sink-tells-nobody", "a source that waits for the sink is not told that it is done",
           ((RUN, "	try_release(d);\n	spin_unlock(&d->lock, irqs);\n}\n\nstatic void react(",
             "	spin_unlock(&d->lock, irqs);\n}\n\nstatic void react("),), "no-progress no-end test", runs()),
    Mutant("dag-miss-by-period", "a period that is done after the next one is due counts as missed",
           ((RUN, "	u64 late_ns = now_ns > s->deadline_ns ? now_ns - s->deadline_ns : 0;\n",
             "	u64 due_ns = s->release_ns + d->source->time_ns;\n"
             "	u64 late_ns = now_ns > due_ns ? now_ns - due_ns : 0;\n"),), "D test", runs()),
    Mutant("dag-misses-not-counted", "a missed deadline is traced, but not counted",
           ((RUN, "	st->missed += late_ns > 0;\n", ""),), "test", runs(only="misses")),
    Mutant("dag-skips-one-too-many", "a period that could just begin is skipped",
           ((RUN, "late = (now_ns - due_ns) / period_ns;", "late = (now_ns - due_ns) / period_ns + 1;"),),
           "test D", runs(only="skipped")),
    Mutant("dag-release-when-taken", "a period counts from when its source could begin, not from when it was due",
           ((RUN, "	due_ns += late * period_ns;\n", "	due_ns = now_ns;\n"),), "D test", runs()),
    Mutant("dag-overrun-in-real-time", "time in which a reaction was preempted counts for its budget",
           ((RUN, "	u64 cpu_ns = task_cpu_ns();\n", "	u64 cpu_ns = clock_ns();\n"),
            (RUN, "	cpu_ns = task_cpu_ns() - cpu_ns;\n", "	cpu_ns = clock_ns() - cpu_ns;\n")), "test",
           runs(cpus=1, only="budget")),
    Mutant("dag-stop-forgets", "the source ends, and nobody else is told",
           ((RUN, "		if (DAG_NODE(it) != n)\n			dag_node_end(DAG_NODE(it), n->done);\n", "		(void)it;\n"),),
           "no-progress no-end", runs(seeds=2)),
    Mutant("dag-late-listener", "messages from before a reactor was there count for it",
           (("kernel/async/pubsub.c", "	subscribe(s, t, 0, arrived, NULL);\n", "	subscribe(s, t, t->params.queue, arrived, NULL);\n"),),
           "test", Runs("tests/unit/async/topics.c", cpus=1, seeds=1, only="listen")),
    Mutant("dag-cycle-accepted", "reactors that wait for each other are spawned",
           ((CHECK, "		mistake(d, DAG_ERR_CYCLE, at, name_of(over), NULL);\n", "		(void)over;\n"),),
           "test panic no-progress", Runs(ERRORS, cpus=2, seeds=1)),
    Mutant("dag-shortest-way", "the deadline is compared with the shortest way to the sink",
           ((CHECK, "		n->way_ns = MAX(n->way_ns, done->way_ns + n->spec.budget_ns);\n",
             "		n->way_ns = done->way_ns + n->spec.budget_ns;\n"),), "test", Runs(ERRORS, cpus=2, seeds=1)),
]
