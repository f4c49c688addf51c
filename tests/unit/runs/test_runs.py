"""
Random sets of tasks of all classes on the simulator: 1,200 seeds on 1 to 16 CPUs. Every rule is judged
over every trace, and each rule must have been put to the test in every batch of them.
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


@pytest.mark.parametrize("cpus, strategy, first", batches())
def test_random_tasks(kernels, root, tmp_path, cpus, strategy, first):
    elf = kernels.elf("sim", "clang", "tests/unit/runs/random_tasks.c")
    check = kernels.trace_tool()
    rules = subprocess.run([check, "check", "--rules"], text=True, stdout=subprocess.PIPE, check=True).stdout
    sums = {line.split()[0]: 0 for line in rules.splitlines()}
    for seed in range(first, first + BATCH):
        trace = tmp_path / "trace"
        shutil.rmtree(trace, ignore_errors=True)
        result = kernels.sim(elf, "--strategy", strategy, "--trace", trace, cpus=cpus, seed=seed)
        assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
        verdict = subprocess.run([check, "check", "--complete", trace], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert verdict.returncode == 0, f"{result.command}\n{verdict.stdout}"
        for rule, times in judged(verdict.stdout).items():
            sums[rule] += times
    # The bound on the lag holds for one CPU.
    never = {rule for rule, times in sums.items() if not times} - NEVER_HERE - ({"P5"} if cpus > 1 else set())
    assert not never, f"never judged in {BATCH} runs: {sorted(never)}"
