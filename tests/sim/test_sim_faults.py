"""Faults by seeded chance: the kernel keeps its rules under those that it promises to survive, a run with
faults repeats, and a failing one shrinks to the faults that it needs."""

import re
import subprocess

import pytest
from test_fermata_sim import fermata_sim, same_files

PROGRAMS = ["tests/unit/async/waits.c", "tests/unit/async/channels.c", "tests/unit/task/kills.c", "tests/unit/core/timers.c"]
# Of a lost hint the kernel says that it costs time; that these programs do not wait for for ever.
SURVIVED = ["hint-lost=5", "hint-doubled=2", "hint-late=3", "hint-spurious=3", "timer-late=3", "cpu-stall=2000",
            "timer-doubled=3", "timer-spurious=5", "clock-step=20"]
# Nobody could: what they show is what they come to.
UNPROMISED = ["clock-skew=1", "bit-flip=10", "register-flip=10"]
PREEMPTION = "tests/unit/task/preemption.c"
EVENTS_MAX = 100_000_000


@pytest.mark.parametrize("strategy", ["time", "random"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_kernel_survives(kernels, program, strategy):
    elf = kernels.elf("sim", "clang", program)
    for fault in SURVIVED:
        result = kernels.sim(elf, "--strategy", strategy, "--fault", fault, "--max-events", EVENTS_MAX, seed=2)
        assert result.returncode == 0, f"{result.command}\n{result.stdout}"
    # A task that loops is killed by a hint to its CPU alone: if that is lost, the program waits for ever.
    together = [fault for fault in SURVIVED if "kills" not in program or "hint-lost" not in fault]
    words = [word for fault in together for word in ("--fault", fault)]
    result = kernels.sim(elf, "--strategy", strategy, *words, "--max-events", EVENTS_MAX, seed=3)
    assert result.returncode == 0, f"{result.command}\n{result.stdout}"


@pytest.mark.quick
@pytest.mark.parametrize("fault", SURVIVED + UNPROMISED)
def test_faults_strike_and_repeat(kernels, root, tmp_path, fault):
    elf = kernels.elf("sim", "clang", "tests/unit/task/tasks.c")
    without = kernels.sim(elf, "--strategy", "random", seed=4)
    limit = ["--max-events", "10000000"]  # what nobody could survive may end in a wait for ever
    first = kernels.sim(elf, "--strategy", "random", "--fault", fault, "--record", tmp_path / "run", "--trace", tmp_path / "a", *limit, seed=4)
    again = subprocess.run([elf, "--replay", tmp_path / "run", "--trace", tmp_path / "b", *limit], cwd=root, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    counts = re.compile(r"events=\d+ virtual_ns=\d+ switches=\d+")
    assert counts.search(first.stdout)[0] == counts.search(again.stdout)[0]
    execution = re.compile(r"hash=[0-9a-f]{16}")  # into which each fault goes that strikes
    assert execution.search(first.stdout)[0] != execution.search(without.stdout)[0]
    assert same_files(tmp_path / "a", tmp_path / "b")
    kind = fault.split("=")[0]
    assert (f"struck {kind} " in (tmp_path / "run").read_text()) == (kind != "cpu-stall")


def test_a_run_shrinks_to_the_faults_that_it_needs(kernels, root, tmp_path):
    """A test that waits for every CPU fails when the hint to one is lost."""
    kernels.elf("sim", "clang", PREEMPTION)
    words = ["--app", PREEMPTION, "--cmdline", "only=every_cpu_runs_tasks", "--fault", "hint-lost=4", "--max-events", 50_000_000]
    fermata_sim(root, "sweep", *words, "--seeds", "1-40", "--save", tmp_path, "--stop-after", 1, status=1)
    failing = next(tmp_path.glob("seed-*.run"))
    small = tmp_path / "small.run"
    fermata_sim(root, "shrink", failing, "-o", small)
    struck = [line for line in small.read_text().splitlines() if line.startswith("struck ")]
    assert 1 <= len(struck) <= 5 and all(line.startswith("struck hint-lost ") for line in struck), struck
    fermata_sim(root, "replay", small, status=1)


@pytest.mark.parametrize("fault", ["bit-flip=1", "register-flip=3"])
def test_what_the_kernel_does_not_promise_shows(kernels, root, fault):
    """A bit that flips may be one that matters: a fault that never comes to harm would be none."""
    words = ["--app", "tests/unit/task/tasks.c", "--strategy", "random", "--fault", fault, "--max-events", 20_000_000]
    said = fermata_sim(root, "sweep", *words, "--seeds", "1-200", "--stop-after", 1, status=1)
    assert re.search(r"^seed \d+: status \d+: \S", said, re.M), said


@pytest.mark.parametrize("value, said", [("hint-lost", "wants KIND=N"), ("luck=3", "has no such kind; there are hint-lost, "),
                                         ("hint-lost=0", "one time in N")])
def test_mistakes_are_named(kernels, value, said):
    result = kernels.sim(kernels.elf("sim"), "--fault", value)
    assert result.returncode == 2 and said in result.stdout
