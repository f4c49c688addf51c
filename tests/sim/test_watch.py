"""The simulator's checkers are silent of the kernel under its own tests, and change no execution. Of what they
speak, see test_planted.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))
from test_units import PROGRAMS, wanted  # noqa: E402

FOUND = 105
EVENTS_MAX = 6_000_000  # of a program's run that is looked at


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("program, cmdline", [("planted.c", "bug=half_locked right"), ("planted_memory.c", "bug=walks_unlocked right")])
def test_watching_changes_nothing(kernels, program, cmdline, cc):
    elf = kernels.elf("sim", cc, f"tests/sim/{program}")
    for seed in range(1, 11):
        summaries = {kernels.sim(elf, "--strategy", "random", "--cmdline", cmdline, *words, cpus=2, seed=seed).stdout.splitlines()[-1]
                     for words in ([], ["--watch", "all"], ["--watch", "memory"])}
        assert len(summaries) == 1, summaries


def test_a_watched_run_is_of_the_same_build(kernels, tmp_path):
    """--watch changes the kernel's code while it runs (sim/always.c)."""
    elf = kernels.elf("sim", "clang", "tests/sim/small.c")
    for words in ([], ["--watch", "all"]):
        kernels.sim(elf, "--cmdline", "right", "--record", tmp_path / f"run{len(words)}", *words, cpus=2)
    builds = {next(line for line in (tmp_path / f"run{n}").read_text().splitlines() if line.startswith("build ")) for n in (0, 2)}
    assert len(builds) == 1, builds


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


@pytest.mark.quick
def test_a_task_needs_no_frame(kernels):
    """Its status is read from where its frame would begin."""
    elf = kernels.elf("sim", "clang", "tests/sim/small.c")
    for seed in range(1, 31):
        result = kernels.sim(elf, "--strategy", "random", "--watch", "all", "--cmdline", "right", cpus=2, seed=seed)
        assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"
