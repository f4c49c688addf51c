"""The simulator's checkers speak of planted bugs, name both places, and are silent of what is right: of
the same programs without their bugs and of the kernel under its own tests."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))
from test_units import PROGRAMS, wanted  # noqa: E402

FOUND = 105
NO_END = 103
PLANTED = "tests/sim/planted.c"
SEEDS = 20  # within which each bug shows
EVENTS_MAX = 6_000_000  # of a program's run that is looked at

# name -> what the report says first, and the functions of both places
BUGS = {
    "half_locked": ("data race on 8 bytes", "half_locked", "half_locked"),
    "relaxed_store": ("data race on 8 bytes", "message", "message"),
    "relaxed_load": ("data race on 8 bytes", "message", "message"),
    "missing_fence": ("data race on 8 bytes", "missing_fence", "missing_fence"),
    "unlocked_look": ("data race on 8 bytes", "unlocked_look", "unlocked_look"),
    "torn_copy": ("data race on 8 bytes", "torn_copy", "torn_copy"),
    "writes_as_reader": ("data race on 8 bytes", "writes_as_reader", "writes_as_reader"),
    "plain_view": ("data race on 4 bytes", "plain_view", "plain_view"),
    "both_orders": ("locks in both orders", "take_both", "both_orders"),
    "long_circle": ("locks in both orders", "long_circle", "take_both"),
    "embrace": ("deadlock: each of these CPUs waits", "embrace", "embrace"),
    "twice": ("deadlock: the CPU holds lock", "twice", "twice"),
    "held_over": ("lock 0x", "work", "held_over"),
    "unmasked": ("data race on 8 bytes", "unmasked", "on_timer"),
}


HANGS = ("embrace", "twice")  # and are seen without a checker, but not why


def watched(kernels, cc, seed, cmdline, *words):
    return kernels.sim(kernels.elf("sim", cc, PLANTED), "--strategy", "random", "--cmdline", cmdline, *words, cpus=2, seed=seed)


def blocks(text):
    """The back traces of a report: function names, innermost first."""
    found, block = [], None
    for line in text.splitlines():
        if " by CPU " in line:
            block = []
            found.append(block)
        elif block is not None and (frame := re.match(r" +#\d+ (\w+)", line)):
            block.append(frame[1])
    return found


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(kernels, bug, cc):
    says, *places = BUGS[bug]
    for seed in range(1, SEEDS + 1):
        plain = watched(kernels, cc, seed, f"bug={bug}", "--max-events", 1_000_000)
        assert plain.returncode == (NO_END if bug in HANGS else 0), plain.stdout
        result = watched(kernels, cc, seed, f"bug={bug}", "--watch", "all")
        if result.returncode == 0:
            continue
        assert result.returncode == FOUND and f"sim: {says}" in result.stdout, result.stdout
        assert "sim: again: " in result.stdout
        traces = blocks(result.stdout)
        labels = set(re.findall(r"below, as (\[\d+\])", result.stdout))
        assert labels and labels == set(re.findall(r"^  (\[\d+\]) ", result.stdout, re.M)), result.stdout
        for place in places:  # inlined into its caller by some compilers
            assert any(place in trace or "side_run" in trace for trace in traces), (place, traces)
        return
    pytest.fail(f"{bug} was not found within {SEEDS} seeds")


@pytest.mark.parametrize("bug", BUGS)
def test_the_right_program_is_clean(kernels, bug):
    for seed in range(1, SEEDS + 1):
        result = watched(kernels, "clang", seed, f"bug={bug} right", "--watch", "all")
        assert result.returncode == 0, result.stdout


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
