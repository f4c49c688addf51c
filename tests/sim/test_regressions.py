"""Every seed that once failed, and what it showed, stands in the file `regressions`: none fails again, neither
by itself nor in the eyes of the simulator's checkers."""

import re
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parent / "regressions"
LINE = re.compile(r"(?P<program>\S+\.c)\s+(?P<cpus>\d+)\s+(?P<strategy>\w+)\s+(?P<first>\d+)(?:-(?P<last>\d+))?\s+# (?P<why>\S.*)")
EVENTS_MAX = 300_000_000
WATCHED_EVENTS_MAX = 3_000_000
WATCHED_SEEDS = 4


def regressions():
    for number, line in enumerate(FILE.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if not found:
            raise ValueError(f"{FILE.name}:{number}: is no `program cpus strategy seeds # why`: {line}")
        seeds = range(int(found["first"]), int(found["last"] or found["first"]) + 1)
        yield pytest.param(found["program"], int(found["cpus"]), found["strategy"], seeds, id=f"line-{number}")


@pytest.mark.parametrize("program, cpus, strategy, seeds", regressions())
def test_what_failed_once_does_not_fail_again(kernels, program, cpus, strategy, seeds):
    elf = kernels.elf("sim", "clang", program)
    for seed in seeds:
        result = kernels.sim(elf, "--strategy", strategy, "--max-events", EVENTS_MAX, cpus=cpus, seed=seed)
        assert result.returncode == 0, f"{result.command}\n{result.stdout}"
    for seed in seeds[:WATCHED_SEEDS]:
        result = kernels.sim(elf, "--strategy", strategy, "--watch", "all", "--max-events", WATCHED_EVENTS_MAX, cpus=cpus, seed=seed)
        assert result.returncode in (0, 103), f"{result.command}\n{result.stdout}"
