"""The simulator's checkers are silent of the kernel under its own tests, and change no execution. Of what they
speak, see test_planted.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))
from test_units import PROGRAMS, wanted  # noqa: E402

FOUND = 105
PLANTED = "tests/sim/planted.c"
EVENTS_MAX = 6_000_000  # of a program's run that is looked at


def watched(kernels, cc, seed, cmdline, *words):
    return kernels.sim(kernels.elf("sim", cc, PLANTED), "--strategy", "random", "--cmdline", cmdline, *words, cpus=2, seed=seed)


@pytest.mark.quick
def test_watching_changes_nothing(kernels):
    for seed in (1, 2):
        summaries = {watched(kernels, "clang", seed, "bug=half_locked right", *words).stdout.splitlines()[-1]
                     for words in ([], ["--watch", "all"])}
        assert len(summaries) == 1, summaries


PATCHES = ["costs"]  # puts another interrupt controller in while CPUs run, which no kernel does


def clean_cases():
    for program in (p for p in PROGRAMS if p.stem not in PATCHES):
        cpus = max(n for n in wanted(program.read_text(), "cpus", [4]) if n <= 4)
        yield pytest.param(program, cpus, id=f"{program.stem}-{cpus}")


@pytest.mark.parametrize("program, cpus", clean_cases())
def test_the_kernel_is_clean(kernels, root, program, cpus):
    elf = kernels.elf("sim", "clang", str(program.relative_to(root)))
    result = kernels.sim(elf, "--strategy", "random", "--watch", "all", "--max-events", EVENTS_MAX, cpus=cpus, seed=3)
    assert result.returncode != FOUND, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
