"""A run among many of one process is the run of a process of its own: the same output, status and hash, whatever ran before
it there: a panic, a stack overflow, a run that was cut short, findings, faults."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402

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
