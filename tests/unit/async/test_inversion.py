"""The word on the command line that turns priority inheritance off."""

import re

import pytest

WORK_US, MIDDLE_US = 2_000, 12_000


@pytest.mark.quick
@pytest.mark.parametrize("word, inherits", [("", True), ("inherit=on", True), ("inherit=off", False), ("inherit=no", True)])
def test_the_switch(kernels, word, inherits):
    elf = kernels.elf("sim", "clang", "tests/unit/async/inversion.c")
    result = kernels.sim(elf, "--cmdline", f"{word} only=by_default", cpus=1)
    assert result.returncode == 0, result.stdout
    waits_us = int(re.search(r"by default high waits (\d+) us", result.stdout)[1])
    assert waits_us <= WORK_US if inherits else waits_us >= MIDDLE_US
    assert ("inherit=no: expected on|off; taking the first" in result.stdout) == (word == "inherit=no")
