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
    "heap-twice": r"kfree\(0x[0-9a-f]+\): already free",
    "heap-inside": r"kfree\(0x[0-9a-f]+\): not a block",
    "heap-odd": r"kfree\(0x[0-9a-f]+\): not a block",
    "heap-past-end": r"kfree\(0x[0-9a-f]+\): .* written past its end",
    "heap-after-free": r"heap: free block 0x[0-9a-f]+ was overwritten",
}

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_panics(kernels, misuse):
    result = kernels.sim(kernels.elf("sim", "clang", APP), "--cmdline", misuse)
    assert result.returncode == 101, result.stdout
    assert re.search(rf"kernel panic on CPU \d+: {MISUSES[misuse]}", result.stdout), result.stdout


def test_right_use_does_not(kernels):
    result = kernels.sim(kernels.elf("sim", "clang", APP), "--cmdline", "none")
    assert result.returncode == 0, result.stdout
