"""Lanes of the kernel's mutexes: nobody marks them, their trace comes from whoever has to wait."""

import importlib.machinery
import importlib.util

import pytest

from conftest import ROOT, files_of
from viewer_reference import STATES, at

MUTEX = 12 + 1  # what a task awaits, as the viewer keeps it


def pack():
    loader = importlib.machinery.SourceFileLoader("pack", str(ROOT / "viewer/pack"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("pack", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trace(kernels, tmp_path_factory):
    """A program whose tasks wait for mutexes, give up, and end while they own some."""
    kernels.trace_tool()
    folder = tmp_path_factory.mktemp("locks") / "trace"
    elf = kernels.elf("sim", app="tests/unit/async/inversion.c")
    result = kernels.sim(elf, "--trace", folder, cpus=4, seed=2)
    assert result.returncode == 0, result.stdout
    (folder / "symbols.txt").write_text(pack().lock_names(folder, elf))
    return folder


@pytest.fixture(scope="module")
def seen(dump, trace):
    return dump(*files_of(trace))


def waiters_wrong(seen):
    """Where the lanes do not count who waits for a mutex by the states of the tasks, which come from other events."""
    times = sorted({step[0] for t in seen["tasks"] for step in t["steps"]})
    wrong, counted = [], 0
    for before, after in zip(times, times[1:]):
        ns = (before + after) / 2
        now = [at(t["steps"], ns) for t in seen["tasks"][1:] if at(t["steps"], ns)]
        # Who waits with a time limit waits for other things, too; who is ready may not know yet that it waits no more.
        if after - before < 20_000 or any(s[1] in (STATES["ready"], STATES["preempted"]) or (s[1] == STATES["waiting"] and s[2] in (8 + 1, 9 + 1)) for s in now):
            continue
        expected = sum(s[1] == STATES["waiting"] and s[2] == MUTEX for s in now)
        counted += expected > 0
        if sum(at(lock["waiters"], ns)[1] for lock in seen["locks"]) != expected:
            wrong.append(ns)
    return wrong if counted > 5 else ["nobody waits"]


def owners_wrong(seen):
    """Locks that nobody owns while somebody waits, or that are not free at the end."""
    wrong = []
    for lock in seen["locks"]:
        for (begin, n), (end, _) in zip(lock["waiters"], [*lock["waiters"][1:], [seen["t1"], 0]]):
            if n and end - begin > 2000 and at(lock["holder"], (begin + end) / 2)[1] <= 0:
                wrong.append(f"{lock['name']} at {begin}")
        if lock["holder"][-1][1] or lock["waiters"][-1][1]:
            wrong.append(f"{lock['name']} at the end")
    owners = {tid for lock in seen["locks"] for _, tid in lock["holder"]}
    return wrong if len(owners) >= 4 else ["hardly anybody owns anything"]


def test_lanes_of_mutexes_are_what_tasks_wait_for(seen):
    assert not waiters_wrong(seen) and not owners_wrong(seen)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_missing_mark_is_seen(dump, trace, tmp_path, kind):
    """Waits, takes and releases that the kernel would not have recorded."""
    planted = 0
    for file in files_of(trace):
        data = bytearray(file.read_bytes())
        packet = 0
        while file.name.startswith("channel") and packet < len(data):
            word = lambda offset: int.from_bytes(data[offset:offset + 8], "little")  # noqa: E731
            record, end = packet + 80, packet + word(packet + 40) // 8
            while record < end:
                if data[record + 4] == 25 and data[record + 8] == kind:
                    data[record + 8] = 0
                    planted += 1
                record += int.from_bytes(data[record + 6:record + 8], "little") * 8
            packet += word(packet + 48) // 8
        (tmp_path / file.name).write_bytes(data)
    damaged = dump(*files_of(tmp_path))
    assert planted and (waiters_wrong(damaged) or owners_wrong(damaged))


def test_a_lock_has_the_name_of_its_variable(seen):
    assert any(lock["name"] == "locks" for lock in seen["locks"]), [lock["name"] for lock in seen["locks"]]
    assert all(lock["name"].startswith("locks") for lock in seen["locks"])


@pytest.mark.quick
def test_without_symbols_it_has_its_address(kernels, dump, demo):
    assert all(lock["name"].startswith("0x") for lock in dump(*files_of(demo(1)))["locks"])
