"""A run among many of one process is the run of a process of its own: the same output, status and hash, whatever ran before
it there: a panic, a stack overflow, a run that was cut short, findings, faults."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402
sys.path.insert(0, str(Path(__file__).resolve().parent))
import again  # noqa: E402

SEEDS = range(1, 9)
CASES = [
    ("tests/sim/planted_orders.c", "bug=freed_twice", []),
    ("tests/sim/planted_orders.c", "bug=crossed_mutexes", ["--fault", "hint-late=3", "--fault", "cpu-stall=500", "--fault", "clock-step=9"]),
    ("tests/sim/planted_memory.c", "bug=walks_unlocked", ["--watch", "memory"]),
    ("tests/sim/planted.c", "bug=both_orders", ["--watch", "all"]),
    ("tests/unit/task/whose_fault.c", "", []),
    ("tests/sim/planted_memory.c", "bug=published_empty", ["--watch", "races", "--watch", "memory"]),
    ("", "", ["--input", b"help\nps\nexit\n".hex(), "--max-events", "3000000"]),
    ("tests/sim/rates.c", "tasks=100", ["--max-events", "150000"]),
]


def said(o):
    """By the kernel and of findings, without what only a second run tells."""
    return sorted(line for line in o.output.splitlines() if not line.startswith(("sim: again", "sim: seed", "  ")))


@pytest.mark.quick
@pytest.mark.parametrize("program, cmdline, words", CASES, ids=lambda value: str(value).split("/")[-1] if isinstance(value, str) else "-")
@pytest.mark.parametrize("strategy", ["random", "pct"])
def test_a_run_among_many_is_the_run_alone(kernels, program, cmdline, words, strategy):
    elf = kernels.elf("sim", "clang", program)
    words = ["--cpus", "3", "--strategy", strategy, "--cmdline", cmdline, *words]
    batch = runs.Batch(elf, words)
    for number, seed in enumerate([*SEEDS, *reversed(SEEDS)]):
        struck = f"hint-late {number} 50000" if number % 2 else ""
        alone = runs.start(elf, [*words, "--seed", seed, *(["--struck", struck] if struck else [])])
        among = batch.run([f"seed {seed}", *([f"struck {struck}"] if struck else [])])
        assert said(among) == said(alone)
        assert alone.hash and (among.status, among.events, among.virtual_ns, among.hash) == \
            (alone.status, alone.events, alone.virtual_ns, alone.hash), f"seed {seed}:\n{among.output}\n{alone.output}"
    batch.close()


MARKED = [
    ("tests/sim/small.c", 2, []),
    ("tests/unit/task/tasks.c", 4, []),
    ("tests/unit/task/whose_fault.c", 3, []),
    ("tests/sim/planted_orders.c", 3, ["--cmdline", "bug=crossed_mutexes", "--fault", "hint-late=3", "--fault", "timer-doubled=5"]),
    ("tests/sim/planted.c", 2, ["--cmdline", "bug=both_orders", "--watch", "all"]),
]


@pytest.mark.quick
@pytest.mark.parametrize("program, cpus, words", MARKED, ids=lambda value: Path(value).stem if isinstance(value, str) else "-")
@pytest.mark.parametrize("strategy", ["random", "bounded"])
def test_from_the_mark_on_too(kernels, program, cpus, words, strategy):
    elf = kernels.elf("sim", "clang", program)
    assert again.main(elf, 8, "--cpus", str(cpus), "--strategy", strategy, *words) == 0


def marked(elf, *words):
    return runs.start(elf, ["--cpus", "2", "--strategy", "random", "--seed-from", "mark", *words])


@pytest.mark.quick
def test_a_marked_run_is_replayed_and_traced(kernels, tmp_path):
    elf = kernels.elf("sim", "clang", "tests/sim/small.c")
    seed = next(seed for seed in range(1, 200) if marked(elf, "--seed", seed).status == 1)
    first = marked(elf, "--seed", seed, "--record", tmp_path / "run", "--trace", tmp_path / "first")
    second = runs.start(elf, ["--replay", tmp_path / "run", "--trace", tmp_path / "second"])
    assert (first.status, first.events, first.virtual_ns) == (second.status, second.events, second.virtual_ns) and first.events
    for file in (tmp_path / "first").iterdir():
        if file.name == "metadata":
            assert f'seed = "{seed}";' in file.read_text()
        else:
            assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()


@pytest.mark.quick
def test_a_sweep_counts_what_single_runs_show(kernels):
    elf = kernels.elf("sim", "clang", "tests/sim/small.c")
    words = ["--cpus", "2", "--strategy", "random", "--seed-from", "mark"]
    alone = {seed: marked(elf, "--seed", seed) for seed in range(1, 61)}
    bad = {seed: run for seed, run in alone.items() if run.status}
    batch = runs.Batch(elf, words)
    swept = batch.sweep(range(1, 61))
    assert swept.failed == len(bad) > 0 and swept.seeds == 60
    assert swept.events == sum(run.events for run in alone.values())
    assert {run.seed: run.hash for run in swept.runs} == {seed: run.hash for seed, run in bad.items()}
    assert batch.sweep(range(1, 61)).hash == swept.hash != batch.sweep(range(2, 62)).hash
    batch.close()
    right = runs.Batch(elf, [*words, "--cmdline", "right"])
    assert right.sweep(range(1, 2001)).failed == 0
    right.close()


@pytest.mark.quick
def test_a_program_without_a_mark_is_told_of(kernels):
    o = marked(kernels.elf("sim", "clang", ""), "--cmdline", "demo=1")
    assert "came to no mark" in o.output
