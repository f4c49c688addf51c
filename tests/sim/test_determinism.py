"""One seed is one execution, to the last byte of its trace: twice, and under valgrind, which runs the program on other
addresses of stack and libraries, at another speed and on an emulated CPU. Its memcheck has nothing to say of any of them."""

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402

CASES = [("tests/sim/rates.c", 4, "random", "tasks=40"), ("tests/sim/rates.c", 1, "time", "switches=500"),
         ("tests/unit/async/messages.c", 3, "pct", ""), ("tests/sim/driven.c", 2, "random", "only=blk_in_any")]


def execute(before, elf, folder, case):
    _, cpus, strategy, cmdline = case
    done = subprocess.run([*before, elf, "--cpus", str(cpus), "--seed", "7", "--strategy", strategy, "--cmdline", cmdline, *runs.VALGRIND_RAM,
                           *(["--device", "all"] if "driven" in case[0] else []), "--trace", folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, next(line for line in done.stderr.splitlines() if line.startswith("sim: seed="))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].split('/')[-1]}-{case[1]}-{case[2]}")
def test_a_trace_is_the_same_under_valgrind(kernels, tmp_path, case):
    elf = tmp_path / "kernel.elf"  # valgrind cannot read what clang writes for debuggers
    subprocess.run(["objcopy", "--strip-debug", kernels.elf("sim", "clang", case[0]), elf], check=True)
    said = [execute(before, elf, tmp_path / name, case) for name, before in (("a", []), ("b", []), ("c", runs.VALGRIND))]
    assert said[0] == said[1] == said[2]
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    for other in ("b", "c"):
        assert sorted(file.name for file in (tmp_path / other).iterdir()) == names
        assert filecmp.cmpfiles(tmp_path / "a", tmp_path / other, names, shallow=False)[0] == names
