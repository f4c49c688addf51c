"""A task that faults ends alone, on every board; the kernel's own faults end the machine."""

import re
import subprocess

import pytest

APP = "tests/system/faults.c"
KINDS = {
    "null": r"cannot write 0x0 \(null pointer\)|page fault at (0x0|\(nil\))",
    "wild": r"cannot write 0x5a5a5a5a5a5a5a58|general protection|page fault at",
    "undefined": r"invalid opcode|undefined instruction|brk instruction|illegal instruction|division by zero",
    "divide": r"divide error|division by zero",
    "stack": r"stack overflow|guard page hit",
    "panic": r"asked to",
    "assert": r"assertion failed: zero \(kernel/services/crash\.c:\d+\)",
}
MACHINES = [(board, cc) for board in ("pc", "virt", "raspi3", "raspi4", "sim") for cc in ("clang", "gcc")]
QUICK = [pytest.param(b, c, marks=[pytest.mark.quick] if c == "clang" else []) for b, c in MACHINES]


@pytest.mark.parametrize("board, cc", QUICK)
def test_every_kind_ends_one_task(kernels, tmp_path, board, cc):
    trace = tmp_path / "trace"
    result = kernels.run(board, kernels.elf(board, cc, APP), "--trace", trace)
    assert result.returncode == 0, result.stdout
    for tid, (kind, said) in enumerate(KINDS.items(), 4):
        assert f"faults: {kind}: ended by a fault" in result.stdout, result.stdout
        report = re.search(rf"^task (\d+), {kind}, job 1: (.*)\n((?:  #\d+ .*\n)+)", result.stdout, re.M)
        assert report and int(report[1]) == tid and re.search(said, report[2]), result.stdout
        # The back trace leads from the fault to the executor. On the simulator a fault in the last
        # function of a chain may have no frame of its own.
        assert re.search(r"\b(crash(_\w+)?(\.\w+)*|work)\+0x", report[3]), report[3]
    assert "faults: witness: killed" in result.stdout
    assert f"faults: {len(KINDS) + 1} on record, 1 tasks alive" in result.stdout
    checked = subprocess.run([kernels.trace_tool(), "check", trace], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    assert checked.returncode == 0, checked.stdout
    printed = subprocess.run([kernels.trace_tool(), "print", trace], text=True, stdout=subprocess.PIPE)
    assert len(re.findall(r"task_fault:.*status = ?-12|task_fault:.*status=-12", printed.stdout)) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("board", ["pc", "virt", "sim"])
def test_a_fault_with_interrupts_masked_is_the_machines(kernels, board, kind):
    """There a lock may be held, and what it protects be half changed."""
    result = kernels.run(board, kernels.elf(board, app=APP), "--append", f"masked={kind}")
    assert result.returncode == 101, result.stdout
    assert "kernel panic on CPU" in result.stdout
