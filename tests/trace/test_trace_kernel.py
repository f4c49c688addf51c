"""Traces of the kernel itself: all readers agree on them, and they break no rule."""

import re

import pytest

from readers import assert_all_agree


def record(kernels, board, folder, cpus, seed=1):
    result = kernels.run(board, kernels.elf(board), "--trace", folder, "--append", "demo", "--seed", seed, cpus=cpus)
    assert result.returncode == 0, result.stdout
    return folder


@pytest.mark.parametrize("board, cpus", [("sim", 1), ("sim", 4), ("pc", 4), ("virt", 2)])
def test_readers_agree_on_the_demo(kernels, tool, tmp_path, board, cpus):
    folder = record(kernels, board, tmp_path / "trace", cpus)
    counts = assert_all_agree(tool, folder, tmp_path)
    assert counts["cpu_online"] == cpus
    for name in ["sched_switch", "sched_decision", "sched_release", "sched_job_done", "async_poll_begin",
                 "worker_switch", "irq_handler_entry", "mark"]:
        assert counts[name], name
    out = tool("check", "--complete", folder, status=0).stdout
    operations, judged = map(int, re.search(r"(\d+) scheduler operations \((\d+) judged", out).groups())
    # How often no hint is pending depends on the host under QEMU, and on nothing in the simulator.
    assert operations > 100 and judged > (operations // 2 if board == "sim" else 0), out


@pytest.mark.parametrize("seed", range(1, 5))
def test_seeds_of_the_simulator_break_no_rule(kernels, tool, tmp_path, seed):
    folder = record(kernels, "sim", tmp_path / "trace", 1 + seed % 6, seed)
    tool("check", "--complete", folder, status=0)


@pytest.mark.quick
def test_equal_seeds_give_equal_bytes(kernels, tmp_path):
    first, second = (record(kernels, "sim", tmp_path / name, 4, 11) for name in ["a", "b"])
    assert sorted(p.name for p in first.iterdir()) == sorted(p.name for p in second.iterdir())
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_a_second_trace_replaces_the_first(kernels, tool, tmp_path):
    for cpus in (4, 2):
        result = kernels.sim(kernels.elf("sim"), "--trace", tmp_path / "trace", "--cmdline", "demo", cpus=cpus)
        assert result.returncode == 0, result.stdout
    assert sorted(p.name for p in (tmp_path / "trace").iterdir()) == ["channel0_0", "channel0_1", "metadata"]
    tool("check", "--complete", tmp_path / "trace", status=0)


def test_no_mixture_of_traces_stops_the_check(kernels, tool, tmp_path):
    """Streams of runs that have nothing to do with each other: what one says is wrong in the other."""
    elf = kernels.elf("sim", "clang", "tests/unit/runs/random_tasks.c")
    for seed in range(1, 9):
        for cpus, to in ((4, "trace"), (3, "other")):
            kernels.sim(elf, "--trace", tmp_path / to, cpus=cpus, seed=seed)
        (tmp_path / "trace/channel0_3").replace(tmp_path / "other/channel0_3")
        tool("check", "--complete", tmp_path / "other", status=1)
