"""The allocators find what is released wrongly, and stop the machine."""

import re

import pytest

APP = "tests/unit/mm/misuse.c"
MISUSES = {
    "page-twice": r"page_free\(0x[0-9a-f]+, 1\): no such block is allocated",
    "page-order": r"page_free\(0x[0-9a-f]+, 0\): no such block",
    "page-inside": r"page_free\(0x[0-9a-f]+, 0\): no such block",
    "page-odd": r"page_free\(0x[0-9a-f]+, 1\): no such block",
    "page-foreign": r"page_free\(0x0, 0\): no such block",
    "pages-fewer": r"page_free\(0x[0-9a-f]+, 1\): no such block",
    "pages-more": r"page_free\(0x[0-9a-f]+, 1\): no such block",
    "pages-twice": r"page_free\(0x[0-9a-f]+, 2\): no such block",
    "heap-twice": r"kfree\(0x[0-9a-f]+\): already free: 112 bytes, freed by heap\+0x",
    "heap-inside": r"kfree\(0x[0-9a-f]+\): not a block",
    "heap-odd": r"kfree\(0x[0-9a-f]+\): not a block",
    "heap-past-end": r"kfree\(0x[0-9a-f]+\): 112 bytes of owner\+0x[0-9a-f]+ were written past their end",
    "heap-one-past-end": r"kfree\(0x[0-9a-f]+\): 112 bytes of owner\+0x[0-9a-f]+ were written past their end",
    "heap-last-of-slack": r"kfree\(0x[0-9a-f]+\): 112 bytes of owner\+0x[0-9a-f]+ were written past their end",
    "heap-before-begin": r"kfree\(0x[0-9a-f]+\): not a block of the heap, or written before its begin",
    "heap-after-free": r"heap: free block 0x[0-9a-f]+ was overwritten; it was freed by",
    "heap-write-after-free": r"heap: free block 0x[0-9a-f]+ was overwritten; it was freed by heap\+0x",
    "large-past-end": r"kfree\(0x[0-9a-f]+\): 102400 bytes of heap\+0x[0-9a-f]+ were written past their end",
    "task-kfree": r"kfree\(0x[0-9a-f]+\): 128 bytes of task 1, which are in the other heap",
    "kernel-task_free": r"task_free\(0x[0-9a-f]+\): 112 bytes of \S+, which are in the other heap",
    "task-past-end": r"task_free\(0x[0-9a-f]+\): 128 bytes of task 1 were written past their end",
    "task-before-begin": r"task_free\(0x[0-9a-f]+\): 128 bytes of task 1",
    "task-twice": r"task_free\(0x[0-9a-f]+\): already free: 128 bytes, freed by task 1",
}

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_panics(kernels, misuse):
    result = kernels.sim(kernels.elf("sim", "clang", APP), "--cmdline", misuse)
    assert result.returncode == 101, result.stdout
    assert re.search(rf"kernel panic on CPU \d+: {MISUSES[misuse]}", result.stdout, re.M), result.stdout


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("misuse, said, left", [
    ("task-stranger", r"task_free\(0x[0-9a-f]+\): 128 bytes of task 1\n", 2),
    ("task-late", r"task_free\(0x[0-9a-f]+\): 128 bytes of task 2 were written past their end\n", 3),
])
def test_a_misuse_by_a_task_ends_that_task(kernels, misuse, said, left, cpus):
    """The others go on; what it had is released, but for the block that it damaged."""
    result = kernels.sim(kernels.elf("sim", "clang", APP), "--cmdline", misuse, cpus=cpus)
    text = result.stdout.replace("\r", "")
    assert result.returncode == 0, text
    assert re.search(rf"task 2, stranger, job 1: {said}", text), text
    assert f"{left} blocks are left\n" in text
    assert ("was written over its ends and stays out of use" in text) == (left > 2)


def test_right_use_does_not(kernels):
    result = kernels.sim(kernels.elf("sim", "clang", APP), "--cmdline", "none")
    assert result.returncode == 0, result.stdout
