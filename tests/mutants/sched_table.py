"""Mutants of the policies and of admission. The programs are exact, so one run of each is enough."""

from mutants import Mutant, Runs

EDF = "kernel/sched/edf.c"
FAIR = "kernel/sched/fair.c"
SHARE = "kernel/sched/share.c"
STRIDE = "kernel/sched/stride.c"
LOTTERY = "kernel/sched/lottery.c"
MLFQ = "kernel/sched/mlfq.c"
ADMISSION = "kernel/sched/admission.c"
SCHED = "kernel/sched/sched.c"
SERVER = "kernel/task/server.c"
TASK = "kernel/task/task.c"


def once(program, cpus=1):
    return Runs(f"tests/unit/sched/{program}.c", cpus=cpus, seeds=1, events=2_000_000_000)


PROMISES, SHARES, TEACHING, SERVERS = map(once, ("promises", "shares", "teaching", "servers"))
ADMITS = once("admits", 4)
GUARDS = once("guards")

SCHED_MUTANTS = [
    # What is proven of EDF and of round robin.
    Mutant("edf-by-length", "who has the shorter relative deadline runs first, whenever its job came",
           ((EDF, "	(void)queue;\n	e->key = now_ns + p->deadline_ns;\n", "	(void)queue;\n	e->key = p->deadline_ns;\n"),),
           "test", PROMISES),
    Mutant("rr-preempted-to-the-tail", "a preempted task of a level comes back behind its equals",
           (("kernel/sched/levels.h", "	if (at_head)\n		list_add_head(q, &e->link);\n", "	if (at_head && !q)\n		list_add_head(q, &e->link);\n"),),
           "test", PROMISES),
    Mutant("rr-last-in-first-out", "whose quantum is over comes before its equals",
           (("kernel/sched/levels.h", "		list_add_head(q, &e->link);\n	else\n		list_add_tail(q, &e->link);\n",
             "		list_add_head(q, &e->link);\n	else\n		list_add_head(q, &e->link);\n"),), "test", PROMISES),

    # Fair and stride.
    Mutant("fair-ignores-eligibility", "who is ahead of its share may be served all the same",
           ((FAIR, "	struct tree_node *n = tree_next(&q->waiting.tree, NULL, 1ull << cpu, q->now);\n",
             "	struct tree_node *n = tree_next(&q->waiting.tree, NULL, 1ull << cpu, TREE_NO_LIMIT);\n"),),
           "test", PROMISES),
    Mutant("fair-ignores-weight", "a request is due after its quantum, whatever the weight",
           ((FAIR, "share_virtual(e->quantum_ns, e->own.share.weight);", "share_virtual(e->quantum_ns, 100);"),),
           "test", PROMISES),
    Mutant("fair-preempted-begins-anew", "a preempted task makes a new request",
           ((FAIR, "	if (!at_head)\n		request(e);", "	request(e);\n	(void)at_head;"),), "test", SHARES),
    Mutant("fair-forgets-debts", "who blocks ahead of its share comes back at V",
           ((FAIR, "	e->own.share.ahead = MAX(0, MIN(ahead, quantum));", "	e->own.share.ahead = MIN(0, MIN(ahead, quantum)) * 0;"),),
           "test", SHARES),
    Mutant("fair-keeps-the-cpu", "at the end of its quantum a task always goes on",
           ((FAIR, "	return cur_may != next_may ? cur_may : cur->key < next->key;",
             "	return cur_may || !next_may || cur->key < next->key;"),), "test", PROMISES),
    Mutant("share-loses-remainders", "what the division by the weight leaves is dropped",
           ((SHARE, "	s->rest = (u16)(total % s->weight);\n", "	s->rest = 0;\n"),), "test", SHARES),
    Mutant("share-leaver-counts", "who has left is still part of the mean",
           ((SHARE, "	add_to_sum(q, -ahead, s->weight);\n	settle(q);\n	return", "	settle(q);\n	return"),),
           "test", SHARES),
    Mutant("share-joins-too-near", "who joins is placed where it will not be once V has moved",
           ((SHARE, "		ahead += ahead * (i64)weight / (i64)q->weight;\n", "		ahead += 0;\n"),), "test", SHARES),
    Mutant("share-era-is-not-joined", "the times of a task that is not queued stay in the era that is over",
           ((SHARE, "		s->at -= MIN(s->at, SHARE_ERA_SPAN);\n", ""),), "test", SHARES),
    Mutant("stride-forgets-the-distance", "a task comes back at the global pass",
           ((STRIDE, "	e->own.share.ahead = MAX(-most, MIN(ahead, most));", "	e->own.share.ahead = MAX(-most, MIN(ahead, most)) * 0;"),),
           "test", SHARES),
    Mutant("stride-charges-quanta", "a pass moves on by whole quanta, however long they are",
           ((STRIDE, "	share_charge(queue, e, ran_ns);\n", "	(void)ran_ns;\n	share_charge(queue, e, quantum_over ? SCHED_QUANTUM_MIN_NS : 0);\n"),),
           "test", PROMISES),

    # Lottery.
    Mutant("lottery-even-finishes", "finishes are distributed evenly",
           ((LOTTERY, "	u64 finish = minus_log2(draw(l)) << (UNIT_BITS - 32);", "	u64 finish = minus_log2(1) + (draw(l) >> 20);"),),
           "test", TEACHING),
    Mutant("lottery-race-stands-still", "who enters starts from the race's beginning",
           ((LOTTERY, "		l->now = MAX(l->now, e->key);", "		l->now = MIN(l->now, e->key);"),), "test", TEACHING),
    Mutant("lottery-no-compensation", "who uses a part of its quantum has no more chances for it",
           ((LOTTERY, "own->used_ns ? own->used_ns * 1024 / e->quantum_ns : 1024;", "1024;"),), "test", TEACHING),
    Mutant("lottery-clock-runs-over", "the race's clock is never set back",
           ((LOTTERY, "	if (l->now >> 62)\n", "	if (l->now >> 63 && !l->now)\n"),), "test", TEACHING),
    Mutant("lottery-preempted-draws-again", "a winner that is interrupted has to win again",
           ((LOTTERY, "	if (at_head)\n		e->key = MIN(e->key, l->now);", "	if (at_head && !e)\n		e->key = MIN(e->key, l->now);"),),
           "test", TEACHING),

    # Multilevel feedback queue.
    Mutant("mlfq-can-be-gamed", "only a quantum's end counts, not the time used before",
           ((MLFQ, "	(void)quantum_over; /* it shows in the time used */\n	m->used_ns += ran_ns;\n",
             "	m->used_ns += quantum_over ? p->quantum_ns * (m->level + 1u) : ran_ns * 0;\n"),), "test", TEACHING),
    Mutant("mlfq-never-boosts", "the epoch is always the first",
           ((MLFQ, "	m->epoch = epoch;\n", "	m->epoch = epoch * 0;\n"),), "test", TEACHING),
    Mutant("mlfq-same-quantum", "the time allowed does not grow with the level",
           ((MLFQ, "	if (m->used_ns >= p->quantum_ns * (m->level + 1u))\n", "	if (m->used_ns >= p->quantum_ns)\n"),), "test", TEACHING),

    # Servers.
    Mutant("server-always-fresh", "each arrival brings a whole budget and a new deadline",
           ((EDF, "	if (now_ns >= s->deadline_ns ||\n", "	if (now_ns >= s->deadline_ns || s->left_ns > 0 ||\n"),), "test", SERVERS),
    Mutant("server-deferrable", "what is left may be used by the old deadline, however near that is",
           ((EDF, "	if (now_ns >= s->deadline_ns ||\n", "	if (now_ns >= s->deadline_ns || !p->period_ns ||\n"),
            (EDF, "(unsigned __int128)(s->deadline_ns - now_ns) * p->budget_ns) {",
             "(unsigned __int128)p->period_ns * p->budget_ns) {")), "test", SERVERS),
    Mutant("server-never-throttled", "a hard server goes on with its next budget at once",
           ((EDF, "	s->resume_ns = s->left_ns > 0 ? 0 : s->deadline_ns;\n", "	s->resume_ns = 0;\n"),), "test no-end", SERVERS),
    Mutant("server-not-postponed", "a soft server gets its next budget with the old deadline",
           ((EDF, "		s->deadline_ns += budgets * p->period_ns;\n", ""),), "test", SERVERS),

    Mutant("server-makes-up", "a hard server that others kept from running has all its budgets afterwards",
           ((EDF, "	if (s->deadline_ns <= now_ns)\n", "	if (!s->deadline_ns)\n"),), "test", SERVERS),
    Mutant("server-replenished-early", "the timer of a throttled task is set a period too early",
           ((SERVER, "timer_arm(&t->server->timer, t->entity.own.server.resume_ns);",
             "timer_arm(&t->server->timer, t->entity.own.server.resume_ns - t->params.period_ns);"),), "test", GUARDS),
    Mutant("server-never-replenished", "a throttled task waits for ever",
           ((SERVER, "	timer_arm(&t->server->timer, t->entity.own.server.resume_ns);\n", "	(void)t;\n"),), "test no-progress", GUARDS),
    Mutant("miss-told-always", "the handler is called after every job",
           (("kernel/task/executor.c", "	if (!t->on_miss || now_ns <= t->deadline_ns || t->missed_job == t->job)\n", "	if (!t->on_miss || t->missed_job == t->job)\n"),),
           "test", GUARDS),
    Mutant("miss-told-each-poll", "the handler is called after each poll that is late",
           (("kernel/task/executor.c", "	if (!t->on_miss || now_ns <= t->deadline_ns || t->missed_job == t->job)\n", "	if (!t->on_miss || now_ns <= t->deadline_ns)\n"),),
           "test", GUARDS),
    Mutant("flat-order-counts", "in a flat class the order of arrival decides whether a shard's first is still the first",
           (("kernel/task/executor.h", "t->policy->flat ? 0 : t->entity.seq", "t->entity.seq"),), "no-end",
           Runs("tests/unit/sched/service.c", cpus=4, seeds=3, only="sharing_on_all", events=500_000_000)),

    # Admission.
    Mutant("admitted-for-ever", "a task that has ended still takes room",
           ((TASK, "	TRACE(TASK_EXIT, sched_process_exit, .tid = (i32)t->id, .status = status);\n	if (t->admitted)\n		admission_leave(t->admitted - 1u);\n",
             "	TRACE(TASK_EXIT, sched_process_exit, .tid = (i32)t->id, .status = status);\n"),), "test no-progress", GUARDS),
    Mutant("admission-equals-do-not-count", "equal levels are taken for lower ones",
           ((ADMISSION, "i->key <= k->key;", "i->key < k->key || k->by_deadline;"),), "test", ADMITS),
    Mutant("admission-no-carry-in", "a window begins with releases",
           ((ADMISSION, "k->deadline_ns + i->deadline_ns - i->wcet_ns;", "k->deadline_ns;"),), "test", ADMITS),
    Mutant("admission-largest-density", "on several CPUs the densities may fill them all",
           ((ADMISSION, "	bound = m * one - (m - 1) * most;\n", "	bound = m * one;\n"),), "test", ADMITS),
    Mutant("admission-whole-periods", "only whole periods interfere with a response",
           ((ADMISSION, "(response_ns + tasks[i].period_ns - 1) /", "(response_ns + tasks[i].period_ns / 2) /"),), "test", ADMITS),
    Mutant("admission-last-job", "the job that is due at the window's end does not interfere",
           ((ADMISSION, "/ i->period_ns + 1;\n", "/ i->period_ns;\n"),), "test", ADMITS),
    Mutant("admission-whole-jobs", "a job that is partly in the window does not interfere",
           ((ADMISSION, "	return jobs * i->wcet_ns + MIN(rest_ns, i->wcet_ns);", "	return jobs * i->wcet_ns + 0 * rest_ns;"),), "test", ADMITS),
    Mutant("admission-wider-sets", "who may use other CPUs too does not interfere",
           ((ADMISSION, "	if (i == k || !(i->cpus & k->cpus))", "	if (i == k || i->cpus != k->cpus)"),), "test", ADMITS),
    Mutant("admission-rounds-up", "a sum of exactly 1 is too much",
           ((ADMISSION, "+ (m > 1);", "+ 1;"),), "test", ADMITS),
    Mutant("admission-slot-kept", "who leaves keeps its place",
           ((ADMISSION, "	used &= ~(1ull << slot);", "	used |= 1ull << slot;"),), "test", ADMITS),

    # Parameters.
    Mutant("range-without-its-end", "the largest value that a parameter may have is refused",
           ((SCHED, "value >= least && value <= most)", "value >= least && (value < most || !most))"),), "test", SERVERS),
]
