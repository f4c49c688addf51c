"""Waking and picking take as many steps among a million tasks as the logarithm allows."""

import pytest


@pytest.mark.parametrize("tasks", [pytest.param(100_000, marks=[pytest.mark.quick]), 1_000_000])
def test_a_wake_up_among_many(kernels, tasks):
    elf = kernels.elf("sim", "clang", "tests/unit/task/costs.c")
    result = kernels.sim(elf, "--ram", 2048, "--cmdline", f"only=grows trace=off many={tasks}", cpus=1)
    assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
