"""Random sets of tasks on the simulator; the scheduling rules are checked over every trace."""

import shutil
import subprocess

import pytest

SEEDS = 200
BATCH = 25
QUICK_BATCHES = 1


def batches():
    for cpus in (1, 2, 4):
        for strategy in ("time", "random"):
            for first in range(1, SEEDS + 1, BATCH):
                quick = first <= QUICK_BATCHES * BATCH and (cpus, strategy) in ((1, "time"), (4, "random"))
                yield pytest.param(cpus, strategy, first, id=f"{cpus}-{strategy}-{first}",
                                   marks=[pytest.mark.quick] if quick else [])


@pytest.mark.parametrize("cpus, strategy, first", batches())
def test_random_tasks(kernels, root, tmp_path, cpus, strategy, first):
    elf = kernels.elf("sim", "clang", "tests/unit/runs/random_tasks.c")
    check = kernels.trace_tool()
    for seed in range(first, first + BATCH):
        trace = tmp_path / "trace"
        shutil.rmtree(trace, ignore_errors=True)
        result = kernels.sim(elf, "--strategy", strategy, "--trace", trace, cpus=cpus, seed=seed)
        assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
        verdict = subprocess.run([check, "check", "--complete", trace], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert verdict.returncode == 0, f"{result.command}\n{verdict.stdout}"
