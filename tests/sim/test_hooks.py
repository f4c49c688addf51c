"""The hooks that stand in their callers' code (sim/hooks.awk) are those that are called: with either a seed is the same execution."""

import re

import pytest

PROGRAM = "tests/unit/runs/random_tasks.c"
# As tools/make/toolchain.mk has it for other processors.
CALLED = "COMPILE=$(TARGET_CC) $(CFLAGS) -MMD -MP -c $< -o $@"
RUNS = [(cpus, strategy, seed) for cpus, strategy in ((1, "time"), (4, "time"), (4, "random"), (3, "pct")) for seed in (1, 2, 3)]


def execution(kernels, elf, cpus, strategy, seed, *words):
    done = kernels.sim(elf, "--strategy", strategy, *words, cpus=cpus, seed=seed)
    assert done.returncode == 0, f"{done.command}\n{done.stdout}"
    # The hash is of places in the code, too.
    return re.search(r"^sim: seed=\d+ events=\d+ virtual_ns=\d+ switches=\d+", done.stdout, re.M)[0]


@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_called_or_in_place(kernels, cc):
    here, called = kernels.elf("sim", cc, PROGRAM), f"build/sim-{cc}-calls/app-random_tasks/kernel.elf"
    kernels.make("kernel", "BOARD=sim", f"CC={cc}", f"APP={PROGRAM}", f"OUT=build/sim-{cc}-calls", CALLED)
    for run in RUNS:
        assert execution(kernels, here, *run) == execution(kernels, called, *run), run
    races = execution(kernels, here, 4, "random", 1, "--watch", "races")
    assert races == execution(kernels, called, 4, "random", 1, "--watch", "races")
