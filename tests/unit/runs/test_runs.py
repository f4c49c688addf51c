"""
The campaign: random sets of tasks of all classes, on the simulator (1,200 seeds on 1 to 16 CPUs, half of
them with a shard for each CPU, 750 more in which tasks change each other's parameters and take CPUs out, and
random DAGs) and on the boards that
QEMU emulates. Every rule is judged over every trace, and each must have been put to the test in every
batch of them.
"""

import re
import shutil
import subprocess

import pytest

TASKS = "tests/unit/runs/random_tasks.c"
CHANGES = "tests/unit/runs/random_changes.c"
DAGS = "tests/unit/async/dag_runs.c"
SEEDS = 100
BATCH = 25
CPUS = (1, 2, 3, 4, 8, 16)
QUICK = ((1, "time"), (4, "random"))
BOARDS = ("pc", "virt", "raspi3", "raspi4")
# What a machine's own speed cannot keep from being judged.
ANYWHERE = set("S1 S2 S4 S5 R1 R2 R3 R5 A H J P1 P8".split())


def batches():
    for cpus in CPUS:
        for strategy in ("time", "random"):
            for batch in range(SEEDS // BATCH):
                first = 1 + batch * BATCH + 1000 * cpus
                quick = not batch and (cpus, strategy) in QUICK
                words = f"shards={cpus}" if batch % 2 else ""
                yield pytest.param(cpus, strategy, first, words, id=f"{cpus}-{strategy}-{first}",
                                   marks=[pytest.mark.quick] if quick else [])


class Judge:
    """Judges traces, and adds up how often each rule was put to the test."""

    def __init__(self, check):
        self.check = check
        rules = subprocess.run([check, "check", "--rules"], text=True, stdout=subprocess.PIPE, check=True).stdout
        self.sums = {line.split()[0]: 0 for line in rules.splitlines()}

    def __call__(self, result, trace):
        assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
        verdict = subprocess.run([self.check, "check", "--complete", trace], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert verdict.returncode == 0, f"{result.command}\n{verdict.stdout}"
        words = re.search(r"^judged:(.*)$", verdict.stdout, re.M)[1].split()
        for rule, times in zip(words[::2], map(int, words[1::2])):
            self.sums[rule] += times
        shutil.rmtree(trace)

    def never(self):
        return {rule for rule, times in self.sums.items() if not times}


@pytest.fixture
def judge(kernels):
    return Judge(kernels.trace_tool())


def run_batch(kernels, judge, folder, program, cpus, strategy, seeds, words=""):
    elf = kernels.elf("sim", "clang", program)
    for seed in seeds:
        judge(kernels.sim(elf, "--strategy", strategy, "--cmdline", words, "--trace", folder / "trace", cpus=cpus,
                          seed=seed), folder / "trace")


def assert_judged(judge, cpus, but=()):
    # There are DAGs in a program of their own; the bound on the lag holds for one CPU, and where there are
    # more, turns that end while an equal waits are too rare for a batch.
    never = judge.never() - {"D"} - ({"P3", "P5"} if cpus > 1 else set()) - set(but)
    assert not never, f"never judged in {BATCH} runs: {sorted(never)}"


@pytest.mark.parametrize("cpus, strategy, first, words", batches())
def test_random_tasks(kernels, judge, tmp_path, cpus, strategy, first, words):
    run_batch(kernels, judge, tmp_path, TASKS, cpus, strategy, range(first, first + BATCH), words)
    assert_judged(judge, cpus)


@pytest.mark.parametrize("words", ["shards=1", "shards=3", "shards=64"])
@pytest.mark.parametrize("strategy", ["time", "random"])
@pytest.mark.parametrize("cpus", [1, 2, 3, 4, 8])
def test_random_changes(kernels, judge, tmp_path, cpus, strategy, words):
    first = 1 + 100 * cpus
    run_batch(kernels, judge, tmp_path, CHANGES, cpus, strategy, range(first, first + BATCH), words)
    assert_judged(judge, cpus, but=("P3", "P5"))


@pytest.mark.parametrize("cpus", [1, 3, 4])
@pytest.mark.parametrize("strategy", ["time", "random"])
def test_random_dags(kernels, judge, tmp_path, cpus, strategy):
    run_batch(kernels, judge, tmp_path, DAGS, cpus, strategy, range(101, 109))
    assert not judge.never() & {"D", "R1", "R2", "R3", "R6", "J", "P1", "P10"}


@pytest.mark.parametrize("program", [pytest.param(TASKS, id="tasks"), pytest.param(CHANGES, id="changes")])
@pytest.mark.parametrize("board", BOARDS)
def test_random_tasks_on_boards(kernels, judge, tmp_path, board, program):
    elf = kernels.elf(board, "clang", program)
    for number in range(1, 1 + BATCH):
        # By the count of instructions: where the host takes a second of its own, a hard budget pays for it for minutes.
        judge(kernels.run(board, elf, "--icount", "--append", f"set={number}", "--trace", tmp_path / "trace"),
              tmp_path / "trace")
    assert not judge.never() & ANYWHERE
