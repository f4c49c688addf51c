"""
Random sets of tasks of all classes on the simulator: 1,200 seeds on 1 to 16 CPUs, and 750 more in which tasks
change each other's parameters and take CPUs out. Every rule is judged over every trace, and each rule must have
been put to the test in every batch of them.
"""

import re
import shutil
import subprocess

import pytest

SEEDS = 100
BATCH = 25
CPUS = (1, 2, 3, 4, 8, 16)
QUICK = ((1, "time"), (4, "random"))
NEVER_HERE = {"D"}  # tests/unit/async has the DAGs


def batches():
    for cpus in CPUS:
        for strategy in ("time", "random"):
            for batch in range(SEEDS // BATCH):
                first = 1 + batch * BATCH + 1000 * cpus
                quick = not batch and (cpus, strategy) in QUICK
                yield pytest.param(cpus, strategy, first, id=f"{cpus}-{strategy}-{first}",
                                   marks=[pytest.mark.quick] if quick else [])


def judged(verdict):
    """Rules, and how often each was put to the test."""
    words = re.search(r"^judged:(.*)$", verdict, re.M)[1].split()
    return dict(zip(words[::2], map(int, words[1::2])))


def run_batch(kernels, tmp_path, program, cpus, strategy, first, words="", rare=()):
    """A batch of seeds; nothing may fail, and all rules must be judged."""
    elf = kernels.elf("sim", "clang", f"tests/unit/runs/{program}.c")
    check = kernels.trace_tool()
    rules = subprocess.run([check, "check", "--rules"], text=True, stdout=subprocess.PIPE, check=True).stdout
    sums = {line.split()[0]: 0 for line in rules.splitlines()}
    for seed in range(first, first + BATCH):
        trace = tmp_path / "trace"
        shutil.rmtree(trace, ignore_errors=True)
        result = kernels.sim(elf, "--strategy", strategy, "--cmdline", words, "--trace", trace, cpus=cpus, seed=seed)
        assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
        verdict = subprocess.run([check, "check", "--complete", trace], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert verdict.returncode == 0, f"{result.command}\n{verdict.stdout}"
        for rule, times in judged(verdict.stdout).items():
            sums[rule] += times
    # The bound on the lag holds for one CPU.
    never = {rule for rule, times in sums.items() if not times} - NEVER_HERE - ({"P5"} if cpus > 1 else set()) - set(rare)
    assert not never, f"never judged in {BATCH} runs: {sorted(never)}"


@pytest.mark.parametrize("cpus, strategy, first", batches())
def test_random_tasks(kernels, tmp_path, cpus, strategy, first):
    run_batch(kernels, tmp_path, "random_tasks", cpus, strategy, first)


@pytest.mark.parametrize("words", [pytest.param(w, id=w or "own-shards") for w in ("", "shards=1", "shards=3")])
@pytest.mark.parametrize("strategy", ["time", "random"])
@pytest.mark.parametrize("cpus", [1, 2, 3, 4, 8])
def test_random_changes(kernels, tmp_path, cpus, strategy, words):
    run_batch(kernels, tmp_path, "random_changes", cpus, strategy, 1 + 100 * cpus, words, rare=("P3", "P5"))
