"""Rule D: DAGs that run as they should pass, and each planted bug is seen."""

import random

import pytest

from rings import Memory

PERIOD, DEADLINE = 10_000, 25_000
NODES = 6
BUGS = ["before_its_input", "wrong_period", "twice", "left_out", "deadline_unit", "deadline_of_the_next",
        "miss_not_counted", "in_time_counted", "due_off_the_grid", "skip_not_said", "done_before_the_sink",
        "two_at_once"]


class Dag:
    """Periods of a random DAG, one reactor after another, on CPUs chosen at random."""

    def __init__(self, seed, bug=None):
        self.rng, self.bug, self.fired = random.Random(seed), bug, False
        self.events, self.now = [], 1000
        self.edges = [(a, b) for b in range(1, NODES) for a in range(b)
                      if a == b - 1 or self.rng.random() < 0.3]
        self.start = self.now
        self.graph()
        due = self.now
        for number, period in enumerate(self.periods()):
            self.one(number, period, due + period * PERIOD)

    def plant(self, name, possible=True):
        if self.bug != name or not possible or self.fired:
            return False
        self.fired = True
        return True

    def emit(self, name, /, **values):
        self.now += self.rng.randint(1, 300)
        self.events.append((self.rng.randrange(2), self.now, name, {"dag": 1, **values}))

    def graph(self):
        for n in range(NODES):
            part = {0: "source", NODES - 1: "sink"}.get(n, "reactor")
            time_ns = {0: PERIOD, NODES - 1: DEADLINE}.get(n, 0)
            self.emit("dag_node", node=n, tid=10 + n, part=part, time_ns=time_ns, budget_ns=0, name=f"n{n}")
        for a, b in self.edges:
            self.emit("dag_edge", **{"from": a}, to=b, input=0, topic=f"t{a}")

    def periods(self):
        at = -1
        for _ in range(12):
            self.skipped = self.rng.choice([0, 0, 0, 2])
            at += 1 + self.skipped
            yield at

    def react(self, node, step, period):
        self.emit("dag_react", node=node, tid=10 + node, step=step, overrun=0, period=period, cpu_ns=0)

    def one(self, number, period, due):
        skipped = self.skipped + self.plant("skip_not_said", number > 3)
        if self.plant("due_off_the_grid", number > 3):
            due += 1
        allowed = DEADLINE // 1000 if self.plant("deadline_unit", number > 3) else DEADLINE
        self.now = max(self.now, due)
        self.emit("dag_release", skipped=skipped, period=period, release_ns=due, deadline_ns=due + allowed)
        order = list(range(NODES))
        late = number % 3 == 2
        if self.plant("before_its_input", number > 3):
            order[1:3] = [2, 1]
        if self.plant("left_out", number > 3):
            order.remove(3)
        for node in order:
            if node == NODES - 1 and late:
                self.now = max(self.now, due + DEADLINE)
            seen = period + 1 if self.plant("wrong_period", number > 3 and node == 2) else period
            self.release_of_job(node, number, due)
            self.react(node, "begin", seen)
            if self.plant("two_at_once", number > 3):
                self.react(node, "begin", seen)
            if node == NODES - 1 and self.plant("done_before_the_sink", number > 3):
                self.done(period, due)
            self.react(node, "end", seen)
            if self.plant("twice", number > 3 and node == 2):
                self.react(node, "begin", seen)
                self.react(node, "end", seen)
            self.job_done(node, number, due)
        self.done(period, due)

    def deadline(self, node, number, due):
        if node == 2 and number == 5 and self.bug == "deadline_of_the_next":
            self.fired = True
            return due + PERIOD + DEADLINE
        return due + DEADLINE

    # Jobs, without the scheduler's part: an event without a task that waits is no business of D.
    def release_of_job(self, node, number, due):
        self.seq = getattr(self, "seq", 0) + 1
        self.now += 1
        cpu = 0
        self.events.append((cpu, self.now, "sched_release",
                            dict(tid=10 + node, job=number + 1, release_ns=due, seq=self.seq,
                                 deadline_ns=self.deadline(node, number, due))))

    def job_done(self, node, number, due):
        self.seq += 1
        self.now += 1
        job = dict(tid=10 + node, job=number + 1, seq=self.seq, deadline_ns=self.deadline(node, number, due))
        self.events.append((0, self.now, "sched_job_done", {**job, "done_ns": self.now}))
        if self.now > job["deadline_ns"]:
            self.events.append((0, self.now, "sched_miss", {**job, "late_ns": self.now - job["deadline_ns"]}))

    def done(self, period, due):
        response = self.now - due
        late = max(0, response - DEADLINE)
        missed = int(late > 0)
        if self.plant("miss_not_counted", late > 0):
            missed = 0
        if self.plant("in_time_counted", late == 0):
            missed = 1
        self.emit("dag_done", missed=missed, period=period, response_ns=response, late_ns=late)


def check(tool, tmp_path, dag, status):
    folder = tmp_path / "trace"
    tool.extract(Memory(dag.events, 2, packets=32), folder)
    return tool("check", "--max", "1000", folder, status=status).stdout


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(8))
def test_right_dags_keep_the_rule(tool, tmp_path, seed):
    assert "0 violations" in check(tool, tmp_path, Dag(seed), 0)


@pytest.mark.quick
@pytest.mark.parametrize("bug", BUGS)
def test_planted_bug_is_seen(tool, tmp_path, bug):
    for seed in range(20):
        dag = Dag(seed, bug)
        if dag.fired:
            break
    assert dag.fired, f"{bug} never had a chance"
    assert check(tool, tmp_path, dag, 1).startswith("D at ")
