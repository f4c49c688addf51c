"""With memory used up by a task the shell still answers, and can still start tasks."""

import re
import sys

import pytest

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from test_run import Terminal  # noqa: E402

APP = "tests/system/hoard.c"
PROMPT = b"fermata> "
BOARDS = [pytest.param(b, marks=[pytest.mark.quick] if b != "virt" else []) for b in ("sim", "pc", "virt")]


def kib(mem, row, column):
    """A figure of the shell's `mem`."""
    return int(re.search(rf"^{row}(.*)$", mem, re.M)[1].split()[column])


@pytest.fixture(params=BOARDS)
def shell(request, kernels, root):
    """A function that types a line and gives what came out, up to the next prompt."""
    elf = kernels.elf(request.param, app=APP)
    terminal = Terminal(root / "tools/run", "--board", request.param, "--elf", elf, "--interactive")

    def line(text, until=PROMPT):
        terminal.type(text.encode() + b"\r")
        said = terminal.wait_for(until)
        if until != PROMPT and PROMPT not in said:  # a task's line may come before or after it
            said += terminal.wait_for(PROMPT)
        return re.sub(r"\x1b\[K|\r", "", said.decode(errors="replace"))

    terminal.wait_for(PROMPT)
    yield line
    terminal.type(b"shutdown 7\r")
    assert terminal.status() == 7


def test_a_task_that_takes_all_memory(shell):
    said = shell("hoard", until=b"and no more")
    took = int(re.search(r"hoarder: (\d+) KiB", said)[1])
    mem = shell("mem")
    total = int(re.search(r"of (\d+) KiB", mem)[1])
    kept = int(re.search(r"(\d+) KiB kept", mem)[1])
    free = int(re.search(r"(\d+) KiB free", mem)[1])
    assert took > total / 2 and kept >= 1024 and free >= kept
    assert kib(mem, "tasks", 1) >= took and kib(mem, "tasks", 5) > 0 and kib(mem, "kernel", 5) == 0
    assert re.search(r"waiting .* hoarder$", shell("task"), re.M)
    # The shell's own errands are the kernel's.
    for _ in range(3):
        assert "spawn" not in shell("spawn fifo 1 1").split("\n", 1)[1]
    assert "up " in shell("uptime")


def test_a_task_with_a_quota(shell):
    said = shell("hoard quota", until=b"and no more")
    assert 50 <= int(re.search(r"hoarder: (\d+) KiB", said)[1]) < 100
    mem = shell("mem")
    assert kib(mem, "tasks", 1) <= 100
    assert re.search(r"waiting .* hoarder$", shell("task"), re.M)


@pytest.mark.quick
def test_a_task_that_spawns_until_there_is_no_memory(kernels):
    """What it makes the kernel allocate does not touch the reserve, so the shell can spawn one more."""
    elf = kernels.elf("sim", "clang", APP)
    for cpus in (1, 4):
        result = kernels.sim(elf, "--ram", "16", cpus=cpus, stdin="hoard tasks\nspawn fifo 1 1\nmem\nuptime\nshutdown 7\n")
        assert result.returncode == 7, result.stdout
        spawned = int(re.search(r"hoarder: (\d+) tasks and no more", result.stdout)[1])
        assert spawned > 10_000
        assert "spawn: " not in result.stdout
        mem = result.stdout.replace("\r", "")
        assert kib(mem, "kernel", 5) > 0
        assert int(re.search(r"(\d+) KiB free", mem)[1]) >= int(re.search(r"(\d+) KiB kept", mem)[1]) - 256
        assert int(re.search(r", (\d+) tasks", mem)[1]) >= spawned + 2


def crowd(result):
    """The metrics of idle_tasks.c, {name: number}."""
    assert result.returncode == 0, result.stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"^idle\.(\w+) (\d+) \w+", result.stdout, re.M)}


def check_crowd(said, tasks, cpus=4):
    assert said["tasks"] == tasks + 1
    assert said["bytes_per_task"] < 512 and said["page_bytes_per_task"] < 512
    assert said["left"] == 0
    # Blocks that wait in magazines, 16 on each CPU and 128 in the depot, may each keep a pool of 256 KiB.
    assert said["pages_left"] <= (16 * cpus + 128 + 1) * (256 << 10)


@pytest.mark.parametrize("cpus", [1, 4])
def test_a_million_tasks_that_wait(kernels, cpus):
    elf = kernels.elf("sim", "clang", "tests/system/idle_tasks.c")
    said = crowd(kernels.sim(elf, "--ram", "1024", "--cmdline", "tasks=1000000", cpus=cpus))
    check_crowd(said, 1_000_000, cpus)
    # Ticks of the simulator are steps: the last task costs as many as the first, but for a share of the pages.
    assert said["spawn_last_tenth"] <= said["spawn_first_tenth"] * 1.05
    # To list one is a fraction of making it, however many there are.
    assert said["list"] < said["spawn_first_tenth"]


@pytest.mark.quick
@pytest.mark.parametrize("board", ["pc", "virt"])
def test_a_hundred_thousand_tasks_that_wait(kernels, board):
    check_crowd(crowd(kernels.run(board, kernels.elf(board, app="tests/system/idle_tasks.c"))), 100_000)
