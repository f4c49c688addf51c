"""The race detector and a simple one, which keeps every access, agree on random histories (races.c)."""

import subprocess

import pytest


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_it_agrees_with_a_simple_one(kernels, root, cc):
    elf = f"build/sim-{cc}/app-races/races.elf"
    kernels.make(elf, "BOARD=sim", f"CC={cc}", "APP=tests/sim/races.c")
    done = subprocess.run([root / elf, "200000"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
