"""The heap without magazines passes the same tests, and the first allocation that fails is told of."""

import re

import pytest

PROGRAMS = ["tests/unit/mm/kernel_heap.c", "tests/unit/mm/arenas.c"]


@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_magazines(kernels, program, cc):
    for cpus in (1, 4):
        result = kernels.sim(kernels.elf("sim", cc, program), "--cmdline", "heap=tlsf", cpus=cpus)
        assert result.returncode == 0 and re.search(r"^tests: \d+ ran, 0 failed", result.stdout, re.M), result.stdout


def test_the_first_allocation_fails(kernels):
    result = kernels.sim(kernels.elf("sim", "clang"), "--cmdline", "fail_alloc=1")
    assert result.returncode == 101
    assert "cannot make the first task: " in result.stdout
