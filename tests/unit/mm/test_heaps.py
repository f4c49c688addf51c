"""The heap without magazines passes the same tests; words on the command line that it does not know get
a line that says what it expected."""

import re

import pytest

PROGRAMS = ["tests/unit/mm/kernel_heap.c", "tests/unit/mm/arenas.c"]


@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_without_magazines(kernels, program, cc):
    for cpus in (1, 4):
        result = kernels.sim(kernels.elf("sim", cc, program), "--cmdline", "heap=tlsf", cpus=cpus)
        assert result.returncode == 0 and re.search(r"^tests: \d+ ran, 0 failed", result.stdout, re.M), result.stdout


@pytest.mark.quick
@pytest.mark.parametrize("words, expected", [
    ("heap=buddy", "heap=buddy: expected tlsf or slab"),
    ("heap", "heap=: expected tlsf or slab"),
    ("fail_alloc=often", "fail_alloc=often: expected a number"),
])
def test_wrong_words(kernels, words, expected):
    result = kernels.sim(kernels.elf("sim", "clang"), "--cmdline", words)
    assert result.returncode == 101
    assert f"kernel panic on CPU 0: {expected}\n" in result.stdout.replace("\r", "")


def test_the_first_allocation_fails(kernels):
    result = kernels.sim(kernels.elf("sim", "clang"), "--cmdline", "fail_alloc=1")
    assert result.returncode == 101
    assert "cannot make the first task: " in result.stdout
