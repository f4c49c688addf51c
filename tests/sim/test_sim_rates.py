"""fermata-sim bench: each figure comes from a run that went right, and is held against its goal. No verdict depends on how
fast this machine is."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import bench  # noqa: E402
import runs  # noqa: E402


def test_a_figure_is_held_against_its_goal():
    least = bench.Rate("a", "as many", None, 500)
    most = bench.Rate("b", "as long", None, 0.1, "s")
    assert [least.beside(499), least.beside(500)] == ["as many; goal 500: missed", "as many; goal 500: met"]
    assert [most.beside(0.1), most.beside(0.2)] == ["as long; goal 0.1: met", "as long; goal 0.1: missed"]
    assert bench.Rate("c", "for comparison", None).beside(1) == "for comparison"


def test_metrics_have_names_of_their_own():
    names = [rate.name for rate in [*bench.RATES_HERE, *bench.RATES_QEMU.values()]]
    assert len(names) == len(set(names)) and all(name.startswith(("sim.", "qemu.")) for name in names)


@pytest.mark.quick
def test_a_run_that_fails_has_no_figure(kernels):
    kernels.elf("sim", "clang", bench.SMALL)
    words = ["--cpus", "2", "--strategy", "random", "--seed-from", "mark"]
    assert bench.of_a_batch(bench.SMALL, 300, *words, "--cmdline", "right")("clang", 0) > 0
    with pytest.raises(runs.Wrong, match="seed [0-9]+ failed"):
        bench.of_a_batch(bench.SMALL, 300, *words)("clang", 0)
