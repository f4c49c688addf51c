"""A task that faults ends alone, on every board; the kernel's own faults end the machine."""

import re
import subprocess

import pytest

APP = "tests/system/faults.c"
NO_ACCESS = r"page fault|data abort|instruction abort|general protection"
KINDS = {
    "panic": "asked to",
    "assert": r"assertion failed: zero \(kernel/services/crash\.c:\d+\)",
    "null": rf"(?:{NO_ACCESS}): cannot write 0x0 \(null pointer\)|page fault at 0x0",
    "wild": NO_ACCESS,
    "code": NO_ACCESS,
    "jump": NO_ACCESS,
    "undefined": r"invalid opcode|undefined instruction|brk instruction|illegal instruction|division by zero",
    "divide": r"divide error|division by zero",
    "stack": r"stack overflow: cannot use 0x",
    "calls": r"stack overflow: cannot use 0x",
    "memory": rf"(?:{NO_ACCESS}): cannot write 0x0 \(null pointer\)|page fault at 0x0",
    "lock": rf"(?:{NO_ACCESS}): cannot \w+ 0x0 \(null pointer\)|page fault at 0x0",
    "text": rf"(?:{NO_ACCESS}): cannot read 0x18 \(null pointer\)|page fault at 0x18",
}
BOARDS = ("pc", "virt", "raspi3", "raspi4", "sim")
MACHINES = [pytest.param(b, c, marks=[pytest.mark.quick] if c == "clang" else [])
            for b in BOARDS for c in ("clang", "gcc")]


@pytest.mark.parametrize("board, cc", MACHINES)
def test_every_kind_ends_one_task(kernels, tmp_path, board, cc):
    trace = tmp_path / "trace"
    result = kernels.run(board, kernels.elf(board, cc, APP), "--trace", trace)
    text = result.stdout.replace("\r", "")
    assert result.returncode == 0, text
    for tid, (kind, said) in enumerate(KINDS.items(), 4):
        # The joiner is told, what it owned is released, the newest first, the lock is poisoned, who waits at
        # the channel is told, and neither memory nor a task is left.
        assert (f"faults: {kind}: ended by a fault, released 321, lock: owner died, channel: closed, 0 blocks, 0 tasks\n"
                in text), text
        report = re.search(rf"^task (\d+), {kind}, job 1: (.*)\n((?:  #\d+ .*\n)+)", text, re.M)
        assert report and int(report[1]) == tid and re.search(said, report[2]), text
        check_back_trace(report[3])
    assert "faults: witness: killed" in text and "goes on" not in text and "kernel panic" not in text
    check_record(text.split("faults: witness: killed\n")[1])
    checked = subprocess.run([kernels.trace_tool(), "check", trace], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    assert checked.returncode == 0, checked.stdout
    printed = subprocess.run([kernels.trace_tool(), "print", trace], text=True, stdout=subprocess.PIPE)
    assert len(re.findall(r"task_fault:.*status = ?-12|task_fault:.*status=-12", printed.stdout)) == len(KINDS)


def check_back_trace(frames):
    """It leads from the fault to the executor. On the simulator a fault in the last function of a chain may have no
    frame of its own."""
    assert re.search(r"\b(crash(_\w+)?(\.\w+)*|work)\+0x", frames), frames


def check_record(said):
    """What the shell's `fault` shows: each of them again, with its back trace, and the one that was killed."""
    assert said.startswith(f"{len(KINDS) + 1} tasks ended by a fault or were killed\n"), said
    for number, (kind, what) in enumerate(KINDS.items(), 1):
        shown = re.search(rf"^{number}: task {number + 3}, {kind}, job 1, at \d+ us: (.*)\n((?:  #\d+ .*\n)+)", said, re.M)
        assert shown and re.search(what, shown[1]), said
        check_back_trace(shown[2])
    assert re.search(rf"^{len(KINDS) + 1}: task 3, witness, job \d+, at \d+ us: killed\n", said, re.M), said


def check_panic(result):
    assert result.returncode == 101, result.stdout
    assert "kernel panic on CPU" in result.stdout


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("board", BOARDS)
def test_a_fault_with_interrupts_masked_is_the_machines(kernels, board, kind):
    """There a lock may be held, and what it protects be half changed."""
    check_panic(kernels.run(board, kernels.elf(board, app=APP), "--append", f"masked={kind}"))


@pytest.mark.parametrize("kind", ["panic", "null", "undefined"])
@pytest.mark.parametrize("board", BOARDS)
def test_a_fault_in_an_interrupt_is_the_machines(kernels, board, kind):
    check_panic(kernels.run(board, kernels.elf(board, app=APP), "--append", f"timer={kind}"))
