"""Planted bugs in the policies that must be seen in the trace alone, by the rules P1 to P9."""

from mutants import Mutant, Runs

SHARE = "kernel/sched/share.c"
FAIR = "kernel/sched/fair.c"
MLFQ = "kernel/sched/mlfq.c"
STRIDE = "kernel/sched/stride.c"
LOTTERY = "kernel/sched/lottery.c"
EDF = "kernel/sched/edf.c"
EXECUTOR = "kernel/task/executor.c"
HANDOVER = "kernel/task/handover.h"

ONE = Runs(cpus=1, strategy="time", seeds=100)

MUTANTS = [
    Mutant("deadline-in-us", "a relative deadline in ns is added as if it were in us",
           ((HANDOVER, "	t->deadline_ns = own_ns ? now_ns + own_ns : TIME_NEVER;\n",
             "	t->deadline_ns = own_ns ? now_ns + own_ns / 1000 : TIME_NEVER;\n"),), "P1 R2"),
    Mutant("rr-half-a-quantum", "a quantum ends when half of it is over",
           ((HANDOVER, "		end_ns = now_ns + quantum_ns;\n",
             "		end_ns = now_ns + quantum_ns / 2;\n"),),
           "P3", ONE),
    Mutant("fair-serves-before-its-time", "a request that may not be served yet is, if it is due first",
           ((FAIR, "tree_next(&q->waiting.tree, NULL, 1ull << cpu, q->now);",
             "tree_next(&q->waiting.tree, NULL, 1ull << cpu, TREE_NO_LIMIT);"),), "P4"),
    Mutant("fair-debt-forgiven", "who blocks ahead of its share comes back without debt",
           ((FAIR, "	e->own.share.ahead = MAX(0, MIN(ahead, quantum));\n",
             "	(void)quantum, (void)ahead;\n	e->own.share.ahead = 0;\n"),), "P4"),
    Mutant("fair-short-requests", "a request is for half a quantum",
           ((FAIR, "share_virtual(e->quantum_ns, e->own.share.weight);",
             "share_virtual(e->quantum_ns / 2, e->own.share.weight);"),), "P4"),
    Mutant("fair-keeps-who-is-ahead", "at the end of its quantum who is ahead of its share goes on",
           ((FAIR, "	return cur_may != next_may ? cur_may : cur->key < next->key;",
             "	return cur_may || !next_may || cur->key < next->key;"),), "P4", ONE),
    Mutant("remainder-dropped", "what a division of service by weight leaves is dropped",
           ((SHARE, "	s->rest = (u16)(total % s->weight);\n", "	s->rest = 0;\n"),), "P4 P7"),
    Mutant("mlfq-stays-up", "who uses up the time of its level stays there",
           ((MLFQ, "		to_level(m, m->level + 1u);\n", "		to_level(m, m->level);\n"),), "P6"),
    Mutant("mlfq-yield-renews", "the time used at a level is forgotten when the job ends",
           ((MLFQ, "	boost(&e->own.mlfq, q->epoch);\n	renew(",
             "	boost(&e->own.mlfq, q->epoch);\n	e->own.mlfq.used_ns = 0;\n	renew("),), "P6"),
    Mutant("stride-whole-quanta", "a stride is charged for each charge, used or not",
           ((STRIDE, "	share_charge(queue, e, ran_ns);\n",
             "	(void)ran_ns;\n	share_charge(queue, e, e->quantum_ns);\n"),), "P7"),
    Mutant("lottery-without-compensation", "who uses a part of its quantum has no better chance for it",
           ((LOTTERY, "	part = MAX(1, MIN(part, 1024));\n", "	part = 1024;\n"),), "P8"),
    Mutant("lottery-without-tickets", "all have the same chance",
           ((LOTTERY, " * part / own->tickets;", " * part;"),), "P8"),
    Mutant("server-gives-more", "a server keeps what was left of the budget when it gets the next one",
           ((EDF, "		s->left_ns = (i64)p->budget_ns + MIN(s->left_ns, 0);\n",
             "		s->left_ns += (i64)p->budget_ns;\n"),), "P9"),
    Mutant("server-postpones-by-its-budget", "a used budget moves the deadline by too little",
           ((EDF, "		s->deadline_ns += budgets * p->period_ns;\n",
             "		s->deadline_ns += budgets * p->budget_ns;\n"),), "P9"),
    Mutant("miss-not-told", "a job that is a little late counts as in time",
           ((EXECUTOR, "	if (now_ns <= t->deadline_ns)\n		return;\n", "	if (now_ns <= t->deadline_ns || now_ns - t->deadline_ns < 100000)\n		return;\n"),), "P10"),
    Mutant("miss-of-the-release", "a miss is counted from the release",
           ((EXECUTOR, ".late_ns = now_ns - t->deadline_ns);", ".late_ns = now_ns - t->deadline_ns + t->params.deadline_ns);"),), "P10"),
]
